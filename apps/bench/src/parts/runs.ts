import { isBpfkitError } from "@bpfkit/core";
import { type Contender, calibrate } from "../clock.js";
import { type Prepared, prepare, runOnce } from "../prepare.js";
import { add, exactly, gather, raceAndAdd, type Series, type Session, skip } from "../session.js";
import type { Subject } from "../subjects.js";
import { WORKLOADS, type Workload } from "../workloads.js";

/** Of a series by call sites or bytes, what a quick run looks at. */
const QUICK_X = [64];

/** Times every workload with every subject, and native code; adds the machine code's size. */
export function timeRuns(session: Session): void {
  for (const workload of WORKLOADS) {
    if (!session.method.quick || workload.x === undefined || QUICK_X.includes(workload.x))
      timeWorkload(session, workload);
  }
}

/** A subject with a workload linked. */
interface Entrant {
  readonly subject: Subject;
  readonly ready: Prepared;
}

function timeWorkload(session: Session, workload: Workload): void {
  const series: Series = { group: workload.group, workload: workload.name, measure: "run", x: workload.x };
  const entrants = prepareAll(session, series, workload);
  try {
    const slots = (entrants[0]?.ready.runnable.program.code.length ?? 0) / 8;
    const instructions = countInstructions(entrants, workload);
    const { native, packet } = workload;
    const { native: clang, method } = session;
    const contenders = gather(session, series, [
      ...entrants.map((entrant) => ({
        subject: entrant.subject.name,
        make: () => contenderOf(entrant, packet, method.round),
      })),
      ...(native === undefined || clang === undefined
        ? []
        : [{ subject: "native", make: () => clang.contender(native, packet, method.round) }]),
    ]);
    raceAndAdd(session, { ...series, instructions, slots }, contenders);
    for (const entrant of entrants) addCodeBytes(session, { ...series, slots }, entrant);
  } finally {
    for (const { ready } of entrants) ready.vm.dispose();
  }
}

function prepareAll(session: Session, series: Series, workload: Workload): Entrant[] {
  return session.subjects.flatMap((subject) => {
    try {
      return [{ subject, ready: prepare(workload, subject) }];
    } catch (error) {
      if (!isBpfkitError(error)) throw error;
      skip(session, series, subject.name, error.message);
      return [];
    }
  });
}

/** Instructions of a run, as an engine counts them that counts. In a VM of its own: runs change maps. */
function countInstructions(entrants: readonly Entrant[], workload: Workload): number | undefined {
  const counting = entrants.find(({ ready }) => ready.vm.engine.capabilities.steps);
  if (counting === undefined) return undefined;
  const { runnable, vm } = prepare(workload, counting.subject);
  const { instructions } = runOnce(runnable, { data: workload.packet });
  vm.dispose();
  return instructions;
}

function contenderOf({ subject, ready }: Entrant, packet: Uint8Array, round: number): Contender {
  const { r0 } = runOnce(ready.runnable, { data: packet });
  const run = (runs: number): void => void runOnce(ready.runnable, { data: packet }, runs);
  return {
    subject: subject.name,
    result: Number(BigInt.asUintN(32, r0)),
    sample: calibrate(run, round, subject.setsUp),
  };
}

function addCodeBytes(session: Session, series: Series, { subject, ready }: Entrant): void {
  const { linked, runnable } = ready;
  const bytes = subject.codeBytes?.(linked, runnable.program);
  // None is what the kernel shows where it hides machine code.
  if (bytes === undefined || bytes === 0) return;
  add(session, { ...series, measure: "code", unit: "bytes" }, subject.name, exactly(bytes));
}
