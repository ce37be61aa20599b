import { readFileSync } from "node:fs";
import { loadNow, machineFacts, pin } from "./machine.js";
import { findNative } from "./native.js";
import { timeCalls } from "./parts/calls.js";
import { type GivenObject, timeObjects } from "./parts/objects.js";
import { timeRaw } from "./parts/raw.js";
import { timeRuns } from "./parts/runs.js";
import { timeSizes } from "./parts/sizes.js";
import { timeWorkers } from "./parts/workers.js";
import type { Peer } from "./peers.js";
import type { Machine, Method, Results } from "./results.js";
import type { Session } from "./session.js";
import { availableSubjects } from "./subjects.js";

/** What a run of the benchmark may be told. */
export interface BenchOptions {
  /** Under a minute, and too short to judge anything by: to see that all works. */
  readonly quick?: boolean;
  /** Rounds of each contender; 7, or 2 of a quick run. */
  readonly rounds?: number;
  /** Outside VMs to time beside the engines. */
  readonly peers?: readonly Peer[];
  /** Objects to parse, load, verify and link, beside the repository's. */
  readonly objects?: readonly GivenObject[];
  /** Whether to pin to one CPU where that can be done; so unless false. */
  readonly pin?: boolean;
  /** Told what is done now. */
  readonly onProgress?: (text: string) => void;
}

const FULL = { rounds: 7, round: 15 };
const QUICK = { rounds: 2, round: 1 };

/**
 * Runs the whole benchmark.
 * @throws {BenchError} `DIFFERENT_RESULTS` where contenders do not come to the same: then nothing is worth timing; `FAULT`.
 */
export async function bench(options: BenchOptions = {}): Promise<Results> {
  const { quick = false, peers = [], objects = [] } = options;
  const standard = quick ? QUICK : FULL;
  const method: Method = { quick, ...standard, rounds: options.rounds ?? standard.rounds };
  const [start, loadBefore, date] = [performance.now(), loadNow(), new Date().toISOString()];
  const { subjects, missing } = availableSubjects();
  const native = findNative();
  const session: Session = {
    subjects,
    native,
    peers,
    method,
    results: [],
    skipped: missing.map(({ subject, reason }) => ({
      kind: "skipped",
      group: "compute",
      workload: "all",
      subject,
      reason,
    })),
    progress: options.onProgress ?? (() => {}),
  };
  if (native === undefined) {
    session.skipped.push({
      kind: "skipped",
      group: "compute",
      workload: "all",
      subject: "native",
      reason: "there is no clang",
    });
  }
  const pinned = pin(options.pin ?? true);
  try {
    timeRuns(session);
    timeRaw(session);
    timeSizes(session);
    timeObjects(session, objects);
    timeCalls(session);
    pinned.release();
    await timeWorkers(session);
  } finally {
    pinned.release();
    native?.dispose();
  }
  const machine: Machine = {
    kind: "machine",
    date,
    ...machineFacts(),
    load: [loadBefore, loadNow()],
    pinned: pinned.pinned,
    versions: versions(native?.version),
    method,
    seconds: (performance.now() - start) / 1000,
  };
  return { machine, results: session.results, skipped: session.skipped };
}

function versions(clang: string | undefined): Record<string, string> {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  const { node, v8 } = process.versions;
  return { bpfkit: manifest.version, node, v8: v8!, ...(clang === undefined ? {} : { clang }) };
}
