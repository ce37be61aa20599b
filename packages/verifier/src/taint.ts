import { callTarget, isSubprogramCall } from "./code.js";
import type { FactCollector } from "./fact-collector.js";
import type { LinkedRegister } from "./history.js";
import {
  ATOMIC_LOAD_ACQUIRE,
  CALL,
  CLASS_ALU,
  CLASS_ALU64,
  CLASS_JMP,
  CLASS_JMP32,
  CLASS_LD,
  CLASS_LDX,
  CLASS_STX,
  EXIT,
  EXIT_OPCODE,
  JA,
  JCOND,
  MODE_ATOMIC,
  MOV,
  SOURCE_REGISTER,
} from "./opcode.js";
import { ADD_CONST, type Register, SCALAR } from "./register.js";
import { nextSlot, targetSlot } from "./register-liveness.js";
import { contains } from "./scalar.js";
import { isScalarSpill, slotScalar } from "./stack-slot.js";
import { frameSlot, type State } from "./state.js";
import { subprogramOf } from "./subprograms.js";
import type { Verification } from "./verification.js";

/*
 * Where the walk stopped because a kept state was alike, numbers nothing depended on may still have been others than the
 * kept ones. What is claimed of registers from there on must not rest on them: this finds every register such a number can
 * reach. Pointers and decided branches rest on precise numbers only, which were compared.
 */

/** r6–r9, which survive a call. */
const CALLEE_SAVED = 0x3c0;

/** Notes the numbers in which a state differs from the kept one the walk stopped for. */
export function noteDifferences(v: Verification, kept: State, fresh: State): void {
  const roots = new Map<number, number>();
  kept.frames.forEach((was, index) => {
    const is = fresh.frames[index]!;
    const isTop = index === kept.frames.length - 1;
    const slot = frameSlot(kept, index);
    const live = v.slots.liveRegisters[slot]!;
    let mask = 0;
    for (let number = 0; number < 10; number++) {
      const before = was.regs[number]!;
      const now = is.regs[number]!;
      if (((live >>> number) & 1) === 0 || before.type !== SCALAR || now.type !== SCALAR) continue;
      if (!contains(before.num, now.num) || !isLinkedAlike(roots, before, now)) mask |= 1 << number;
    }
    // An outer frame goes on behind its call.
    if (mask !== 0) addTaint(v.facts, isTop ? slot : slot + 1, mask);
    was.stack.forEach((slotBefore, spi) => {
      if (!isScalarSpill(slotBefore)) return;
      const now = is.stack[spi] === undefined ? undefined : slotScalar(is.stack[spi]!);
      const isAlike =
        now !== undefined &&
        contains(slotBefore.reg.num, now.num) &&
        isLinkedAlike(roots, slotBefore.reg, is.stack[spi]!.reg);
      if (!isAlike) v.facts.stackTainted = true;
    });
  });
}

/** Whether what a comparison teaches of the kept register's link holds for the fresh one too. `roots`: kept to fresh. */
function isLinkedAlike(roots: Map<number, number>, before: Register, now: Register): boolean {
  if (before.id === 0) return true;
  if ((before.id & ADD_CONST) !== (now.id & ADD_CONST) || before.off !== now.off) return false;
  const root = before.id & ~ADD_CONST;
  const partner = roots.get(root) ?? now.id & ~ADD_CONST;
  roots.set(root, partner);
  return partner !== 0 && partner === (now.id & ~ADD_CONST);
}

/** In a mask of linked registers: a spilled one is linked too. */
const LINKED_STACK = 1 << 15;

/** A comparison teaches something of these registers as well: they are only as sure as its operands. */
export function noteLinked(v: Verification, linked: readonly LinkedRegister[]): void {
  const top = v.state.frames.length - 1;
  let mask = v.facts.linked.get(v.slot) ?? 0;
  for (const { frame, isRegister, index } of linked) {
    if (!isRegister) mask |= LINKED_STACK;
    else if (frame === top) mask |= 1 << index;
    else addTaint(v.facts, frameSlot(v.state, frame) + 1, 1 << index);
  }
  v.facts.linked.set(v.slot, mask);
}

function addTaint(facts: FactCollector, slot: number, mask: number): void {
  facts.taints.set(slot, (facts.taints.get(slot) ?? 0) | mask);
}

const has = (mask: number, number: number): boolean => ((mask >>> number) & 1) === 1;

/** The one atomic that loads into its destination. */
function isLoadAcquire({ code }: Verification, slot: number): boolean {
  return (code.opcode[slot]! & 0xe0) === MODE_ATOMIC && code.imm[slot] === ATOMIC_LOAD_ACQUIRE;
}

function loaded({ code, facts }: Verification, slot: number, before: number): number {
  const dst = 1 << code.dst[slot]!;
  return facts.stackTainted ? before | dst : before & ~dst;
}

/** The registers that may hold an uncompared number behind an instruction, given those before it. */
function transfer(v: Verification, slot: number, before: number): number {
  const { code } = v;
  const opcode = code.opcode[slot]!;
  const dst = 1 << code.dst[slot]!;
  switch (opcode & 7) {
    case CLASS_ALU:
    case CLASS_ALU64: {
      const fromRegister = (opcode & SOURCE_REGISTER) !== 0 && has(before, code.src[slot]!);
      const keepsOwn = (opcode & 0xf0) !== MOV && has(before, code.dst[slot]!);
      return fromRegister || keepsOwn ? before | dst : before & ~dst;
    }
    case CLASS_LD:
      return before & ~dst;
    case CLASS_LDX:
      return loaded(v, slot, before);
    case CLASS_STX:
      if (isLoadAcquire(v, slot)) return loaded(v, slot, before);
      if (has(before, code.src[slot]!)) v.facts.stackTainted = true;
      return v.facts.stackTainted ? before | 1 | (1 << code.src[slot]!) : before;
    case CLASS_JMP:
    case CLASS_JMP32:
      return compared(v, slot, before);
    default:
      return before;
  }
}

/** A comparison teaches what one operand is from what the other is. */
function compared(v: Verification, slot: number, before: number): number {
  const { code } = v;
  const operation = code.opcode[slot]! & 0xf0;
  if (operation === JA || operation === CALL || operation === EXIT || operation === JCOND) return before;
  const isRegister = (code.opcode[slot]! & SOURCE_REGISTER) !== 0;
  const linked = v.facts.linked.get(slot) ?? 0;
  const operands = (1 << code.dst[slot]!) | (isRegister ? 1 << code.src[slot]! : 0);
  if ((before & operands) === 0) return before;
  if ((linked & LINKED_STACK) !== 0) v.facts.stackTainted = true;
  return before | operands | (linked & ~LINKED_STACK);
}

interface Spread {
  readonly v: Verification;
  readonly masks: Uint16Array;
  readonly work: number[];
  /** By subprogram: whether its r0 may be tainted, and the slots behind its calls. */
  readonly results: Uint8Array;
  readonly returns: number[][];
}

function reach(spread: Spread, slot: number, mask: number): void {
  if ((mask & ~spread.masks[slot]!) === 0) return;
  spread.masks[slot]! |= mask;
  spread.work.push(slot);
}

function returnFrom(spread: Spread, subprogram: number): void {
  if (spread.results[subprogram] === 1) return;
  spread.results[subprogram] = 1;
  for (const slot of spread.returns[subprogram]!) reach(spread, slot, 1);
}

function step(spread: Spread, slot: number): void {
  const { v, masks, results, returns } = spread;
  const before = masks[slot]!;
  if (isSubprogramCall(v.code, slot)) {
    const target = callTarget(v.code, slot);
    const callee = subprogramOf(v, target);
    returns[callee]!.push(slot + 1);
    reach(spread, target, before & 0x3e);
    reach(spread, slot + 1, (before & CALLEE_SAVED) | results[callee]!);
    return;
  }
  if (v.code.opcode[slot] === EXIT_OPCODE) {
    if ((before & 1) !== 0) returnFrom(spread, subprogramOf(v, slot));
    return;
  }
  const after = transfer(v, slot, before);
  if (after === 0) return;
  const next = nextSlot(v, slot);
  const target = targetSlot(v, slot);
  if (next >= 0) reach(spread, next, after);
  if (target >= 0) reach(spread, target, after);
}

/** Whether an instruction may leave something tainted where nothing was. */
function isSource(v: Verification, slot: number): boolean {
  if (v.slots.seen[slot] === 0) return false;
  const kind = v.code.opcode[slot]! & 7;
  const touchesMemory = kind === CLASS_LDX || kind === CLASS_STX;
  return isSubprogramCall(v.code, slot) || (v.facts.stackTainted && touchesMemory);
}

/** For each slot, the registers whose numbers may not be those the walk saw. */
export function taintedRegisters(v: Verification): Uint16Array {
  const spread: Spread = {
    v,
    masks: new Uint16Array(v.code.length),
    work: [],
    results: new Uint8Array(v.subprograms.length),
    returns: v.subprograms.map(() => []),
  };
  if (v.facts.taints.size === 0 && !v.facts.stackTainted) return spread.masks;
  for (;;) {
    const stackBefore = v.facts.stackTainted;
    // Looked at once even where nothing reaches them yet: calls, and once the stack may be tainted what touches memory.
    for (let slot = 0; slot < v.code.length; slot++) if (isSource(v, slot)) spread.work.push(slot);
    for (const [slot, mask] of v.facts.taints) reach(spread, slot, mask);
    while (spread.work.length > 0) step(spread, spread.work.pop()!);
    if (v.facts.stackTainted === stackBefore) return spread.masks;
  }
}
