import { callTarget, isHelperCall, isSubprogramCall } from "./code.js";
import { SYNC_CALLBACK_HELPERS } from "./control-flow.js";
import { instructionText } from "./format.js";
import { frameText, SHOW_ALL } from "./format-state.js";
import { accessedFrame, accessedSlot, DST_IS_STACK, SRC_IS_STACK, STACK_ACCESS } from "./history.js";
import { write } from "./log.js";
import {
  ATOMIC_CMPXCHG,
  ATOMIC_FETCH,
  ATOMIC_LOAD_ACQUIRE,
  ATOMIC_STORE_RELEASE,
  CALL,
  CLASS_ALU,
  CLASS_ALU64,
  CLASS_JMP,
  CLASS_JMP32,
  CLASS_LD,
  CLASS_LDX,
  CLASS_ST,
  CLASS_STX,
  END,
  EXIT,
  JA,
  JCOND,
  MODE_ABS,
  MODE_ATOMIC,
  MODE_IND,
  MOV,
  NEG,
  SOURCE_REGISTER,
} from "./opcode.js";
import {
  addLinked,
  addReg,
  addSlot,
  beginSearch,
  earlierSlotIn,
  hasReg,
  hasSlot,
  isEmpty,
  noteBeginning,
  removeReg,
  removeSlot,
  type Search,
  wasSearched,
} from "./precision-search.js";
import { SCALAR } from "./register.js";
import { isScalarSpill } from "./stack-slot.js";
import type { Frame, State } from "./state.js";
import { subprogramOf, TAIL_CALL } from "./subprograms.js";
import type { Verification } from "./verification.js";

/*
 * Whose exact value mattered? Two states are alike if they differ only in numbers nothing depended on. When something does
 * depend on a number (a branch that was decided by it, an offset), the way the walk came is followed backwards to every
 * register and stack slot that number was computed from, and these are marked precise in the states kept on the way
 * (Linux `mark_chain_precision`).
 */

/** r1–r5. */
const ARGUMENTS = 0x3e;

/** Go on; or the way back cannot be followed, and everything counts as precise. */
type Step = "ok" | "give-up";

function throughAlu(s: Search, opcode: number, dst: number, src: number): Step {
  if (!hasReg(s, dst)) return "ok";
  const operation = opcode & 0xf0;
  if (operation === END || operation === NEG) return "ok";
  if (operation === MOV) removeReg(s, dst);
  if ((opcode & SOURCE_REGISTER) !== 0 && src !== 10) addReg(s, src);
  return "ok";
}

function throughLoad(s: Search, into: number, flags: number): Step {
  if (!hasReg(s, into)) return "ok";
  removeReg(s, into);
  if ((flags & STACK_ACCESS) !== 0) addSlot(s, accessedFrame(flags), accessedSlot(flags));
  return "ok";
}

function throughStore(s: Search, opcode: number, dst: number, src: number, flags: number): Step {
  // Something that was used as an address cannot be a number.
  if (hasReg(s, dst)) return "give-up";
  if ((flags & STACK_ACCESS) === 0) return "ok";
  const frame = accessedFrame(flags);
  const spi = accessedSlot(flags);
  if (!hasSlot(s, frame, spi)) return "ok";
  removeSlot(s, frame, spi);
  if ((opcode & 7) === CLASS_STX) addReg(s, src);
  return "ok";
}

/** Backwards over a call is into the end of what it called; over the first instruction of a subprogram, to its call. */
function leaveSubprogram(s: Search): Step {
  if (s.frame === 0) return "give-up";
  s.frame--;
  return "ok";
}

function enterSubprogram(s: Search): Step {
  if (s.frame >= 15) return "give-up";
  s.frame++;
  return "ok";
}

function throughSubprogramCall(v: Verification, s: Search, slot: number): Step {
  const callee = v.subprograms[subprogramOf(v, callTarget(v.code, slot))]!;
  if (callee.isGlobal) {
    if ((s.regs[s.frame]! & ARGUMENTS) !== 0) return "give-up";
    removeReg(s, 0);
    return "ok";
  }
  if ((s.regs[s.frame]! & ~ARGUMENTS) !== 0 || s.frame === 0) return "give-up";
  if ((s.low[s.frame]! | s.high[s.frame]!) !== 0) return "give-up";
  s.regs[s.frame - 1]! |= s.regs[s.frame]! & ARGUMENTS;
  s.regs[s.frame] = 0;
  return leaveSubprogram(s);
}

function throughHelperCall(v: Verification, s: Search, slot: number, following: number): Step {
  const id = v.code.imm[slot]!;
  if (isHelperCall(v.code, slot) && SYNC_CALLBACK_HELPERS.has(id) && slot !== following - 1) {
    // From the callback's first instruction back to the helper: its arguments are the helper's own making.
    if ((s.regs[s.frame]! & ~ARGUMENTS) !== 0) return "give-up";
    if ((s.low[s.frame]! | s.high[s.frame]!) !== 0) return "give-up";
    s.regs[s.frame] = 0;
    return leaveSubprogram(s);
  }
  removeReg(s, 0);
  if ((s.regs[s.frame]! & ARGUMENTS) !== 0) return "give-up";
  if (isHelperCall(v.code, slot) && id === TAIL_CALL && following - slot !== 1) return enterSubprogram(s);
  return "ok";
}

function throughExit(v: Verification, s: Search, following: number): Step {
  const fromCall = following > 0 && isSubprogramCall(v.code, following - 1);
  const wantsResult = fromCall && hasReg(s, 0);
  if (fromCall && (s.regs[s.frame]! & ARGUMENTS) !== 0) return "give-up";
  removeReg(s, 0);
  const step = enterSubprogram(s);
  if (wantsResult) addReg(s, 0);
  return step;
}

function throughJump(v: Verification, s: Search, slot: number, following: number, flags: number): Step {
  const opcode = v.code.opcode[slot]!;
  switch (opcode & 0xf0) {
    case CALL:
      return isSubprogramCall(v.code, slot)
        ? throughSubprogramCall(v, s, slot)
        : throughHelperCall(v, s, slot, following);
    case EXIT:
      return throughExit(v, s, following);
    case JA:
    case JCOND:
      return "ok";
  }
  if ((opcode & SOURCE_REGISTER) === 0) return "ok";
  const dst = v.code.dst[slot]!;
  const src = v.code.src[slot]!;
  if (!hasReg(s, dst) && !hasReg(s, src)) return "ok";
  if ((flags & SRC_IS_STACK) === 0) addReg(s, src);
  if ((flags & DST_IS_STACK) === 0) addReg(s, dst);
  return "ok";
}

function throughPacketLoad(s: Search, dst: number, slot: number, following: number): Step {
  if (hasReg(s, dst)) return "give-up";
  return following === slot + 1 ? "ok" : enterSubprogram(s);
}

/** The register an atomic instruction loads into; -1: none. */
function atomicTarget(imm: number, dst: number, src: number): number {
  if (imm === ATOMIC_CMPXCHG) return 0;
  if (imm === ATOMIC_LOAD_ACQUIRE) return dst;
  if (imm === ATOMIC_STORE_RELEASE) return -1;
  return (imm & ATOMIC_FETCH) !== 0 ? src : -1;
}

/** Undoes one instruction: what was looked for behind it, in terms of what was there before it. */
function through(v: Verification, s: Search, slot: number, following: number, flags: number): Step {
  const opcode = v.code.opcode[slot]!;
  const dst = v.code.dst[slot]!;
  const src = v.code.src[slot]!;
  switch (opcode & 7) {
    case CLASS_ALU:
    case CLASS_ALU64:
      return throughAlu(s, opcode, dst, src);
    case CLASS_LDX:
      return throughLoad(s, dst, flags);
    case CLASS_ST:
    case CLASS_STX: {
      const isAtomic = (opcode & 0xe7) === (MODE_ATOMIC | CLASS_STX);
      const into = isAtomic ? atomicTarget(v.code.imm[slot]!, dst, src) : -1;
      return into >= 0 ? throughLoad(s, into, flags) : throughStore(s, opcode, dst, src, flags);
    }
    case CLASS_JMP:
    case CLASS_JMP32:
      return throughJump(v, s, slot, following, flags);
    case CLASS_LD: {
      // The second slot of a 64-bit load.
      if (opcode === 0) return "ok";
      const mode = opcode & 0xe0;
      if (mode === MODE_IND || mode === MODE_ABS) return throughPacketLoad(s, dst, slot, following);
      removeReg(s, dst);
      return "ok";
    }
    default:
      return "ok";
  }
}

const registersText = (mask: number): string =>
  Array.from({ length: 11 }, (_, number) => number)
    .filter((number) => ((mask >>> number) & 1) === 1)
    .map((number) => `r${number}`)
    .join(",");

function slotsText(s: Search, frame: number): string {
  return Array.from({ length: 64 }, (_, spi) => spi)
    .filter((spi) => hasSlot(s, frame, spi))
    .map((spi) => `${-(spi + 1) * 8}`)
    .join(",");
}

function logStep(v: Verification, s: Search, slot: number): void {
  const what = `regs=${registersText(s.regs[s.frame]!)} stack=${slotsText(s, s.frame)}`;
  write(v.log, `mark_precise: frame${s.frame}: ${what} before ${slot}: ${instructionText(v.code, slot)}\n`);
}

/** Marks every number of every kept state on the way precise. */
export function markEverything(v: Verification, from: State): void {
  if (v.log.level >= 2) {
    write(v.log, `mark_precise: frame${from.frames.length - 1}: falling back to forcing all scalars precise\n`);
  }
  for (let state = from.parent; state !== undefined; state = state.parent) {
    for (const frame of state.frames) {
      frame.preciseRegs |= 0x3ff;
      frame.preciseLow = frame.preciseHigh = -1;
    }
  }
}

/** Marks in a kept frame what is looked for, and stops looking for what was marked before or is no number. */
function markFrame(s: Search, frame: Frame): void {
  const { index } = frame;
  for (let wanted = s.regs[index]!; wanted !== 0; wanted &= wanted - 1) {
    const number = 31 - Math.clz32(wanted & -wanted);
    const isMarked = ((frame.preciseRegs >>> number) & 1) === 1;
    if (frame.regs[number]!.type !== SCALAR || isMarked) s.regs[index]! &= ~(1 << number);
    else {
      frame.preciseRegs |= 1 << number;
      s.changed = true;
    }
  }
  if ((s.low[index]! | s.high[index]!) !== 0) markSlots(s, frame);
}

function markSlots(s: Search, frame: Frame): void {
  const { index } = frame;
  for (let spi = 0; spi < 64; spi++) {
    if (!hasSlot(s, index, spi)) continue;
    const slot = frame.stack[spi];
    const marked = spi < 32 ? frame.preciseLow : frame.preciseHigh;
    if (slot === undefined || !isScalarSpill(slot) || ((marked >>> (spi & 31)) & 1) === 1) removeSlot(s, index, spi);
    else {
      s.changed = true;
      if (spi < 32) frame.preciseLow |= 1 << spi;
      else frame.preciseHigh |= 1 << (spi - 32);
    }
  }
}

function markState(v: Verification, s: Search, state: State): void {
  for (let index = Math.min(s.frame, state.frames.length - 1); index >= 0; index--) {
    const frame = state.frames[index]!;
    if ((s.regs[index]! | s.low[index]! | s.high[index]!) !== 0) markFrame(s, frame);
    if (v.log.level < 2) continue;
    const what = `regs=${registersText(s.regs[index]!)} stack=${slotsText(s, index)}`;
    write(v.log, `mark_precise: frame${index}: parent state ${what}: ${frameText(state, frame, SHOW_ALL)}\n`);
  }
}

interface Position {
  last: number;
  first: number;
  following: number;
  skipFirst: boolean;
}

/** Entries of a state's history from which on a search's beginning is remembered. */
const LONG_HISTORY = 8;

/** Whether an instruction only sets a register that is not looked for: most do, so they are told apart first. */
function isUnrelated(v: Verification, s: Search, slot: number): boolean {
  const kind = v.code.opcode[slot]! & 7;
  return (kind === CLASS_ALU64 || kind === CLASS_ALU || kind === CLASS_LDX) && !hasReg(s, v.code.dst[slot]!);
}

/** Undoes the instructions from `position.last` back to where `state` began. `found`: nothing more to look for. */
function throughState(v: Verification, s: Search, state: State, position: Position): Step | "found" {
  const { slot: slots, previous, flags: allFlags, linked: allLinked } = state.ownHistory ?? v.history;
  const { historyStart } = state;
  const isLogged = v.log.level >= 2;
  // The log shows every step, so there all are made; and a short way costs less than to remember where it began.
  const isLong = state.historyEnd - historyStart >= LONG_HISTORY && !isLogged;
  const earlierSlot = isLong ? earlierSlotIn(s, state) : -1;
  let end = state.historyEnd;
  for (let slot = position.last, skips = position.skipFirst; ; skips = false) {
    const isRecorded = end > historyStart && slots[end - 1] === slot;
    if (!skips && (isRecorded || isLogged || !isUnrelated(v, s, slot))) {
      const flags = isRecorded ? allFlags[end - 1]! : 0;
      const linked = isRecorded ? allLinked[end - 1] : undefined;
      if (isLogged && v.code.opcode[slot] !== 0) logStep(v, s, slot);
      addLinked(s, linked);
      if (through(v, s, slot, position.following, flags) === "give-up") return "give-up";
      addLinked(s, linked);
      if (isEmpty(s)) return "found";
    }
    position.following = slot;
    const count = end - historyStart;
    if (slot === position.first && (count === 0 || (count === 1 && slots[historyStart] === slot))) return "ok";
    slot = isRecorded ? previous[--end]! : slot - 1;
    if (slot < 0) return "give-up";
    if (slot === earlierSlot && wasSearched(s, end)) return "found";
    if (skips && isLong) noteBeginning(s, state, slot, end);
  }
}

/** At the entry of a global function its arguments are what they are. */
function isAtGlobalEntry(s: Search, state: State): boolean {
  const [frame] = state.frames;
  if (state.frames.length !== 1 || frame === undefined || frame.subprogram === 0 || frame.callsite !== -1) return false;
  if ((s.low[0]! | s.high[0]!) !== 0 || (s.regs[0]! & ~ARGUMENTS) !== 0) return false;
  frame.preciseRegs |= s.regs[0]!;
  return true;
}

/** Follows the way back from the end of a state at a slot. */
function search(v: Verification, s: Search, from: State, slot: number): void {
  if (isEmpty(s)) return;
  let state: State | undefined = from;
  const position: Position = { last: slot, first: from.firstSlot, following: -1, skipFirst: true };
  while (state !== undefined) {
    if (v.log.level >= 2) {
      const { last, first, following } = position;
      write(v.log, `mark_precise: frame${s.frame}: last_idx ${last} first_idx ${first} subseq_idx ${following} \n`);
    }
    if (position.last < 0) {
      if (!isAtGlobalEntry(s, state)) markEverything(v, from);
      return;
    }
    const outcome = throughState(v, s, state, position);
    if (outcome === "found") return;
    if (outcome === "give-up") {
      markEverything(v, from);
      return;
    }
    state = state.parent;
    if (state === undefined) break;
    markState(v, s, state);
    if (isEmpty(s)) return;
    position.skipFirst = false;
    position.following = position.first;
    position.last = state.lastSlot;
    position.first = state.firstSlot;
  }
  if (!isEmpty(s)) markEverything(v, from);
}

/** A register's exact number decided something: all it was computed from is precise. */
export function markPrecise(v: Verification, number: number): void {
  const s = beginSearch(v, v.state);
  addReg(s, number);
  search(v, s, v.state, v.slot);
}

/** The exact number in a stack slot decided something. */
export function markSlotPrecise(v: Verification, frame: number, spi: number): void {
  const s = beginSearch(v, v.state);
  addSlot(s, frame, spi);
  search(v, s, v.state, v.slot);
}

/** A walk joined a kept state: what is precise there is precise on the way `from` came. True: something was not yet. */
export function propagatePrecision(v: Verification, kept: State, from: State, slot: number): boolean {
  const s = beginSearch(v, from);
  for (const frame of kept.frames) {
    s.regs[frame.index] = frame.preciseRegs;
    s.low[frame.index] = frame.preciseLow;
    s.high[frame.index] = frame.preciseHigh;
    keepNumbers(s, frame);
  }
  if (v.log.level >= 2) logPropagation(v, s);
  search(v, s, from, slot);
  return s.changed;
}

function logPropagation(v: Verification, s: Search): void {
  for (let frame = s.frame; frame >= 0; frame--) {
    const names = [registersText(s.regs[frame]!), slotsText(s, frame).replace(/-/g, "fp-")].filter(
      (text) => text !== "",
    );
    if (names.length > 0) write(v.log, `frame ${frame}: propagating ${names.join(",")}\n`);
  }
}

function keepNumbers(s: Search, frame: Frame): void {
  const { index } = frame;
  for (let number = 0; number < 11; number++) {
    if (frame.regs[number]!.type !== SCALAR) s.regs[index]! &= ~(1 << number);
  }
  if ((s.low[index]! | s.high[index]!) === 0) return;
  for (let spi = 0; spi < 64; spi++) {
    const slot = frame.stack[spi];
    if (hasSlot(s, index, spi) && (slot === undefined || !isScalarSpill(slot))) removeSlot(s, index, spi);
  }
}
