import { type Contender, processorTime } from "../clock.js";
import { objectNamed } from "../files.js";
import { peerContender } from "../peers.js";
import { prepare, runOnce } from "../prepare.js";
import { gather, raceAndAdd, type Series, type Session } from "../session.js";
import { RAW_WORKLOADS, rawMemory, type Workload } from "../workloads.js";

/** Times the raw-memory entries on our engines without a verdict, and on outside VMs. */
export function timeRaw(session: Session): void {
  for (const workload of RAW_WORKLOADS) {
    const series: Series = { group: "raw", workload: workload.name, measure: "run" };
    const program = objectNamed(workload.object).programs[0]!;
    const { round } = session.method;
    const contenders = gather(session, series, [
      ...session.subjects
        .filter(({ raw }) => raw)
        .map((subject) => ({ subject: subject.name, make: () => ownContender(session, workload, subject) })),
      ...session.peers.map((peer) => ({
        subject: peer.name,
        make: () => peerContender(peer, program, workload.packet, round),
      })),
    ]);
    raceAndAdd(session, { ...series, slots: program.code.length / 8 }, contenders);
  }
}

/** The program repeats itself: it is told in memory how often. */
function ownContender(session: Session, workload: Workload, subject: Session["subjects"][number]): Contender {
  const ready = prepare(workload, subject);
  const { runnable, vm } = ready;
  const { round } = session.method;
  const run = (runs: number) => runOnce(runnable, { data: rawMemory(workload.packet, runs) });
  const result = Number(BigInt.asUintN(32, run(1).r0));
  let runs = 1;
  // The runs are the program's own, so what is doubled is a number in its memory.
  while (processorTime(() => run(runs)) < round * 1e6 && runs < 2 ** 26) runs *= 2;
  return {
    subject: subject.name,
    result,
    sample: () => processorTime(() => run(runs)) / runs,
    dispose: () => vm.dispose(),
  };
}
