import type { Effects, GuestMemory } from "@bpfkit/core";

/** What `fixedEffects` begins with. */
export interface FixedEffects {
  /** Nanoseconds the clock shows first. Default 1,000,000,000. */
  readonly clock?: bigint;
  /** Nanoseconds it goes on by at each reading. Default 1,000. */
  readonly step?: bigint;
  /** Where random numbers begin: 32 bits; 0 means 1. Default 1. */
  readonly seed?: number;
  /** The CPU programs run on. Default 0. */
  readonly cpu?: number;
  /** Takes the lines of `bpf_trace_printk`. Default: they are dropped. */
  readonly trace?: (line: string) => void;
}

/** Effects that are the same at every run: a clock that goes by steps, random numbers from a seed (xorshift 13, 17, 5). */
export function fixedEffects(options: FixedEffects = {}): Effects {
  const { step = 1_000n, cpu = 0, trace = () => {} } = options;
  let now = options.clock ?? 1_000_000_000n;
  let state = (options.seed ?? 1) >>> 0 || 1;
  return {
    clock: () => {
      const read = now;
      now += step;
      return read;
    },
    random: () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state >>> 0;
    },
    cpu: () => cpu,
    trace,
  };
}

/** Offsets of the cells: the clock and its step (u64 each), the random state and the CPU (u32 each). */
const CELLS = { clock: 0, random: 16, cpu: 20, size: 24 };

/**
 * The same effects, but kept in guest memory, where machine code reads and advances them without a call. They begin where
 * `options` says and go on from run to run.
 */
export function guestEffects(memory: GuestMemory, options: FixedEffects = {}): Effects {
  const { clock = 1_000_000_000n, step = 1_000n, seed = 1, cpu = 0, trace = () => {} } = options;
  const { start } = memory.reserve("the cells of the effects", CELLS.size, "none");
  const cells = { clock: start + CELLS.clock, random: start + CELLS.random, cpu: start + CELLS.cpu };
  const { data } = memory.views;
  data.setBigUint64(cells.clock, clock, true);
  data.setBigUint64(cells.clock + 8, step, true);
  data.setUint32(cells.random, seed >>> 0 || 1, true);
  data.setUint32(cells.cpu, cpu, true);
  return {
    clock: () => {
      const view = memory.views.data;
      const now = view.getBigUint64(cells.clock, true);
      view.setBigUint64(cells.clock, now + view.getBigUint64(cells.clock + 8, true), true);
      return now;
    },
    random: () => {
      let state = memory.views.data.getUint32(cells.random, true);
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      memory.views.data.setUint32(cells.random, state, true);
      return state >>> 0;
    },
    cpu: () => memory.views.data.getUint32(cells.cpu, true),
    trace,
    cells,
  };
}

/** The effects of this machine: its monotonic clock, its random numbers. Programs run on CPU 0. */
export function hostEffects(trace: (line: string) => void = () => {}): Effects {
  const word = new Uint32Array(1);
  return {
    clock: () => BigInt(Math.round(performance.now() * 1e6)),
    random: () => crypto.getRandomValues(word)[0]!,
    cpu: () => 0,
    trace,
  };
}
