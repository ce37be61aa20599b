import { callTarget, isSubprogramCall } from "./code.js";
import type { FactCollector } from "./facts.js";
import { CLASS_ALU, CLASS_ALU64, CLASS_LD, CLASS_LDX, CLASS_STX, EXIT_OPCODE, MOV, SOURCE_REGISTER } from "./opcode.js";
import { SCALAR } from "./register.js";
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
      if (!contains(before.num, now.num)) mask |= 1 << number;
    }
    // An outer frame goes on behind its call.
    if (mask !== 0) addTaint(v.facts, isTop ? slot : slot + 1, mask);
    was.stack.forEach((slotBefore, spi) => {
      if (!isScalarSpill(slotBefore)) return;
      const now = is.stack[spi] === undefined ? undefined : slotScalar(is.stack[spi]!);
      if (now === undefined || !contains(slotBefore.reg.num, now.num)) v.facts.stackTainted = true;
    });
  });
}

function addTaint(facts: FactCollector, slot: number, mask: number): void {
  facts.taints.set(slot, (facts.taints.get(slot) ?? 0) | mask);
}

/** The registers that may hold an uncompared number behind an instruction, given those before it. */
function transfer(v: Verification, slot: number, before: number): number {
  const { code } = v;
  const opcode = code.opcode[slot]!;
  const dst = 1 << code.dst[slot]!;
  const has = (number: number): boolean => ((before >>> number) & 1) === 1;
  switch (opcode & 7) {
    case CLASS_ALU:
    case CLASS_ALU64: {
      const fromRegister = (opcode & SOURCE_REGISTER) !== 0 && has(code.src[slot]!);
      const keepsOwn = (opcode & 0xf0) !== MOV && has(code.dst[slot]!);
      return fromRegister || keepsOwn ? before | dst : before & ~dst;
    }
    case CLASS_LD:
      return before & ~dst;
    case CLASS_LDX:
      return v.facts.stackTainted ? before | dst : before & ~dst;
    case CLASS_STX:
      if (has(code.src[slot]!)) v.facts.stackTainted = true;
      return v.facts.stackTainted ? before | 1 | (1 << code.src[slot]!) : before;
    default:
      return before;
  }
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
  for (const next of [nextSlot(v, slot), targetSlot(v, slot)]) if (next >= 0) reach(spread, next, after);
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
  for (;;) {
    const stackBefore = v.facts.stackTainted;
    // Calls and loads are looked at once even where nothing reaches them yet: their results may be tainted.
    for (let slot = 0; slot < v.code.length; slot++) if (v.slots.seen[slot] === 1) spread.work.push(slot);
    for (const [slot, mask] of v.facts.taints) reach(spread, slot, mask);
    while (spread.work.length > 0) step(spread, spread.work.pop()!);
    if (v.facts.stackTainted === stackBefore) return spread.masks;
  }
}
