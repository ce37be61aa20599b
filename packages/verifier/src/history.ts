import type { State } from "./state.js";

/**
 * The way the walk came: an entry for each jump, call and stack access, in order. Walks are depth first, so one list serves
 * all paths: each state owns a part of it, which stays valid while the state is on the current path.
 */
export interface History {
  slot: Int32Array;
  previous: Int32Array;
  /** `STACK_ACCESS | spi << 4 | frame`, or comparisons with stack pointers; 0 for a jump. */
  flags: Int32Array;
  linked: (readonly LinkedRegister[] | undefined)[];
  /** The entry of the instruction being walked; -1: none yet. */
  current: number;
}

/** A register or slot that shares its value with others. */
export interface LinkedRegister {
  readonly frame: number;
  readonly isRegister: boolean;
  /** Register number or stack slot. */
  readonly index: number;
}

export const STACK_ACCESS: number = 1 << 10;
export const DST_IS_STACK: number = 1 << 11;
export const SRC_IS_STACK: number = 1 << 12;

/** An empty history. */
export function newHistory(): History {
  return {
    slot: new Int32Array(1024),
    previous: new Int32Array(1024),
    flags: new Int32Array(1024),
    linked: [],
    current: -1,
  };
}

function grow(history: History): void {
  const double = (old: Int32Array): Int32Array => {
    const bigger = new Int32Array(old.length * 2);
    bigger.set(old);
    return bigger;
  };
  history.slot = double(history.slot);
  history.previous = double(history.previous);
  history.flags = double(history.flags);
}

/** Records that the walk is at `slot`, coming from `previous`; a second record of one instruction is merged into the first. */
export function record(
  history: History,
  state: State,
  slot: number,
  previous: number,
  flags: number,
  linked?: readonly LinkedRegister[],
): void {
  if (history.current >= 0) {
    history.flags[history.current]! |= flags;
    if (linked !== undefined) history.linked[history.current] = linked;
    return;
  }
  const at = state.historyEnd++;
  if (at >= history.slot.length) grow(history);
  history.slot[at] = slot;
  history.previous[at] = previous;
  history.flags[at] = flags;
  history.linked[at] = linked;
  history.current = at;
}

/** Gives a state its own copy of its part of the history. */
export function ownHistory(history: History, state: State): void {
  const { historyStart: from, historyEnd: to } = state;
  state.ownHistory = {
    slot: history.slot.slice(from, to),
    previous: history.previous.slice(from, to),
    flags: history.flags.slice(from, to),
    linked: history.linked.slice(from, to),
    current: -1,
  };
  state.historyStart = 0;
  state.historyEnd = to - from;
}

/** Flags of an access to a slot of a frame's stack. */
export const stackAccess = (frame: number, spi: number): number => STACK_ACCESS | (spi << 4) | frame;
export const accessedFrame = (flags: number): number => flags & 15;
export const accessedSlot = (flags: number): number => (flags >> 4) & 63;
