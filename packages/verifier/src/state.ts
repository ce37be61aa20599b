import type { History } from "./history.js";
import type { LoopVisit } from "./loop-visit.js";
import type { MapInfo } from "./map-info.js";
import { FRAME_POINTERS, type Register, UNINITIALISED } from "./register.js";
import type { StackInstance } from "./stack-liveness.js";
import type { StackSlot } from "./stack-slot.js";

/** One frame of a state. `stack[i]` is the slot at `r10 - 8 * (i + 1)`. */
export interface Frame {
  readonly regs: Register[];
  readonly stack: StackSlot[];
  /** The call that made it; -1 for the first. */
  readonly callsite: number;
  /** 0 for the first. */
  readonly index: number;
  readonly subprogram: number;
  /** What a callback may return; undefined where it is none. */
  readonly callbackRange: readonly [min: number, max: number] | undefined;
  /** It runs later, out of a timer. */
  readonly isAsync: boolean;
  readonly asyncEntries: number;
  /** How often the callback of the loop being walked has run. */
  callbackDepth: number;
  /** Stack reads and writes are recorded here. */
  readonly liveness: StackInstance;
  /** Registers whose exact value mattered later; only in states that were kept. */
  preciseRegs: number;
  /** The same for stack slots 0–31 and 32–63. */
  preciseLow: number;
  preciseHigh: number;
}

/** A reference that must be given back. */
export interface HeldReference {
  readonly id: number;
  /** The slot that acquired it. */
  readonly slot: number;
  /** The callback's frame it was acquired in; 0 for none. */
  readonly callback: number;
}

/** A spin lock that is held. */
export interface HeldLock {
  readonly map: MapInfo;
  readonly id: number;
}

/** Everything known at one point of one path (Linux `bpf_verifier_state`). */
export interface State {
  frames: Frame[];
  /** In the order they were acquired. */
  references: readonly HeldReference[];
  lock: HeldLock | undefined;
  /** Within `bpf_rcu_read_lock`. */
  inRcu: boolean;
  /** How often preemption was disabled. */
  preemptDisabled: number;
  /** Paths that still start here; the parent chain counts them. */
  branches: number;
  parent: State | undefined;
  /** Of a kept state: the slot it was kept at. */
  slot: number;
  firstSlot: number;
  lastSlot: number;
  /** The part of the history of jumps and stack accesses since the parent. */
  historyStart: number;
  historyEnd: number;
  depth: number;
  callbackUnrollDepth: number;
  mayGotoDepth: number;
  /** A kept state: dead registers and slots were dropped from it. */
  cleaned: boolean;
  /** A kept state: the loop it is in. */
  visit: LoopVisit | undefined;
  /** Its part of the history, where the shared one does not hold it any more. */
  ownHistory: History | undefined;
  hits: number;
  misses: number;
  /** No longer in its list, but paths still start here. */
  dropped: boolean;
}

/** Makes a frame with nothing but its frame pointer. */
export function newFrame(
  subprogram: number,
  callsite: number,
  index: number,
  liveness: StackInstance,
  callbackRange?: readonly [number, number],
  isAsync = false,
  asyncEntries = 0,
): Frame {
  const regs = new Array<Register>(11).fill(UNINITIALISED);
  regs[10] = FRAME_POINTERS[index]!;
  return {
    regs,
    stack: [],
    callsite,
    index,
    subprogram,
    callbackRange,
    isAsync,
    asyncEntries,
    callbackDepth: 0,
    liveness,
    preciseRegs: 0,
    preciseLow: 0,
    preciseHigh: 0,
  };
}

/** The state a subprogram (or a timer's callback) begins in. */
export function newState(frame: Frame, slot: number): State {
  return {
    frames: [frame],
    references: [],
    lock: undefined,
    inRcu: false,
    preemptDisabled: 0,
    branches: 1,
    parent: undefined,
    slot,
    firstSlot: slot,
    lastSlot: -1,
    historyStart: 0,
    historyEnd: 0,
    depth: 0,
    callbackUnrollDepth: 0,
    mayGotoDepth: 0,
    cleaned: false,
    visit: undefined,
    ownHistory: undefined,
    hits: 0,
    misses: 0,
    dropped: false,
  };
}

function copyFrame(frame: Frame): Frame {
  return {
    regs: frame.regs.slice(),
    stack: frame.stack.slice(),
    callsite: frame.callsite,
    index: frame.index,
    subprogram: frame.subprogram,
    callbackRange: frame.callbackRange,
    isAsync: frame.isAsync,
    asyncEntries: frame.asyncEntries,
    callbackDepth: frame.callbackDepth,
    liveness: frame.liveness,
    preciseRegs: 0,
    preciseLow: 0,
    preciseHigh: 0,
  };
}

/** Copies a state; its registers and slots are shared, for they never change. */
export function copyState(state: State): State {
  return {
    frames: state.frames.map(copyFrame),
    references: state.references,
    lock: state.lock,
    inRcu: state.inRcu,
    preemptDisabled: state.preemptDisabled,
    branches: state.branches,
    parent: state.parent,
    slot: state.slot,
    firstSlot: state.firstSlot,
    lastSlot: state.lastSlot,
    historyStart: state.historyStart,
    historyEnd: state.historyEnd,
    depth: state.depth,
    callbackUnrollDepth: state.callbackUnrollDepth,
    mayGotoDepth: state.mayGotoDepth,
    cleaned: false,
    visit: undefined,
    ownHistory: undefined,
    hits: 0,
    misses: 0,
    dropped: false,
  };
}

/** The innermost frame. */
export const currentFrame = (state: State): Frame => state.frames[state.frames.length - 1]!;

/** Whether slot `spi` of a kept frame was marked precise. */
export function isPreciseSlot(frame: Frame, spi: number): boolean {
  return (spi < 32 ? (frame.preciseLow >>> spi) & 1 : (frame.preciseHigh >>> (spi - 32)) & 1) === 1;
}

/** The slot at which a frame of a kept state stands: its own, or that of its call. */
export function frameSlot(state: State, index: number): number {
  return index === state.frames.length - 1 ? state.slot : state.frames[index + 1]!.callsite;
}
