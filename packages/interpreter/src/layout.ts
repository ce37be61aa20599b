import { FRAME_BYTES } from "@bpfkit/core";

/** Words of prepared code a slot takes: opcode key and registers; immediate; offset or target; free. */
export const STRIDE = 4;

/**
 * Words of one frame: where to go on; r6–r9 of the caller; where the caller's program began; the caller's tail-call
 * count; for a callback, the call it is run for.
 */
export const FRAME_WORDS = 12;

/** In a frame's first word: the end of it ends the run. */
export const ENTRY = -1;
/** In a frame's first word: the end of it asks the iteration for more. */
export const CALLBACK = -2;

/**
 * Guest bytes from one frame's stack to the next: 64 invalid bytes lie between, so that running over a frame's end is a
 * fault. A frame's stack becomes valid at the first call that deep and stays so until the run ends: marking the shadow at
 * each call and exit cost 30 ns a call.
 */
export const STACK_STRIDE: number = FRAME_BYTES + 64;

/** Frames a stack has room for: those that the 34 programs of a full chain of tail calls may keep, 8 each. */
export const STACK_FRAMES: number = 34 * 8;

/** The same for each word of `frames`, so that r10 follows from the frame pointer by one multiplication. */
export const STACK_BYTES_A_WORD: number = STACK_STRIDE / FRAME_WORDS;

/** Guest values of functions begin here; nothing is ever mapped there. */
export const FUNCTION_BASE = 0xf000_0000;

/** Runs at one time in one guest memory: those inside helpers of others, and those stepped through. */
export const MAX_RUNS = 32;

/** Times `may_goto` does not jump in one run (kernel: `BPF_MAX_LOOPS`). */
export const MAY_GOTO_LIMIT: number = 8 * 1024 * 1024;
