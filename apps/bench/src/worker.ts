/**
 * A worker of `parts/workers.ts`: makes a VM of its own or attaches to a shared one, runs so often as it is asked to for a
 * check, and counts runs in rounds of so long. Waits for the gate before each.
 */
import { parentPort, workerData } from "node:worker_threads";
import { attach, type SharedVm, type VmProgram } from "@bpfkit/vm";
import { wallTime } from "./clock.js";
import { prepare, runOnce } from "./prepare.js";
import { SUBJECTS } from "./subjects.js";
import { SHARED_WORKLOADS, WORKLOADS, type Workload } from "./workloads.js";

export interface WorkerTask {
  readonly subject: string;
  readonly workload: string;
  /** Without it, the worker has a VM of its own. */
  readonly shared?: SharedVm;
  /** Opens for the check when it is 1, for the rounds when it is 2. */
  readonly gate: Int32Array;
  /** Runs of the check. */
  readonly check: number;
  readonly rounds: number;
  /** Of a round. */
  readonly milliseconds: number;
}

const task = workerData as WorkerTask;
const workload = workloadOf(task);
const ready = runnableOf(task);
const run = (runs: number): bigint => runOnce(ready, { data: workload.packet }, runs).r0;

parentPort!.postMessage("ready");
Atomics.wait(task.gate, 0, 0);
parentPort!.postMessage(run(task.check));
Atomics.wait(task.gate, 0, 1);

/** Runs that take some two milliseconds, the first time left out. */
let portion = 1;
while (
  Math.min(
    wallTime(() => run(portion)),
    wallTime(() => run(portion)),
  ) < 2e6
)
  portion *= 2;
parentPort!.postMessage(Array.from({ length: task.rounds }, () => runsPerSecond()));

function workloadOf({ shared, workload: wanted }: WorkerTask): Workload {
  if (shared !== undefined) return SHARED_WORKLOADS.find(({ name }) => name === wanted)!;
  return WORKLOADS.find(({ group, name }) => group === "compute" && name === wanted)!;
}

function runnableOf({ shared, subject: wanted }: WorkerTask): VmProgram {
  const subject = SUBJECTS.find(({ name }) => name === wanted)!;
  if (shared === undefined) return prepare(workload, subject).runnable;
  // What is shared was linked with its verdicts.
  return attach(shared, { engine: subject.make(() => false) }).program(workload.program);
}

function runsPerSecond(): number {
  const start = performance.now();
  let runs = 0;
  while (performance.now() - start < task.milliseconds) {
    run(portion);
    runs += portion;
  }
  return (runs * 1000) / (performance.now() - start);
}
