import { fileURLToPath } from "node:url";
import { calibrate } from "../clock.js";
import { firstLine } from "../machine.js";
import { prepare, runOnce } from "../prepare.js";
import { add, gather, raceAndAdd, type Series, type Session, skip } from "../session.js";
import { summarise } from "../statistics.js";
import { WORKLOADS } from "../workloads.js";

/** What one run from JavaScript costs where the program does nothing, and what memory a VM with it takes. */
export function timeCalls(session: Session): void {
  const empty = WORKLOADS.find(({ group, name }) => group === "compute" && name === "empty")!;
  const series: Series = { group: "calls", workload: "one run of the empty program from JavaScript", measure: "call" };
  const makers = session.subjects.map((subject) => ({
    subject: subject.name,
    make: () => {
      const ready = prepare(empty, subject);
      const input = { data: empty.packet };
      const sample = calibrate((runs) => {
        for (let run = 0; run < runs; run++) runOnce(ready.runnable, input);
      }, session.method.round);
      return { subject: subject.name, sample, dispose: () => ready.vm.dispose() };
    },
  }));
  raceAndAdd(session, series, gather(session, series, makers));
  for (const { name } of session.subjects) measureMemory(session, name);
}

function measureMemory(session: Session, subject: string): void {
  session.progress(`memory: ${subject}`);
  const series: Series = { group: "calls", workload: "memory of a VM", measure: "memory", unit: "bytes" };
  if (!import.meta.url.endsWith(".js")) {
    skip(session, series, subject, "needs the build: the process that is measured cannot be started from TypeScript");
    return;
  }
  const script = fileURLToPath(new URL("../memory.js", import.meta.url));
  const once = (): number => Number(firstLine(process.execPath, [script, subject]));
  const samples = Array.from({ length: session.method.quick ? 1 : 3 }, once);
  if (samples.every(Number.isFinite)) add(session, series, subject, summarise(samples));
  else skip(session, series, subject, "the process that is measured failed");
}
