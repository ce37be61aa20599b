import { isHelperCall } from "./code.js";
import { MODE_ABS, MODE_IND } from "./opcode.js";
import { nextSlot, targetSlot } from "./register-liveness.js";
import type { State } from "./state.js";
import { TAIL_CALL } from "./subprograms.js";
import type { Verification } from "./verification.js";

/*
 * Which stack slots may still be read: what two states must agree in besides registers. Reads and writes are collected as
 * the walk meets them, apart for each chain of calls, and spread backwards over the jumps when someone asks (after Linux
 * 6.18's call-chain sensitive analysis). All states whose paths were walked to the end have their reads recorded.
 */

/** Columns of `Marks`, each a 64-bit set of slots as two words. */
const READ = 0;
const WRITTEN = 2;
const LIVE = 4;
/** Slots that are written on every way from here to the end of the subprogram. */
const WRITTEN_AFTER = 6;
const COLUMNS = 8;

type Marks = Int32Array;

/** One subprogram as called through one chain of calls. */
export interface StackInstance {
  readonly subprogram: number;
  readonly start: number;
  readonly length: number;
  readonly depth: number;
  readonly outer: StackInstance | undefined;
  /** The call in `outer` that leads here. */
  readonly callsite: number;
  /** By frame, the outermost first; made when a frame's stack is first touched. */
  readonly marks: (Marks | undefined)[];
  /** Whether the writes of a slot were recorded before: later ones can only take some away. */
  readonly writesKnown: Uint8Array;
  readonly callees: Map<number, StackInstance>;
  /** The first and the last instruction, counted from `start`, whose reads or writes were not spread yet. */
  staleFrom: number;
  staleTo: number;
  writesDropped: boolean;
}

/** All instances of one `verify`, and the writes of the instruction being walked. */
export interface StackLiveness {
  readonly stale: Set<StackInstance>;
  readonly low: Int32Array;
  readonly high: Int32Array;
  /** The instance whose instruction is being walked. */
  instance: StackInstance | undefined;
  slot: number;
  /** By subprogram. */
  readonly successors: (Successors | undefined)[];
}

/** Nothing recorded. */
export function newStackLiveness(): StackLiveness {
  return {
    stale: new Set(),
    low: new Int32Array(8),
    high: new Int32Array(8),
    instance: undefined,
    slot: 0,
    successors: [],
  };
}

/** The instance of a subprogram called from `outer` at `callsite`, or of one that nothing calls. */
export function instanceOf(v: Verification, subprogram: number, outer?: StackInstance, callsite = -1): StackInstance {
  const existing = outer?.callees.get(callsite);
  if (existing !== undefined && existing.subprogram === subprogram) return existing;
  const { start, end } = v.subprograms[subprogram]!;
  const made: StackInstance = {
    subprogram,
    start,
    length: end - start,
    depth: outer === undefined ? 0 : outer.depth + 1,
    outer,
    callsite,
    marks: [],
    writesKnown: new Uint8Array(end - start),
    callees: new Map(),
    staleFrom: end - start,
    staleTo: -1,
    writesDropped: false,
  };
  outer?.callees.set(callsite, made);
  return made;
}

function marksOf(instance: StackInstance, frame: number): Marks {
  instance.marks[frame] ??= new Int32Array(instance.length * COLUMNS);
  return instance.marks[frame];
}

function makeStale(liveness: StackLiveness, instance: StackInstance, index: number): void {
  if (index < instance.staleFrom) instance.staleFrom = index;
  if (index > instance.staleTo) instance.staleTo = index;
  liveness.stale.add(instance);
}

function addRead(
  liveness: StackLiveness,
  instance: StackInstance,
  frame: number,
  slot: number,
  low: number,
  high: number,
): void {
  if ((low | high) === 0) return;
  const marks = marksOf(instance, frame);
  const index = slot - instance.start;
  const at = index * COLUMNS;
  if ((low & ~marks[at + LIVE]!) !== 0 || (high & ~marks[at + LIVE + 1]!) !== 0) makeStale(liveness, instance, index);
  marks[at + READ]! |= low;
  marks[at + READ + 1]! |= high;
}

/** Records that the instruction may read a stack slot of a frame. */
export function markStackRead(v: Verification, frame: number, spi: number): void {
  const { liveness } = v;
  const instance = v.state.frames[v.state.frames.length - 1]!.liveness;
  const low = spi < 32 ? 1 << spi : 0;
  const high = spi < 32 ? 0 : 1 << (spi - 32);
  addRead(liveness, instance, frame, v.slot, low, high);
}

/** Records that the instruction overwrites all eight bytes of a stack slot of a frame. */
export function markStackWrite(v: Verification, frame: number, spi: number): void {
  if (spi < 32) v.liveness.low[frame]! |= 1 << spi;
  else v.liveness.high[frame]! |= 1 << (spi - 32);
}

/** Begins collecting the writes of the instruction at a slot. */
export function beginWrites(v: Verification, instance: StackInstance, slot: number): void {
  v.liveness.instance = instance;
  v.liveness.slot = slot;
}

function commit(liveness: StackLiveness, instance: StackInstance, slot: number): void {
  const index = slot - instance.start;
  const first = instance.writesKnown[index] === 0;
  for (let frame = 0; frame <= instance.depth; frame++) {
    let low = liveness.low[frame]!;
    let high = liveness.high[frame]!;
    liveness.low[frame] = liveness.high[frame] = 0;
    if ((low | high) === 0 && (first || instance.marks[frame] === undefined)) continue;
    const marks = marksOf(instance, frame);
    const at = index * COLUMNS + WRITTEN;
    if (!first) {
      low &= marks[at]!;
      high &= marks[at + 1]!;
      if (low !== marks[at] || high !== marks[at + 1]) instance.writesDropped = true;
    }
    if (low === marks[at] && high === marks[at + 1]) continue;
    marks[at] = low;
    marks[at + 1] = high;
    makeStale(liveness, instance, index);
  }
  instance.writesKnown[index] = 1;
}

/** Ends collecting: what this visit wrote, and every earlier one too, is written for certain. */
export function commitWrites(v: Verification): void {
  if (v.liveness.instance !== undefined) commit(v.liveness, v.liveness.instance, v.liveness.slot);
  v.liveness.instance = undefined;
}

/** In place of a jump's target: the instruction may also end the subprogram. */
const RETURNS = -2;

/** A tail call and a load from the packet may end the subprogram as an exit does. */
function mayReturn(v: Verification, slot: number): boolean {
  if (isHelperCall(v.code, slot)) return v.code.imm[slot] === TAIL_CALL;
  const opcode = v.code.opcode[slot]!;
  return (opcode & 0xe7) === MODE_ABS || (opcode & 0xe7) === MODE_IND;
}

/** Where each instruction of a subprogram leads, counted from its start. */
interface Successors {
  /** For each slot: the next one or -1; the target, -1, or `RETURNS`. */
  readonly edges: Int32Array;
  /** For each slot: the first one before it that leads there, or itself. */
  readonly sources: Int32Array;
  /** For each slot: 1 where a jump back leads. */
  readonly backTargets: Uint8Array;
  /** The last instruction that jumps back; -1: none does. */
  readonly lastBackEdge: number;
}

function successorsOf(v: Verification, instance: StackInstance): Successors {
  const known = v.liveness.successors[instance.subprogram];
  if (known !== undefined) return known;
  const { start, length } = instance;
  const edges = new Int32Array(length * 2);
  const sources = new Int32Array(length);
  for (let index = 0; index < length; index++) sources[index] = index;
  const backTargets = new Uint8Array(length);
  let lastBackEdge = -1;
  const within = (to: number): number => (to >= start && to < start + length ? to - start : -1);
  for (let index = 0; index < length; index++) {
    const target = mayReturn(v, start + index) ? RETURNS : within(targetSlot(v, start + index));
    const next = within(nextSlot(v, start + index));
    edges[index * 2] = next;
    edges[index * 2 + 1] = target;
    if (next >= 0) sources[next] = Math.min(sources[next]!, index);
    if (target > index) sources[target] = Math.min(sources[target]!, index);
    if (target < 0 || target > index) continue;
    lastBackEdge = index;
    backTargets[target] = 1;
  }
  const made = { edges, sources, backTargets, lastBackEdge };
  v.liveness.successors[instance.subprogram] = made;
  return made;
}

/**
 * Spreads one frame's reads backwards from an instruction on, at least down to another and then as far as something
 * changes. True: what jumps back has something new to learn.
 */
function spread(marks: Marks, { edges, sources, backTargets }: Successors, from: number, to: number): boolean {
  let isNew = false;
  for (let index = from, lowest = to; index >= lowest; index--) {
    const next = edges[index * 2]! * COLUMNS;
    const target = edges[index * 2 + 1]! * COLUMNS;
    if (next < 0 && target < 0) continue;
    const at = index * COLUMNS;
    const low = spreadWord(marks, at, next, target);
    const high = spreadWord(marks, at + 1, next + 1, target + 1);
    if (!low && !high) continue;
    lowest = Math.min(lowest, sources[index]!);
    if (backTargets[index] === 1) isNew = true;
  }
  return isNew;
}

/** One word of an instruction's sets from those of where it leads; `target` of one that may return lies below that of none. */
function spreadWord(marks: Marks, at: number, next: number, target: number): boolean {
  let live = next < 0 ? 0 : marks[next + LIVE]!;
  let after = next < 0 ? -1 : marks[next + WRITTEN_AFTER]!;
  if (target >= 0) {
    live |= marks[target + LIVE]!;
    after &= marks[target + WRITTEN_AFTER]!;
  } else if (target < -COLUMNS) after = 0;
  const written = marks[at + WRITTEN]!;
  live = (live & ~written) | marks[at + READ]!;
  after |= written;
  if (live === marks[at + LIVE] && after === marks[at + WRITTEN_AFTER]) return false;
  marks[at + LIVE] = live;
  marks[at + WRITTEN_AFTER] = after;
  return true;
}

/** What a callee reads and writes of its callers' stacks, its call reads and writes. */
function passToCaller(liveness: StackLiveness, instance: StackInstance): void {
  const { outer, callsite } = instance;
  if (outer === undefined) return;
  for (let frame = 0; frame < instance.depth; frame++) {
    const marks = instance.marks[frame];
    if (marks === undefined) continue;
    liveness.low[frame] = marks[WRITTEN_AFTER]!;
    liveness.high[frame] = marks[WRITTEN_AFTER + 1]!;
    addRead(liveness, outer, frame, callsite, marks[LIVE]!, marks[LIVE + 1]!);
  }
  commit(liveness, outer, callsite);
}

/** Behind the last change nothing changes. */
function update(v: Verification, instance: StackInstance): void {
  const successors = successorsOf(v, instance);
  const { writesDropped, length, staleFrom, staleTo } = instance;
  const [from, to] = writesDropped ? [length - 1, 0] : [staleTo, staleFrom];
  for (const marks of instance.marks) {
    if (marks === undefined) continue;
    if (writesDropped) {
      for (let at = WRITTEN_AFTER; at < marks.length; at += COLUMNS) marks[at] = marks[at + 1] = 0;
    }
    for (let isNew = spread(marks, successors, from, to); isNew; ) {
      isNew = spread(marks, successors, successors.lastBackEdge, 0);
    }
  }
  instance.staleFrom = length;
  instance.staleTo = -1;
  instance.writesDropped = false;
  passToCaller(v.liveness, instance);
}

/** Brings all that was recorded up to date: callees before their callers. */
export function updateStackLiveness(v: Verification): void {
  const { stale } = v.liveness;
  while (stale.size > 0) {
    let deepest: StackInstance | undefined;
    for (const instance of stale) if (deepest === undefined || instance.depth > deepest.depth) deepest = instance;
    stale.delete(deepest!);
    update(v, deepest!);
  }
}

function isLiveBefore(instance: StackInstance, slot: number, frame: number, spi: number): boolean {
  const marks = instance.marks[frame];
  if (marks === undefined) return false;
  const word = marks[(slot - instance.start) * COLUMNS + LIVE + (spi < 32 ? 0 : 1)]!;
  return ((word >>> (spi & 31)) & 1) === 1;
}

/**
 * Whether a stack slot of a frame of a kept state may be read later: by the current frame from where it stands, or by a
 * frame between from behind its call (or from the call again, where it runs callbacks).
 */
export function isSlotLive(v: Verification, state: State, frame: number, spi: number): boolean {
  const top = state.frames.length - 1;
  if (isLiveBefore(state.frames[top]!.liveness, state.slot, frame, spi)) return true;
  for (let index = frame; index < top; index++) {
    const { callsite } = state.frames[index + 1]!;
    const from = v.slots.callsCallback[callsite] === 1 ? callsite : callsite + 1;
    if (isLiveBefore(state.frames[index]!.liveness, from, frame, spi)) return true;
  }
  return false;
}
