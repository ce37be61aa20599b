import type { MapStorage } from "./map.js";
import type { GuestMemory } from "./memory.js";
import type { RunContext } from "./run.js";

/**
 * The world outside a program: clock, random numbers, CPU, trace output. Passed in, so that the same inputs give the same
 * result on every engine.
 */
export interface Effects {
  /** Nanoseconds since boot (`bpf_ktime_get_ns`). */
  clock(): bigint;
  /** Unsigned 32 bits (`bpf_get_prandom_u32`). */
  random(): number;
  /** The running CPU's number (`bpf_get_smp_processor_id`). */
  cpu(): number;
  /** One line of `bpf_trace_printk`, without its newline. */
  trace(line: string): void;
  /**
   * Guest memory the functions above read and advance, where they do, so that machine code can do the same inline:
   * clock: u64 now, u64 step added after each read; random: u32 xorshift state (13, 17, 5); cpu: u32.
   */
  readonly cells?: { readonly clock?: number; readonly random?: number; readonly cpu?: number };
}

/** What a helper's body sees of the call. One object serves all calls of a run: keep nothing of it. */
export interface HelperCall {
  /** r1–r5 as 32-bit halves, low first: `args[0]` is the low half of r1, `args[1]` its high half. */
  readonly args: Int32Array;
  readonly memory: GuestMemory;
  readonly effects: Effects;
  readonly context: RunContext;
  /** The map whose header is at a guest address. @throws a typed error, which becomes a fault, where there is none. */
  map(header: number): MapStorage;
  /** Every map of the link set by name, for helpers that need more than their arguments. */
  readonly maps: readonly MapStorage[];
}

/**
 * A helper in JavaScript: the result becomes r0 (a number is an integer and is sign-extended). A throw becomes a fault of
 * the run at the calling slot.
 */
export type HelperBody = (call: HelperCall) => number | bigint;

/** A helper that calls back into the program. The engine runs the callback's frames; the iteration says with what. */
export interface CallbackIteration {
  /** The function reference the program passed (its low 32 bits). */
  readonly callback: number;
  /** Sets r1–r5 for the next call of the callback, given the last one's r0 (0 before the first); false: no more. */
  next(args: Int32Array, r0Low: number, r0High: number): boolean;
  /** The helper's own r0, once `next` said no more. */
  result(): number | bigint;
}

/** Begins an iteration, or returns r0 at once (a negative errno). */
export type CallbackBody = (call: HelperCall) => CallbackIteration | number;

/** How one helper is carried out. */
export type HelperImplementation =
  | { readonly kind: "body"; readonly name: string; readonly body: HelperBody }
  | { readonly kind: "callback"; readonly name: string; readonly body: CallbackBody }
  /** The engine does it: `tail_call` changes frames, which no body can. */
  | { readonly kind: "intrinsic"; readonly name: "tail_call" };

/** Implementations of helpers by the kernel's helper id (`BPF_FUNC_*`), and of kfuncs by the kernel's name. */
export type HelperTable = ReadonlyMap<number | string, HelperImplementation>;
