import { helperById } from "@bpfkit/abi";
import { isJumpClass, isSubprogramCall, jumpTarget, slotsAt } from "./code.js";
import {
  ATOMIC_CMPXCHG,
  ATOMIC_FETCH,
  ATOMIC_LOAD_ACQUIRE,
  ATOMIC_STORE_RELEASE,
  CALL,
  CLASS_ALU,
  CLASS_ALU64,
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
import type { Verification } from "./verification.js";

const ALL = 0x7ff;
/** r0–r5, which a call destroys. */
const CALLER_SAVED = 0x3f;
/** r1–r5. */
const ARGUMENTS = 0x3e;

/** Registers an instruction reads and writes, a bit each: reads in the low half, writes in the high one. */
const effect = (use: number, def: number): number => use | (def << 16);

/** A load from the packet reads r6 and destroys r0–r5, but Linux takes it to read all and to destroy nothing. */
const PACKET_LOAD: number = effect(0x3ff, 0);

function loadEffect(opcode: number, dst: number, src: number): number {
  if ((opcode & 7) === CLASS_LDX) return effect(src, dst);
  const mode = opcode & 0xe0;
  return mode === MODE_ABS || mode === MODE_IND ? PACKET_LOAD : effect(0, dst);
}

function storeEffect(opcode: number, imm: number, dst: number, src: number): number {
  if ((opcode & 7) === CLASS_ST) return effect(dst, 0);
  if ((opcode & 0xe0) !== MODE_ATOMIC) return effect(dst | src, 0);
  if (imm === ATOMIC_CMPXCHG) return effect(dst | src | 1, 1);
  if (imm === ATOMIC_LOAD_ACQUIRE) return effect(src, dst);
  if (imm === ATOMIC_STORE_RELEASE) return effect(dst | src, 0);
  return effect(dst | src, (imm & ATOMIC_FETCH) !== 0 ? src : 0);
}

function aluEffect(opcode: number, dst: number, src: number): number {
  const operation = opcode & 0xf0;
  const fromRegister = (opcode & SOURCE_REGISTER) !== 0;
  if (operation === END || operation === NEG) return effect(dst, dst);
  if (operation === MOV) return effect(fromRegister ? src : 0, dst);
  return effect(dst | (fromRegister ? src : 0), dst);
}

function jumpEffect(v: Verification, slot: number, opcode: number, dst: number, src: number): number {
  switch (opcode & 0xf0) {
    case JA:
    case JCOND:
      return 0;
    case EXIT:
      return effect(1, 0);
    case CALL: {
      const kfunc = v.code.kfuncs.get(slot)?.facts;
      if (kfunc !== undefined) return effect(((1 << kfunc.args.length) - 1) << 1, CALLER_SAVED);
      const helper = v.code.src[slot] === 0 ? helperById(v.code.imm[slot]!, v.program.type) : undefined;
      const use = helper === undefined ? ARGUMENTS : ((1 << helper.args.length) - 1) << 1;
      return effect(isSubprogramCall(v.code, slot) ? ARGUMENTS : use, CALLER_SAVED);
    }
    default:
      return effect(dst | ((opcode & SOURCE_REGISTER) !== 0 ? src : 0), 0);
  }
}

function effectAt(v: Verification, slot: number): number {
  const { code } = v;
  const opcode = code.opcode[slot]!;
  const dst = 1 << code.dst[slot]!;
  const src = 1 << code.src[slot]!;
  switch (opcode & 7) {
    case CLASS_LD:
    case CLASS_LDX:
      return loadEffect(opcode, dst, src);
    case CLASS_ST:
    case CLASS_STX:
      return storeEffect(opcode, code.imm[slot]!, dst, src);
    case CLASS_ALU:
    case CLASS_ALU64:
      return aluEffect(opcode, dst, src);
    default:
      return jumpEffect(v, slot, opcode, dst, src);
  }
}

/** Where the walk may go on within the subprogram behind the instruction at a slot; -1: nowhere. */
export function nextSlot(v: Verification, slot: number): number {
  const opcode = v.code.opcode[slot]!;
  if (!isJumpClass(opcode)) return slot + slotsAt(v.code, slot);
  const operation = opcode & 0xf0;
  return operation === EXIT || operation === JA ? -1 : slot + 1;
}

/** Where a jump at a slot may go; -1: it is none. */
export function targetSlot(v: Verification, slot: number): number {
  const opcode = v.code.opcode[slot]!;
  const operation = opcode & 0xf0;
  if (!isJumpClass(opcode) || operation === EXIT || operation === CALL) return -1;
  return jumpTarget(v.code, slot);
}

/** Computes for each slot the registers that it or a slot after it may read: what two states must agree in. */
export function computeLiveRegisters(v: Verification, postorder: readonly number[]): void {
  const live = v.slots.liveRegisters;
  const count = postorder.length;
  const effects = new Int32Array(count);
  const next = new Int32Array(count);
  const target = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    effects[i] = effectAt(v, postorder[i]!);
    next[i] = nextSlot(v, postorder[i]!);
    target[i] = targetSlot(v, postorder[i]!);
  }
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = 0; i < count; i++) {
      const after = (next[i]! >= 0 ? live[next[i]!]! : 0) | (target[i]! >= 0 ? live[target[i]!]! : 0);
      const before = ((after & ~(effects[i]! >>> 16)) | (effects[i]! & 0xffff)) & ALL;
      if (before === live[postorder[i]!]) continue;
      live[postorder[i]!] = before;
      changed = true;
    }
  }
}
