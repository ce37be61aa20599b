import { BenchError } from "./error.js";
import type { Method, Summary } from "./results.js";
import { summarise } from "./statistics.js";

/** Nanoseconds of processor time the process used for `act`, its system calls included. */
export function processorTime(act: () => void): number {
  const start = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(start);
  return (user + system) * 1000;
}

/** Nanoseconds that passed. */
export function wallTime(act: () => void): number {
  const start = process.hrtime.bigint();
  act();
  return Number(process.hrtime.bigint() - start);
}

/** More runs than this are no better, and their results take memory. */
const MOST_RUNS = 2 ** 26;

/**
 * Finds how many runs fill a round, which warms up on the way; gives a way to take a sample in nanoseconds a run. `setsUp`:
 * beginning to repeat costs much itself, so rounds are longer, and what two runs take is taken off.
 */
export function calibrate(run: (runs: number) => void, round: number, setsUp = false): () => number {
  const timed = (runs: number): number => processorTime(() => run(runs));
  const few = setsUp ? Math.min(...Array.from({ length: 2 }, () => timed(FEW))) : 0;
  const least = Math.max(round * 1e6, few * SET_UPS);
  let runs = setsUp ? FEW * SET_UPS : 1;
  for (;;) {
    let time = timed(runs);
    // First times are long: code is compiled, pages are touched. Of what takes long anyway, that is little.
    if (time >= least && time < least * 20) time = Math.min(time, timed(runs));
    if (time >= least || runs >= MOST_RUNS) break;
    runs *= time * 8 < least ? 4 : 2;
  }
  if (!setsUp) return () => timed(runs) / runs;
  return () => Math.max(timed(runs) - few, 0) / (runs - FEW);
}

const FEW = 2;
/** How many times the set-up a round takes. */
const SET_UPS = 20;

/** Something that is timed beside others on the same workload. */
export interface Contender {
  readonly subject: string;
  /** The low 32 bits of what it came to; all contenders must come to the same. Undefined where there is nothing to compare. */
  readonly result?: number;
  /** Nanoseconds a run, of one round. */
  sample(): number;
  dispose?(): void;
}

/** Nanoseconds after which a contender gets no further round: what takes so long varies little. */
const MOST_TIME = 8e9;

/** Times contenders in turn, round by round, so that what disturbs the machine disturbs all alike. Disposes of them. */
export function race(what: string, contenders: readonly Contender[], { rounds }: Method): Summary[] {
  try {
    checkEqual(what, contenders);
    const lanes = contenders.map((contender) => ({ contender, samples: [] as number[], spent: 0 }));
    for (let round = 0; round < rounds; round++) {
      for (const lane of lanes) {
        if (lane.samples.length > 0 && lane.spent > MOST_TIME) continue;
        lane.spent += wallTime(() => void lane.samples.push(lane.contender.sample()));
      }
    }
    return lanes.map(({ samples }) => summarise(samples));
  } finally {
    for (const contender of contenders) contender.dispose?.();
  }
}

/** @throws {BenchError} `DIFFERENT_RESULTS`. */
function checkEqual(what: string, contenders: readonly Contender[]): void {
  const said = contenders.filter(({ result }) => result !== undefined);
  if (new Set(said.map(({ result }) => result! >>> 0)).size < 2) return;
  const list = said.map(({ subject, result }) => `${subject} ${result! >>> 0}`).join(", ");
  throw new BenchError("DIFFERENT_RESULTS", `${what}: the results differ, so nothing is timed: ${list}`);
}
