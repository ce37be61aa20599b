/* What the dispatch loop, and the slow paths it calls, answer. */

/** The entry exited. */
export const EXITED = 0;
/** The fuel was used up before the instruction at `machine.pc`. */
export const OUT_OF_FUEL = 1;
/** `machine.fault` says why the run ended. */
export const FAULTED = 2;
/** A slow path moved `machine.pc` and `machine.fp`. */
export const MOVED = 3;
/** Go on with the next instruction. */
export const NEXT = 4;
