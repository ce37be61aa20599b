import type { Availability } from "./engine.js";

/**
 * Pages for the machine code of one compile. They are written once and executable afterwards, never both: `seal` copies
 * the code and turns them over. No view of them is ever given out.
 */
export interface CodePages {
  /** Where the pages lie, so that code can be fixed up before it is sealed. A multiple of 4096. */
  readonly address: bigint;
  /** Bytes; a multiple of 4096. */
  readonly size: number;
  /** Copies `code` to the start of the pages and makes them executable. Once. */
  seal(code: Uint8Array): void;
  /** A function at `offset` bytes (System V calling convention). Calling it after `free` throws. */
  entry(offset: number, result: "u64"): (...args: NativeArguments) => bigint;
  entry(offset: number, result: "i32"): (...args: NativeArguments) => number;
  /** Gives the pages back. No code in them may be running. A second call does nothing. */
  free(): void;
}

/** Up to four 64-bit integers, in rdi, rsi, rdx, rcx; what is left out is 0. */
export type NativeArguments = readonly (number | bigint)[];

/**
 * A JavaScript function that machine code can call: two unsigned 32-bit integers in edi and esi, a signed one back in eax.
 * It runs on the thread that made it, whichever calls.
 */
export interface NativeCallback {
  readonly address: bigint;
  /** What the body threw last; native code went on with -1. Taking it clears it. */
  takeError(): unknown;
  /** Machine code must not call it any more. A second call does nothing. */
  free(): void;
}

/** How many bytes next to a memory are reserved and never accessible. Measured from its first byte, both ways. */
export interface GuardRegions {
  /** Bytes below the first byte. */
  readonly before: number;
  /** Bytes from the first byte on that are either the memory itself or inaccessible. */
  readonly behind: number;
}

/** What machine code needs of the process it runs in. `native` has it for Node on x86-64 Linux. */
export interface ExecutableMemory {
  availability(): Availability;
  /** Writable pages for at least `size` bytes. @throws a typed error where the system gives none. */
  reserve(size: number): CodePages;
  /**
   * Sealed pages of another thread of the process, for calling. `free` only ends that: the thread that reserved them gives them
   * back, once no other uses them.
   */
  attach(address: bigint, size: number): CodePages;
  /** Where the first byte of a typed array or memory lies. Growing or detaching it makes the address stale. */
  addressOf(data: ArrayBufferView | WebAssembly.Memory): bigint;
  callback(body: (a: number, b: number) => number): NativeCallback;
  guardRegions(memory: WebAssembly.Memory): GuardRegions;
}
