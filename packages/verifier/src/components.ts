import { slotsAt } from "./code.js";
import { nextSlot, targetSlot } from "./register-liveness.js";
import type { Verification } from "./verification.js";

/*
 * Loops of the control flow graph: its strongly connected components (Tarjan's algorithm, with a stack of its own instead of
 * recursion), numbered in the order in which they are complete, as the kernel's `compute_scc` numbers them.
 */

const DONE = 0x7fff_ffff;

interface Search {
  readonly v: Verification;
  /** By slot, from 1 on in the order the slots were come to; 0: not yet. */
  readonly order: Int32Array;
  /** The earliest slot, by `order`, that can be reached from a slot and is in no finished component. */
  readonly lowest: Int32Array;
  readonly waiting: number[];
  readonly path: number[];
  visited: number;
  components: number;
}

function jumpsToItself(v: Verification, slot: number): boolean {
  return nextSlot(v, slot) === slot || targetSlot(v, slot) === slot;
}

/** All slots that wait above `slot` are in one component with it. */
function finish(search: Search, slot: number): void {
  const { v, waiting, lowest } = search;
  const isLoop = waiting.at(-1) !== slot || jumpsToItself(v, slot);
  if (isLoop) search.components++;
  for (;;) {
    const member = waiting.pop()!;
    lowest[member] = DONE;
    if (isLoop) v.slots.component[member] = search.components;
    if (member === slot) return;
  }
}

/** Looks at one slot of the path; it stays there until all that follows it is done. */
function step(search: Search, slot: number): void {
  const { v, order, lowest, waiting, path } = search;
  if (order[slot] === 0) {
    order[slot] = lowest[slot] = ++search.visited;
    waiting.push(slot);
  }
  for (let edge = 0; edge < 2; edge++) {
    const to = edge === 0 ? nextSlot(v, slot) : targetSlot(v, slot);
    if (to < 0 || to >= v.code.length) continue;
    if (order[to] === 0) {
      path.push(to);
      return;
    }
    lowest[slot] = Math.min(lowest[slot]!, lowest[to]!);
  }
  if (lowest[slot] === order[slot]) finish(search, slot);
  path.pop();
}

/** Without a jump backwards there is no loop. */
function hasBackwardJump(v: Verification): boolean {
  for (let slot = 0; slot < v.code.length; slot++) {
    const target = targetSlot(v, slot);
    if (target >= 0 && target <= slot) return true;
  }
  return false;
}

/** Gives each slot that is in a loop its component's number; all others stay 0. */
export function findComponents(v: Verification): void {
  if (!hasBackwardJump(v)) return;
  const { length } = v.code;
  const search: Search = {
    v,
    order: new Int32Array(length),
    lowest: new Int32Array(length),
    waiting: [],
    path: [],
    visited: 0,
    components: 0,
  };
  for (let slot = 0; slot < length; slot += slotsAt(v.code, slot)) {
    if (search.order[slot] === 0) search.path.push(slot);
    while (search.path.length > 0) step(search, search.path.at(-1)!);
  }
}
