import { helperById } from "@bpfkit/abi";
import {
  callTarget,
  isHelperCall,
  isJumpClass,
  isSubprogramCall,
  isWideLoad,
  iteratorRole,
  jumpTarget,
  slotsAt,
} from "./code.js";
import { CALL, EXIT, JA, JCOND, SOURCE_REGISTER } from "./opcode.js";
import { isFunctionLoad, subprogramOf } from "./subprograms.js";
import { reject, since, type Verification } from "./verification.js";

/** Helpers that run a callback before they return. */
export const SYNC_CALLBACK_HELPERS: ReadonlySet<number> = new Set([164, 180, 181, 209]);
/** `bpf_timer_set_callback`: the callback runs later. */
export const TIMER_SET_CALLBACK = 170;

const UNSEEN = 0;
const DISCOVERED = 0x10;
const EXPLORED = 0x20;
const FALL_THROUGH = 1;
const BRANCH = 2;

interface Walk {
  readonly v: Verification;
  readonly marks: Uint8Array;
  readonly stack: number[];
  /** Slots in the order their successors were done: what data flow analyses iterate in. */
  readonly postorder: number[];
}

/** Marks a slot where states are compared; jumps there also go into the history. */
function markJumpTarget(v: Verification, slot: number): void {
  v.slots.prunePoint[slot] = 1;
  v.slots.jumpPoint[slot] = 1;
}

/** Follows one edge; true: there is something new to walk first. */
function follow(walk: Walk, from: number, to: number, edge: number): boolean {
  const { v, marks } = walk;
  const seen = marks[from]!;
  if (seen >= (DISCOVERED | edge)) return false;
  if (to < 0 || to >= v.code.length) reject(v, "EINVAL", `jump out of range from insn ${from} to ${to}`);
  if (edge === BRANCH) markJumpTarget(v, to);
  const target = marks[to]!;
  if (target === UNSEEN) {
    marks[from] = DISCOVERED | edge;
    marks[to] = DISCOVERED;
    walk.stack.push(to);
    return true;
  }
  if ((target & 0xf0) === DISCOVERED && !since(v, 503)) {
    reject(v, "EINVAL", `back-edge from insn ${from} to ${to}`);
  }
  if (target === EXPLORED) marks[from] = DISCOVERED | edge;
  return false;
}

function visitCall(walk: Walk, slot: number, withCallee: boolean): boolean {
  const { v } = walk;
  const next = slot + slotsAt(v.code, slot);
  if (follow(walk, slot, next, FALL_THROUGH)) return true;
  if (next < v.code.length) markJumpTarget(v, next);
  if (!withCallee) return false;
  const target = callTarget(v.code, slot);
  v.slots.prunePoint[slot] = 1;
  const callee = v.subprograms[subprogramOf(v, target)]!;
  if (callee.changesPacket) v.subprograms[subprogramOf(v, slot)]!.changesPacket = true;
  return follow(walk, slot, target, BRANCH);
}

function visitHelper(walk: Walk, slot: number): boolean {
  const { v } = walk;
  const { slots, code } = v;
  if (iteratorRole(code, slot) === "next") {
    slots.prunePoint[slot] = 1;
    slots.checkpoint[slot] = 1;
  }
  if (isHelperCall(code, slot)) {
    const id = code.imm[slot]!;
    if (id === TIMER_SET_CALLBACK) slots.prunePoint[slot] = 1;
    if (SYNC_CALLBACK_HELPERS.has(id)) {
      slots.callsCallback[slot] = 1;
      slots.checkpoint[slot] = 1;
      markJumpTarget(v, slot);
    }
    if (helperById(id)?.changesPacket === true) v.subprograms[subprogramOf(v, slot)]!.changesPacket = true;
  }
  return visitCall(walk, slot, v.profile.calls && isSubprogramCall(code, slot));
}

function visitJump(walk: Walk, slot: number): boolean {
  const { v } = walk;
  const opcode = v.code.opcode[slot]!;
  switch (opcode & 0xf0) {
    case EXIT:
      return false;
    case CALL:
      return visitHelper(walk, slot);
    case JA: {
      if ((opcode & SOURCE_REGISTER) !== 0) reject(v, "EINVAL");
      const target = jumpTarget(v.code, slot);
      if (follow(walk, slot, target, FALL_THROUGH)) return true;
      markJumpTarget(v, target);
      return false;
    }
    default:
      v.slots.prunePoint[slot] = 1;
      if ((opcode & 0xf0) === JCOND) v.slots.checkpoint[slot] = 1;
      if (follow(walk, slot, slot + 1, FALL_THROUGH)) return true;
      return follow(walk, slot, jumpTarget(v.code, slot), BRANCH);
  }
}

function visit(walk: Walk, slot: number): boolean {
  const { v } = walk;
  if (v.profile.calls && isFunctionLoad(v.code, slot)) return visitCall(walk, slot, true);
  if (isJumpClass(v.code.opcode[slot]!)) return visitJump(walk, slot);
  return follow(walk, slot, slot + slotsAt(v.code, slot), FALL_THROUGH);
}

/**
 * Walks the graph of jumps depth first, in the kernel's order: refuses slots nothing leads to and jumps into the middle of a
 * 64-bit load, and marks where states will be compared. Returns the slots in postorder.
 */
export function checkControlFlow(v: Verification): readonly number[] {
  const walk: Walk = { v, marks: new Uint8Array(v.code.length), stack: [0], postorder: [] };
  walk.marks[0] = DISCOVERED;
  while (walk.stack.length > 0) {
    const slot = walk.stack.at(-1)!;
    if (visit(walk, slot)) continue;
    walk.marks[slot] = EXPLORED;
    walk.postorder.push(slot);
    walk.stack.pop();
  }
  for (let slot = 0; slot < v.code.length; slot++) {
    if (walk.marks[slot] !== EXPLORED) reject(v, "EINVAL", `unreachable insn ${slot}`);
    if (!isWideLoad(v.code, slot)) continue;
    if (walk.marks[slot + 1] !== UNSEEN) reject(v, "EINVAL", `jump into the middle of ldimm64 insn ${slot}`);
    slot++;
  }
  return walk.postorder;
}
