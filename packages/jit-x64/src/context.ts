import type { Memory } from "@bpfkit/x64";
import { CONTEXT } from "./registers.js";

/** Words of native stack kept after a fault, to tell the frames from. */
export const KEPT_STACK_WORDS = 4096;

/**
 * The run context: what machine code and JavaScript share of one thread's run. Byte offsets of its fields; the register
 * points `BIAS` bytes behind its start, so that all of them are in reach of an 8-bit displacement.
 */
export const FIELDS = {
  /** u64: address of guest memory. */
  base: 0,
  /** u64: addresses of the shadows, and how many granules of 8 bytes they cover. */
  readShadow: 8,
  writeShadow: 16,
  shadowLimit: 24,
  /** i64: instructions left before JavaScript is asked. */
  fuel: 32,
  /** i64: what `fuel` begins each run of a loop with. */
  fuelStart: 40,
  /** u64. */
  r0: 48,
  /** u64 × 5: r1–r5 of the entry, of a helper call, of a callback. */
  args: 56,
  /** u64 × 4: r6–r9 a callback begins with. */
  saved: 96,
  /** u64: r10 of the next entry. */
  stackTop: 128,
  /** u64: the lowest r10 that may still call. */
  frameLimit: 136,
  /** u64: r10 of the deepest frame that is valid; a call from it asks for one more. */
  openLimit: 144,
  /** u64: native stack pointer of the innermost entry. */
  entryStack: 152,
  /** u64: tail calls of this entry that count towards the limit. */
  tailCallCount: 160,
  /** u64: address of a failed access, offset of a packet load, target of a tail call JavaScript looked up. */
  operand: 168,
  /** u64: r10 at a helper call or a fault. */
  frame: 176,
  /** u64: address of the callback for sites. */
  callback: 184,
  /** i64: how often may_goto still goes on. */
  mayGotoLeft: 192,
  /** u64: guest address down to which subprograms' tail calls kept frames; the top where there were none. */
  lowestFrame: 200,
  /** u32: 0, or what stopped the run; and at which site of which program. */
  fault: 208,
  site: 212,
  program: 216,
  /** u32: totals of the run. */
  tailCalls: 220,
  missedTailCalls: 224,
  /** u32: set by a packet load past the packet's end. */
  packetEnd: 228,
  /** u32: words of native stack kept. */
  keptWords: 232,
  /** u32: the thread's CPU, where threads share the memory. */
  cpu: 236,
  /** Of a loop: runs left (u64), addresses of the next r1 and the next result, bytes to the following ones. */
  runsLeft: 240,
  inputs: 248,
  /** From here on out of short reach. */
  inputStride: 256,
  outputs: 264,
  outputStride: 272,
  /** u32: not 0 asks a loop to stop. */
  cancel: 280,
  /** u64: what `frameLimit` begins each run of a loop with. */
  frameLimitStart: 288,
  /** What a loop zeroes before each run: bytes one program may use, and where the stack ends: r10 below the last frame's. */
  clearBytes: 296,
  stackBottom: 304,
  /** i64: instructions of all runs of a loop. */
  instructions: 312,
  /** Native stack of a fault. */
  kept: 320,
} as const;

export type ContextField = keyof typeof FIELDS;

export const BIAS = 128;
export const CONTEXT_BYTES: number = FIELDS.kept + KEPT_STACK_WORDS * 8;

/** A field (plus `offset` bytes) as a memory operand. */
export function field(name: ContextField, offset = 0): Memory {
  return offset === 0 ? OPERANDS[name] : { base: CONTEXT, displacement: FIELDS[name] + offset - BIAS };
}

/** Made once: code that checks everything names them all the time. */
const OPERANDS: Readonly<Record<ContextField, Memory>> = Object.fromEntries(
  Object.entries(FIELDS).map(([name, at]) => [name, { base: CONTEXT, displacement: at - BIAS }]),
) as Record<ContextField, Memory>;

/** Values of the field `fault`. */
export const FAULT = {
  none: 0,
  read: 1,
  write: 2,
  callDepth: 3,
  badJump: 4,
  notAvailable: 5,
  /** JavaScript holds the fault already. */
  raised: 6,
} as const;

/** Guest bytes from one frame's stack to the next; 64 invalid bytes lie between. */
export const STACK_STRIDE = 576;

/** Frames a stack has room for. */
export const STACK_FRAMES: number = 34 * 8;

/** Guest values of functions begin here; nothing is ever mapped there. */
export const FUNCTION_BASE = 0xf000_0000;

/** Times `may_goto` does not jump in one run (kernel: `BPF_MAX_LOOPS`). */
export const MAY_GOTO_LIMIT: number = 8 * 1024 * 1024;
