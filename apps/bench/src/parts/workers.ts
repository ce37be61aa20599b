import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { add, type Session, skip } from "../session.js";
import { summarise } from "../statistics.js";
import type { WorkerTask } from "../worker.js";

/** Programs run in workers: one that stays in registers, one that goes through maps. */
const NAMES = ["fnv1a", "hash"];
const WORKERS = [1, 2];
const MOST_ROUNDS = 5;

/**
 * Runs a second with one and with two workers, each with a VM of its own: maps and code are not shared by any engine yet,
 * which is said for each. By the clock on the wall.
 */
export async function timeWorkers(session: Session): Promise<void> {
  const script = new URL("../worker.js", import.meta.url);
  for (const subject of session.subjects) {
    const shared = subject.make(() => false).capabilities.workers;
    const series = {
      group: "workers",
      workload: "maps and code shared between workers",
      measure: "throughput",
    } as const;
    if (!shared)
      skip(session, series, subject.name, "not available: the engine cannot share maps and code with workers");
    if (!import.meta.url.endsWith(".js")) {
      skip(session, series, subject.name, "workers need the build: they cannot be started from TypeScript");
      continue;
    }
    if (subject.setsUp) {
      skip(session, series, subject.name, "beginning to repeat sleeps for longer than a round");
      continue;
    }
    for (const workload of NAMES) await timeSubject(session, script, subject.name, workload);
  }
}

async function timeSubject(session: Session, script: URL, subject: string, workload: string): Promise<void> {
  const milliseconds = session.method.quick ? 50 : 300;
  for (const count of WORKERS) {
    session.progress(`workers: ${count}, ${subject}, ${workload}`);
    const series = {
      group: "workers",
      workload: `${workload}, a VM a worker`,
      measure: "throughput",
      unit: "runs/s",
      x: count,
    } as const;
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const task: WorkerTask = {
      subject,
      workload,
      gate,
      rounds: Math.min(session.method.rounds, MOST_ROUNDS),
      milliseconds,
    };
    const workers = Array.from({ length: count }, () => new Worker(script, { workerData: task }));
    try {
      const ready = workers.map((worker) => once(worker, "message"));
      await Promise.all(ready);
      const answers = workers.map((worker) => once(worker, "message") as Promise<[number[]]>);
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
      const rates = (await Promise.all(answers)).map(([rates]) => rates);
      const sums = rates[0]!.map((_, round) => rates.reduce((sum, one) => sum + one[round]!, 0));
      add(session, series, subject, summarise(sums));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      skip(session, series, subject, error.message);
    } finally {
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
  }
}
