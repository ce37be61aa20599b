import { iteratorRole } from "./code.js";
import { isLike, mayLoop, sameCalls } from "./compare.js";
import { frameText, SHOW_ALL } from "./format-state.js";
import { record } from "./history.js";
import { hasStepped, stepsActive } from "./iterator-state.js";
import { addBackEdge, countState, enterLoop, isUnfinished, leaveLoop } from "./loop-visit.js";
import { propagatePrecision } from "./precision.js";
import { UNINITIALISED } from "./register.js";
import { isSlotLive, updateStackLiveness } from "./stack-liveness.js";
import { EMPTY_SLOT } from "./stack-slot.js";
import { copyState, currentFrame, frameSlot, type State } from "./state.js";
import { noteDifferences } from "./taint.js";
import { reject, type Verification } from "./verification.js";

/** Jumps and instructions since the last kept state after which another is worth keeping. */
const KEEP_AFTER_JUMPS = 2;
const KEEP_AFTER_INSTRUCTIONS = 8;
/** In a loop, only after so many. */
const LOOP_JUMPS = 20;
const LOOP_INSTRUCTIONS = 100;
/** The history of one state stays short enough to be followed back. */
const MAX_HISTORY = 40;

/** The list of kept states a place hashes to, as the kernel's table does, for its length is in the statistics. */
function bucket(v: Verification, slot: number): number {
  const callsite = currentFrame(v.state).callsite;
  return ((slot ^ callsite) >>> 0) % v.code.length;
}

/** Drops what nothing will read from a kept state all of whose paths were walked. */
function clean(v: Verification, state: State): void {
  state.cleaned = true;
  state.frames.forEach((frame, index) => {
    const live = v.slots.liveRegisters[frameSlot(state, index)]!;
    for (let number = 0; number < 10; number++) {
      if (((live >>> number) & 1) === 0) frame.regs[number] = UNINITIALISED;
    }
    for (let spi = 0; spi < frame.stack.length; spi++) {
      if (frame.stack[spi] !== EMPTY_SLOT && !isSlotLive(v, state, index, spi)) frame.stack[spi] = EMPTY_SLOT;
    }
  });
}

function cleanWalked(v: Verification, list: readonly State[], slot: number): void {
  let isUpToDate = false;
  for (const state of list) {
    if (state.cleaned || state.branches > 0 || state.slot !== slot || isUnfinished(state)) continue;
    if (!sameCalls(state, v.state)) continue;
    if (!isUpToDate) updateStackLiveness(v);
    isUpToDate = true;
    clean(v, state);
  }
}

/** A path ended: kept states that no path starts from any more are done. */
export function endPath(v: Verification): void {
  for (let state: State | undefined = v.state; state !== undefined; state = state.parent) {
    state.branches--;
    if (state.branches > 0) return;
    leaveLoop(v, state);
    if (state.dropped) v.currentStates--;
  }
}

/** The last kept state at a slot that `below` comes from: one round of the loop earlier. */
export function findLoopHead(v: Verification, slot: number, below: State): State | undefined {
  const list = v.explored[bucket(v, slot)] ?? [];
  return list.findLast(
    (state) => state.slot === slot && state.branches > 0 && sameCalls(state, below) && state.depth < below.depth,
  );
}

function rejectEndlessLoop(v: Verification, kept: State, slot: number): never {
  const { state } = v;
  const top = state.frames.length - 1;
  reject(
    v,
    "EINVAL",
    `infinite loop detected at insn ${slot}`,
    `cur state:${frameText(state, state.frames[top]!, SHOW_ALL)}`,
    `old state:${frameText(kept, kept.frames[top]!, SHOW_ALL)}`,
  );
}

/**
 * Whether more may turn out to be precise in a kept state that was met: it is in a loop still being walked. A helper that
 * runs callbacks is none (as in Linux 6.18): what follows it without another round was walked first.
 */
function staysOpen(v: Verification, kept: State, slot: number): boolean {
  return kept.branches > 0 ? v.slots.callsCallback[slot] === 0 : isUnfinished(kept);
}

/** The walk joins a kept state; `isLoop`: one that is in a loop still being walked. */
function hit(v: Verification, kept: State, slot: number, isLoop: boolean): true {
  kept.hits++;
  if (v.facts.isOn && !isLoop) noteDifferences(v, kept, v.state);
  if (v.slots.jumpPoint[slot] === 1) record(v.history, v.state, slot, v.previousSlot, 0);
  propagatePrecision(v, kept, v.state, slot);
  if (isLoop) addBackEdge(v, kept, slot);
  return true;
}

type Comparison = "hit" | "miss" | "miss-in-loop";

/** Whether a kept state that the walk is still below of may be met again: at a place that begins a round of a loop. */
function closesRound(v: Verification, kept: State, slot: number): boolean | undefined {
  const { state } = v;
  if (iteratorRole(v.code, slot) === "next") return stepsActive(state) && isLike(v, kept, state, "within");
  if (v.slots.callsCallback[slot] === 1) return isLike(v, kept, state, "within");
  const isMayGoto = v.slots.checkpoint[slot] === 1;
  if (isMayGoto && kept.mayGotoDepth !== state.mayGotoDepth && isLike(v, kept, state, "within")) return true;
  return undefined;
}

/** Compares with a kept state that the walk is still below of. */
function compareOpen(v: Verification, kept: State, slot: number): Comparison {
  const { state } = v;
  const frame = currentFrame(kept);
  if (frame.isAsync && frame.asyncEntries !== currentFrame(state).asyncEntries) return "miss-in-loop";
  const closes = closesRound(v, kept, slot);
  if (closes !== undefined) return closes ? "hit" : "miss-in-loop";
  const isRound = kept.mayGotoDepth === state.mayGotoDepth && kept.callbackUnrollDepth === state.callbackUnrollDepth;
  if (isRound && mayLoop(kept, state) && isLike(v, kept, state, "same") && !hasStepped(kept, state)) {
    rejectEndlessLoop(v, kept, slot);
  }
  return "miss-in-loop";
}

/** Compares with a kept state all of whose paths were walked. */
function compareWalked(v: Verification, kept: State): Comparison {
  return isLike(v, kept, v.state, isUnfinished(kept) ? "within" : "subsumes") ? "hit" : "miss";
}

/** Whether comparing with a kept state has failed so often that it is not worth keeping. */
function isUseless(v: Verification, kept: State, slot: number): boolean {
  const patience = v.slots.checkpoint[slot] === 1 && kept.branches > 0 ? 64 : 3;
  return kept.misses > kept.hits * patience + patience;
}

/** Keeps the current state, which begins anew as its child. */
function keep(v: Verification, at: number, slot: number): void {
  const { state } = v;
  v.totalStates++;
  countState(v);
  v.previousJumps = v.jumps;
  v.previousProcessed = v.processed;
  const kept = copyState(state);
  kept.slot = slot;
  state.parent = kept;
  state.firstSlot = slot;
  state.historyStart = state.historyEnd;
  state.depth = kept.depth + 1;
  state.branches = 1;
  enterLoop(v, kept);
  const list = v.explored[at];
  if (list === undefined) v.explored[at] = [kept];
  else list.push(kept);
}

function isForced(v: Verification, slot: number): boolean {
  const { state } = v;
  return v.everyState || v.slots.checkpoint[slot] === 1 || state.historyEnd - state.historyStart > MAX_HISTORY;
}

/**
 * At a place where ways meet: true where a kept state shows that nothing new lies ahead. Otherwise the current state may be
 * kept, by the kernel's heuristics, for their outcome is in its counts (Linux `is_state_visited`).
 */
export function isVisited(v: Verification, slot: number): boolean {
  const forced = isForced(v, slot);
  const jumps = v.jumps - v.previousJumps;
  const instructions = v.processed - v.previousProcessed;
  let worthKeeping = forced || (jumps >= KEEP_AFTER_JUMPS && instructions >= KEEP_AFTER_INSTRUCTIONS);
  const at = bucket(v, slot);
  const list = v.explored[at];
  if (list !== undefined) {
    cleanWalked(v, list, slot);
    let seen = 0;
    // The latest first.
    for (let index = list.length - 1; index >= 0; index--) {
      const kept = list[index]!;
      seen++;
      if (kept.slot !== slot) continue;
      const comparison = kept.branches > 0 ? compareOpen(v, kept, slot) : compareWalked(v, kept);
      if (comparison === "hit") return hit(v, kept, slot, staysOpen(v, kept, slot));
      if (comparison === "miss-in-loop" && !forced && jumps < LOOP_JUMPS && instructions < LOOP_INSTRUCTIONS) {
        worthKeeping = false;
      }
      if (worthKeeping) kept.misses++;
      if (!isUseless(v, kept, slot)) continue;
      list.splice(index, 1);
      if (kept.branches === 0) v.currentStates--;
      else kept.dropped = true;
    }
    v.maxStatesPerSlot = Math.max(v.maxStatesPerSlot, seen);
  }
  if (worthKeeping) keep(v, at, slot);
  return false;
}
