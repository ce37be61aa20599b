import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { isBpfkitError } from "@bpfkit/core";
import type { SharedVm, Vm } from "@bpfkit/vm";
import { BenchError } from "../error.js";
import { prepare, runOnce } from "../prepare.js";
import { add, type Series, type Session, skip } from "../session.js";
import { summarise } from "../statistics.js";
import type { Subject } from "../subjects.js";
import type { WorkerTask } from "../worker.js";
import { SHARED_WORKLOADS, type Workload } from "../workloads.js";

/** Programs of workers with a VM each: one that stays in registers, one that goes through maps. */
const NAMES = ["fnv1a", "hash"];
/** What a quick run leaves out: starting workers takes most of the time. */
const SLOW = ["fnv1a", "update hash", "a counter a CPU"];
const WORKERS = [1, 2];
const MOST_ROUNDS = 5;
/** Runs of each worker before anything is timed. */
const CHECK = 100;

/** Runs a second with one and with two workers, each with a VM of its own and all with one they share. By the clock on the wall. */
export async function timeWorkers(session: Session): Promise<void> {
  for (const subject of session.subjects) {
    const series = { group: "workers", workload: "several workers", measure: "throughput" } as const;
    if (!import.meta.url.endsWith(".js")) {
      skip(session, series, subject.name, "workers need the build: they cannot be started from TypeScript");
      continue;
    }
    if (subject.setsUp) {
      skip(session, series, subject.name, "beginning to repeat sleeps for longer than a round");
      continue;
    }
    for (const workload of NAMES) for (const count of WORKERS) await timeOwn(session, subject, workload, count);
    if (subject.make(() => false).capabilities.workers) await timeShared(session, subject);
    else {
      const workload = "maps and code shared between workers";
      skip(session, { ...series, workload }, subject.name, "not available: the engine cannot share them");
    }
  }
}

function seriesOf(workload: string, count: number): Series {
  return { group: "workers", workload, measure: "throughput", unit: "runs/s", x: count };
}

async function timeOwn(session: Session, { name: subject }: Subject, workload: string, count: number): Promise<void> {
  const series = seriesOf(`${workload}, a VM a worker`, count);
  await skipping(session, series, subject, () => race(session, series, count, { subject, workload }, () => {}));
}

async function timeShared(session: Session, subject: Subject): Promise<void> {
  for (const workload of SHARED_WORKLOADS) {
    if (session.method.quick && SLOW.includes(workload.name)) continue;
    for (const count of WORKERS) {
      const series = seriesOf(`${workload.name}, shared`, count);
      await skipping(session, series, subject.name, () => timeOneShared(session, series, subject, workload, count));
    }
  }
}

async function timeOneShared(
  session: Session,
  series: Series,
  subject: Subject,
  workload: Workload,
  count: number,
): Promise<void> {
  const { vm, runnable } = prepare(workload, subject, { shared: true, cpus: count + 1 });
  try {
    const expected = runOnce(runnable, { data: workload.packet }).r0;
    const before = counted(vm, workload);
    const shared = vm.share({ threads: count });
    const task = { subject: subject.name, workload: workload.name, shared };
    await race(session, series, count, task, (results) => {
      check(series, results, expected);
      checkCount(series, counted(vm, workload) - before, count * CHECK * (workload.operations ?? 1), workload);
    });
  } finally {
    // The workers are gone.
    for (let thread = 1; thread <= count; thread++) vm.detach(thread);
    vm.dispose();
  }
}

function check({ workload }: Series, results: readonly bigint[], expected: bigint): void {
  for (const result of results)
    if (result !== expected)
      throw new BenchError("DIFFERENT_RESULTS", `${workload}: a worker comes to ${result}, its owner to ${expected}`);
}

function checkCount({ workload }: Series, counts: number, expected: number, { counts: map }: Workload): void {
  if (map !== undefined && counts !== expected)
    throw new BenchError("DIFFERENT_RESULTS", `${workload}: map ${map} counted ${counts}, not ${expected}`);
}

/** The sum of a workload's counters over all CPUs. */
function counted(vm: Vm, { counts }: Workload): number {
  if (counts === undefined) return 0;
  const value = vm.map(counts).get(new Uint8Array(4))!;
  return Number(new BigUint64Array(value.buffer).reduce((sum, one) => sum + one));
}

async function skipping(session: Session, series: Series, subject: string, time: () => Promise<void>): Promise<void> {
  session.progress(`workers: ${series.x}, ${subject}, ${series.workload}`);
  try {
    await time();
  } catch (error) {
    if (!(error instanceof Error) || (isBpfkitError(error) && error.code === "DIFFERENT_RESULTS")) throw error;
    skip(session, series, subject, error.message);
  }
}

/** Starts workers, has what they come to checked, and adds their runs a second together. */
async function race(
  session: Session,
  series: Series,
  count: number,
  what: { readonly subject: string; readonly workload: string; readonly shared?: SharedVm },
  checkResults: (results: readonly bigint[]) => void,
): Promise<void> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const rounds = Math.min(session.method.rounds, MOST_ROUNDS);
  const task: WorkerTask = { ...what, gate, check: CHECK, rounds, milliseconds: session.method.quick ? 50 : 300 };
  const script = new URL("../worker.js", import.meta.url);
  const workers = Array.from({ length: count }, () => new Worker(script, { workerData: task }));
  const answers = <T>(): Promise<T[]> =>
    Promise.all(workers.map(async (worker) => ((await once(worker, "message")) as [T])[0]));
  const open = <T>(step: number): Promise<T[]> => {
    const all = answers<T>();
    Atomics.store(gate, 0, step);
    Atomics.notify(gate, 0);
    return all;
  };
  try {
    await answers();
    checkResults(await open<bigint>(1));
    const rates = await open<number[]>(2);
    const sums = rates[0]!.map((_, round) => rates.reduce((sum, one) => sum + one[round]!, 0));
    add(session, series, what.subject, summarise(sums));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
