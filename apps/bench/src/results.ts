/** What several samples of one quantity come to, in the result's unit. */
export interface Summary {
  readonly min: number;
  /** First quartile, median and third quartile. */
  readonly low: number;
  readonly median: number;
  readonly high: number;
  readonly samples: number;
}

/** What is measured of a workload: a time, machine code, memory, or runs a second. */
export type Measure = "run" | "parse" | "load" | "verify" | "link" | "call" | "code" | "memory" | "throughput";

/** Workloads that stand together in a table and a plot. */
export type Group =
  | "compute"
  | "tail-calls"
  | "maps"
  | "sites"
  | "size"
  | "input"
  | "objects"
  | "calls"
  | "workers"
  | "raw";

/** One quantity of one workload with one subject. */
export interface Result extends Summary {
  readonly kind: "result";
  readonly group: Group;
  readonly workload: string;
  /** An engine with its level of safety, `native`, or a peer: `jit-x64 confined`. */
  readonly subject: string;
  readonly measure: Measure;
  readonly unit: "ns" | "bytes" | "runs/s";
  /** Where the workload is one of a row by size: instructions, bytes, call sites, workers. */
  readonly x?: number;
  /** BPF instructions a run carries out; of runs. */
  readonly instructions?: number;
  /** BPF instructions of the program, in slots. */
  readonly slots?: number;
}

/** What could not be measured, and why. */
export interface Skipped {
  readonly kind: "skipped";
  readonly group: Group;
  readonly workload: string;
  readonly subject: string;
  readonly reason: string;
}

/** What the figures were measured on. */
export interface Machine {
  readonly kind: "machine";
  /** ISO 8601, UTC. */
  readonly date: string;
  readonly processor: string;
  readonly processors: number;
  /** Bytes. */
  readonly memory: number;
  /** Name, release and architecture of the operating system. */
  readonly system: string;
  /** Of processor flaws, as the kernel names them; they slow the kernel's figures. */
  readonly mitigations: readonly string[];
  /** Load average over a minute, at the start and at the end. */
  readonly load: readonly [start: number, end: number];
  /** The CPU all was pinned to, or why it was not. */
  readonly pinned: number | string;
  readonly versions: Readonly<Record<string, string>>;
  readonly method: Method;
  /** Seconds the run took. */
  readonly seconds: number;
}

/** How it was measured. */
export interface Method {
  readonly quick: boolean;
  readonly rounds: number;
  /** Milliseconds of processor time a round of one subject takes at least. */
  readonly round: number;
}

/** Everything a run of the benchmark came to. */
export interface Results {
  readonly machine: Machine;
  readonly results: readonly Result[];
  readonly skipped: readonly Skipped[];
}

/** What says that two results are of the same thing. */
export function keyOf({ group, workload, x, subject, measure }: Result): string {
  return [group, workload, x ?? "", subject, measure].join("|");
}
