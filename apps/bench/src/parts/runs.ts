import { type Contender, calibrate } from "../clock.js";
import { type Prepared, prepare, runOnce } from "../prepare.js";
import { add, exactly, gather, raceAndAdd, type Series, type Session, skip } from "../session.js";
import type { Subject } from "../subjects.js";
import { WORKLOADS, type Workload } from "../workloads.js";

/** Of a series by call sites or bytes, what a quick run looks at. */
const QUICK_X = [1, 64, 1500];

/** Times every workload with every subject, and native code; adds the machine code's size. */
export function timeRuns(session: Session): void {
  for (const workload of WORKLOADS) {
    if (!session.method.quick || workload.x === undefined || QUICK_X.includes(workload.x))
      timeWorkload(session, workload);
  }
}

function timeWorkload(session: Session, workload: Workload): void {
  const { group, name, x, packet, native } = workload;
  const prepared: { readonly subject: Subject; readonly ready: Prepared }[] = [];
  const series: Series = { group, workload: name, measure: "run", x };
  for (const subject of session.subjects) {
    try {
      const ready = prepare(workload, subject);
      if ("refused" in ready) skip(session, series, subject.name, ready.refused);
      else prepared.push({ subject, ready });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      skip(session, series, subject.name, error.message);
    }
  }
  let instructions: number | undefined;
  const makers = prepared.map(({ subject, ready }) => ({
    subject: subject.name,
    make: (): Contender => {
      const first = runOnce(ready.runnable, { data: packet });
      instructions ??= first.instructions;
      const run = (runs: number): void => void runOnce(ready.runnable, { data: packet }, runs);
      return {
        subject: subject.name,
        result: Number(BigInt.asUintN(32, first.r0)),
        sample: calibrate(run, session.method.round, subject.setsUp),
      };
    },
  }));
  if (native !== undefined && session.native !== undefined) {
    const { native: clang } = session;
    makers.push({ subject: "native", make: () => clang.contender(native, packet, session.method.round) });
  }
  try {
    const contenders = gather(session, series, makers);
    const slots = (prepared[0]?.ready.runnable.program.code.length ?? 0) / 8;
    raceAndAdd(session, { ...series, instructions, slots }, contenders);
    for (const { subject, ready } of prepared) addCodeBytes(session, { ...series, slots }, subject, ready);
  } finally {
    for (const { ready } of prepared) ready.vm.dispose();
  }
}

function addCodeBytes(session: Session, series: Series, subject: Subject, { linked, runnable }: Prepared): void {
  const bytes = subject.codeBytes?.(linked, runnable.program);
  // None is what the kernel shows where it hides machine code.
  if (bytes === undefined || bytes === 0) return;
  add(session, { ...series, measure: "code", unit: "bytes" }, subject.name, exactly(bytes));
}
