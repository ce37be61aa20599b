/** A worker of `parts/workers.ts`: makes a VM of its own, waits for the gate, and counts runs in rounds of so long. */
import { parentPort, workerData } from "node:worker_threads";
import { wallTime } from "./clock.js";
import { prepare, runOnce } from "./prepare.js";
import { SUBJECTS } from "./subjects.js";
import { WORKLOADS } from "./workloads.js";

export interface WorkerTask {
  readonly subject: string;
  readonly workload: string;
  /** Opens when it is 1. */
  readonly gate: Int32Array;
  readonly rounds: number;
  /** Of a round. */
  readonly milliseconds: number;
}

const task = workerData as WorkerTask;
const subject = SUBJECTS.find(({ name }) => name === task.subject)!;
const workload = WORKLOADS.find(({ group, name }) => group === "compute" && name === task.workload)!;
const ready = prepare(workload, subject);
const run = (runs: number): void => void runOnce(ready.runnable, { data: workload.packet }, runs);

/** Runs that take some two milliseconds, the first time left out. */
let portion = 1;
while (
  Math.min(
    wallTime(() => run(portion)),
    wallTime(() => run(portion)),
  ) < 2e6
)
  portion *= 2;
parentPort!.postMessage("ready");
Atomics.wait(task.gate, 0, 0);
parentPort!.postMessage(Array.from({ length: task.rounds }, () => runsPerSecond()));

function runsPerSecond(): number {
  const start = performance.now();
  let runs = 0;
  while (performance.now() - start < task.milliseconds) {
    run(portion);
    runs += portion;
  }
  return (runs * 1000) / (performance.now() - start);
}
