import { ownHistory } from "./history.js";
import { write } from "./log.js";
import { markEverything, propagatePrecision } from "./precision.js";
import { copyState, frameSlot, type State } from "./state.js";
import type { Verification } from "./verification.js";

/*
 * A walk through a loop stops where a round begins as a kept one did. What will turn out to be precise in the kept state is
 * not known then, for it is still being walked; so the way there is remembered (a back edge), and once all of the loop was
 * walked, precision is carried along all back edges until nothing changes (Linux 6.17 `propagate_backedges`).
 */

/** A way back to a kept state of a loop. */
interface BackEdge {
  readonly kept: State;
  /** Where the walk stopped, with its way there. */
  readonly from: State;
  readonly slot: number;
}

/** One loop as it is walked from one chain of calls. */
export interface LoopVisit {
  /** `(callsite,…,component)`, as the log has it. */
  readonly name: string;
  /** The kept state it was entered with; undefined where no walk is in it. */
  entry: State | undefined;
  backEdges: BackEdge[];
}

/** Rounds of propagation after which everything is precise. */
const MAX_ROUNDS = 64;

/** The loop that the outermost frame which is in one is in. */
function visitOf(v: Verification, state: State): LoopVisit | undefined {
  let name = "(";
  for (let index = 0; index < state.frames.length; index++) {
    const slot = frameSlot(state, index);
    const component = v.slots.component[slot]!;
    if (component === 0) {
      name += `${slot},`;
      continue;
    }
    name += `${component})`;
    let visit = v.visits.get(name);
    if (visit === undefined) {
      visit = { name, entry: undefined, backEdges: [] };
      v.visits.set(name, visit);
    }
    return visit;
  }
  return undefined;
}

const say = (v: Verification, what: string, { name }: LoopVisit): void => {
  if (v.log.level >= 2) write(v.log, `SCC ${what} ${name}\n`);
};

/** One more state is there: a kept one, or that of a back edge. */
export function countState(v: Verification): void {
  v.peakStates = Math.max(v.peakStates, ++v.currentStates);
}

/** A state was kept: the first of a loop is where the loop is entered. */
export function enterLoop(v: Verification, kept: State): void {
  const visit = visitOf(v, kept);
  kept.visit = visit;
  if (visit === undefined || visit.entry !== undefined) return;
  visit.entry = kept;
  say(v, "enter", visit);
}

/** All paths from a kept state were walked: where the loop was entered with it, the loop is done. */
export function leaveLoop(v: Verification, kept: State): void {
  const { visit } = kept;
  if (visit === undefined || visit.entry !== kept) return;
  say(v, "exit", visit);
  visit.entry = undefined;
  propagate(v, visit);
}

/** The walk stops at a kept state of a loop that is not done. */
export function addBackEdge(v: Verification, kept: State, slot: number): void {
  const { visit } = kept;
  if (visit === undefined) {
    markEverything(v, v.state);
    return;
  }
  say(v, "backedge", visit);
  const from = copyState(v.state);
  // Other paths of the loop will overwrite the way here before it is followed back.
  for (let state: State | undefined = from; state !== undefined && state !== visit.entry; state = state.parent) {
    if (state.ownHistory !== undefined) break;
    ownHistory(v.history, state);
  }
  visit.backEdges.push({ kept, from, slot });
  countState(v);
}

/** Whether not all that is precise in a kept state is marked yet. */
export const isUnfinished = (kept: State): boolean => (kept.visit?.backEdges.length ?? 0) > 0;

function propagate(v: Verification, visit: LoopVisit): void {
  const latestFirst = visit.backEdges.toReversed();
  for (let round = 0, changed = true; changed; round++) {
    changed = false;
    if (round > MAX_ROUNDS) {
      for (const { from } of latestFirst) markEverything(v, from);
      break;
    }
    for (const { kept, from, slot } of latestFirst) {
      if (propagatePrecision(v, kept, from, slot)) changed = true;
    }
  }
  v.currentStates -= visit.backEdges.length;
  visit.backEdges = [];
}
