import type { LinkedRegister } from "./history.js";
import type { State } from "./state.js";
import type { Verification } from "./verification.js";

/** Registers, stack slots 0–31 and slots 32–63, a bit each, by frame up to `frame`. */
interface Wanted {
  frame: number;
  readonly regs: Int32Array;
  readonly low: Int32Array;
  readonly high: Int32Array;
}

/** Where on the way a search began, and for what. */
interface Beginning extends Wanted {
  state: State | undefined;
  /** A kept state is no part of the way behind it. */
  parent: State | undefined;
  slot: number;
  historyEnd: number;
}

/** What is still looked for. */
export interface Search extends Wanted {
  /** Something was marked that was not before. */
  changed: boolean;
  /**
   * Of this search and of the last long one before it: who comes by there looking for no more has nothing to find. Without,
   * each round of a counted loop follows all rounds before it (0.6 times as many instructions a second).
   */
  beginning: Beginning;
  earlier: Beginning;
}

const newWanted = (): Wanted => ({
  frame: 0,
  regs: new Int32Array(16),
  low: new Int32Array(16),
  high: new Int32Array(16),
});

const newBeginning = (): Beginning => ({
  ...newWanted(),
  state: undefined,
  parent: undefined,
  slot: 0,
  historyEnd: 0,
});

/** A search for nothing; one serves all searches of a verification, one after the other. */
export const newSearch = (): Search => ({
  ...newWanted(),
  changed: false,
  beginning: newBeginning(),
  earlier: newBeginning(),
});

/** A search for nothing, from the end of a state. */
export function beginSearch(v: Verification, from: State): Search {
  const s = v.search;
  const used = Math.max(s.frame, from.frames.length - 1);
  for (let frame = 0; frame <= used; frame++) s.regs[frame] = s.low[frame] = s.high[frame] = 0;
  s.frame = from.frames.length - 1;
  s.changed = false;
  if (s.beginning.state !== undefined) swapBeginnings(s);
  return s;
}

function swapBeginnings(s: Search): void {
  const { beginning } = s;
  s.beginning = s.earlier;
  s.earlier = beginning;
  s.beginning.state = undefined;
}

/** Where in a state the search before this one began, with as many frames; -1: in another. */
export function earlierSlotIn(s: Search, state: State): number {
  const { earlier } = s;
  const isSame = earlier.state === state && earlier.parent === state.parent && earlier.frame === s.frame;
  return isSame ? earlier.slot : -1;
}

/** Whether the search before this one looked, from its slot on, for all of this: `historyEnd` entries lie behind. */
export function wasSearched(s: Search, historyEnd: number): boolean {
  const { earlier } = s;
  if (earlier.historyEnd !== historyEnd || earlier.frame !== s.frame) return false;
  for (let frame = s.frame; frame >= 0; frame--) {
    const rest =
      (s.regs[frame]! & ~earlier.regs[frame]!) |
      (s.low[frame]! & ~earlier.low[frame]!) |
      (s.high[frame]! & ~earlier.high[frame]!);
    if (rest !== 0) return false;
  }
  return true;
}

/** Notes where this search begins. What the one before looked for from the very same place counts too. */
export function noteBeginning(s: Search, state: State, slot: number, historyEnd: number): void {
  const { beginning, earlier } = s;
  const isSame = earlierSlotIn(s, state) === slot && earlier.historyEnd === historyEnd;
  for (let frame = s.frame; frame >= 0; frame--) {
    beginning.regs[frame] = s.regs[frame]! | (isSame ? earlier.regs[frame]! : 0);
    beginning.low[frame] = s.low[frame]! | (isSame ? earlier.low[frame]! : 0);
    beginning.high[frame] = s.high[frame]! | (isSame ? earlier.high[frame]! : 0);
  }
  beginning.frame = s.frame;
  beginning.state = state;
  beginning.parent = state.parent;
  beginning.slot = slot;
  beginning.historyEnd = historyEnd;
}

/** Whether nothing is looked for any more. */
export function isEmpty(s: Search): boolean {
  for (let frame = s.frame; frame >= 0; frame--) {
    if ((s.regs[frame]! | s.low[frame]! | s.high[frame]!) !== 0) return false;
  }
  return true;
}

/** Whether a register of the current frame is looked for. */
export const hasReg = (s: Search, number: number): boolean => ((s.regs[s.frame]! >>> number) & 1) === 1;

export function addReg(s: Search, number: number): void {
  s.regs[s.frame]! |= 1 << number;
}

export function removeReg(s: Search, number: number): void {
  s.regs[s.frame]! &= ~(1 << number);
}

export function addSlot(s: Search, frame: number, spi: number): void {
  if (spi < 32) s.low[frame]! |= 1 << spi;
  else s.high[frame]! |= 1 << (spi - 32);
}

export function hasSlot(s: Search, frame: number, spi: number): boolean {
  return (((spi < 32 ? s.low[frame]! : s.high[frame]!) >>> (spi & 31)) & 1) === 1;
}

export function removeSlot(s: Search, frame: number, spi: number): void {
  if (spi < 32) s.low[frame]! &= ~(1 << spi);
  else s.high[frame]! &= ~(1 << (spi - 32));
}

function areWanted(s: Search, linked: readonly LinkedRegister[]): boolean {
  return linked.some(({ frame, isRegister, index }) =>
    isRegister ? ((s.regs[frame]! >>> index) & 1) === 1 : hasSlot(s, frame, index),
  );
}

/** Where one of several linked registers is looked for, all are: what was learned of one was learned of all. */
export function addLinked(s: Search, linked: readonly LinkedRegister[] | undefined): void {
  if (linked === undefined || !areWanted(s, linked)) return;
  for (const { frame, isRegister, index } of linked) {
    if (isRegister) s.regs[frame]! |= 1 << index;
    else addSlot(s, frame, index);
  }
}
