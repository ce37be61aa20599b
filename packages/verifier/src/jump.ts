import { checkRead, immediateAt } from "./alu.js";
import { widenTowards } from "./compare.js";
import { findLoopHead } from "./explored.js";
import { DST_IS_STACK, type LinkedRegister, record, SRC_IS_STACK } from "./history.js";
import { hasField } from "./map-info.js";
import { CLASS_JMP, CLASS_JMP32, JCOND, JEQ, JGE, JGT, JLE, JLT, JNE, SOURCE_REGISTER } from "./opcode.js";
import { pushPath } from "./paths.js";
import { markPrecise } from "./precision.js";
import { changeRegisters, dropReference, settleNull } from "./references.js";
import {
  ADD_CONST,
  ADD_CONST32,
  AT_PACKET_END,
  BEYOND_PACKET_END,
  baseType,
  CONST_PTR_TO_MAP,
  isFixed,
  isPacketPointer,
  MAYBE_NULL,
  mayBeNull,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_END,
  PTR_TO_PACKET_META,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_STACK,
  PTR_TO_TCP_SOCK,
  PTR_TO_XDP_SOCK,
  RCU,
  type Register,
  register,
  SCALAR,
  TRUSTED,
  unlinked,
  withNum,
  withType,
  ZERO_SCALAR,
} from "./register.js";
import { isZero, known, largest, largestUnsigned, sane, smallest } from "./scalar.js";
import { addWithoutSync } from "./scalar-alu.js";
import { flip, refine, refineSelf, reverse, scalarBranchTaken } from "./scalar-branch.js";
import { sync, zeroExtend32 } from "./scalar-sync.js";
import { isSpill, withSpilled } from "./stack-slot.js";
import { currentFrame, type State } from "./state.js";
import { noteLinked } from "./taint.js";
import { MAX_OFFSET, reg, reject, type Verification } from "./verification.js";

const isAnyPacketPointer = (type: number): boolean => isPacketPointer(type) || type === PTR_TO_PACKET_END;

const NEVER_NULL: ReadonlySet<number> = new Set([
  PTR_TO_SOCKET,
  PTR_TO_TCP_SOCK,
  PTR_TO_XDP_SOCK,
  PTR_TO_BUF,
  PTR_TO_MAP_VALUE,
  PTR_TO_MAP_KEY,
  PTR_TO_SOCK_COMMON,
  PTR_TO_MEM,
  CONST_PTR_TO_MAP,
]);

/** Whether a pointer is known not to be null. */
function isNotNull(r: Register): boolean {
  if (mayBeNull(r.type) || smallest(r.num) <= -MAX_OFFSET || largest(r.num) >= MAX_OFFSET) return false;
  const base = baseType(r.type);
  return NEVER_NULL.has(base) || (base === PTR_TO_BTF_ID && (r.ref !== 0 || (r.type & (TRUSTED | RCU)) !== 0));
}

/** Whether a comparison of a packet pointer with the packet's end was decided by an earlier one. */
function packetBranchTaken(left: Register, right: Register, operation: number): boolean | undefined {
  let pointer = left;
  let condition = operation;
  if (left.type === PTR_TO_PACKET_END) {
    pointer = right;
    condition = flip(operation);
  } else if (right.type !== PTR_TO_PACKET_END) return undefined;
  if (pointer.aux >= 0) return undefined;
  if (condition === JLE || condition === JGT) {
    return pointer.aux === BEYOND_PACKET_END ? condition === JGT : undefined;
  }
  return condition === JLT || condition === JGE ? condition === JGE : undefined;
}

function pointerBranchTaken(left: Register, right: Register, operation: number): boolean | undefined {
  const [pointer, constant] = right.type === SCALAR && isFixed(right) ? [left, right] : [right, left];
  if (constant.type !== SCALAR || !isZero(constant.num) || !isNotNull(pointer)) {
    return undefined;
  }
  return operation === JEQ ? false : operation === JNE ? true : undefined;
}

/** Whether a branch is always taken, never, or (undefined) either. */
function branchTaken(left: Register, right: Register, operation: number, is32: boolean): boolean | undefined {
  if (!is32 && isAnyPacketPointer(left.type) && isAnyPacketPointer(right.type)) {
    return packetBranchTaken(left, right, operation);
  }
  if (left.type !== SCALAR || right.type !== SCALAR) {
    return is32 ? undefined : pointerBranchTaken(left, right, operation);
  }
  return scalarBranchTaken(left.num, right.num, operation, is32);
}

/** Linked registers beyond these lose their link (the history has room for six). */
const MAX_LINKED = 6;

/** Lists the registers that will be read again and the slots that are one number with others. */
function collectLinked(v: Verification, id: number, linked: LinkedRegister[]): void {
  const { state } = v;
  const root = id & ~ADD_CONST;
  const isLinked = (r: Register): boolean => r.type === SCALAR && (r.id & ~ADD_CONST) === root;
  for (let index = state.frames.length - 1; index >= 0; index--) {
    const frame = state.frames[index]!;
    const live = v.slots.liveRegisters[state.frames[index + 1]?.callsite ?? v.slot]!;
    for (let number = 0; number < 10; number++) {
      const r = frame.regs[number]!;
      if (((live >>> number) & 1) === 0 || !isLinked(r)) continue;
      if (linked.length < MAX_LINKED) linked.push({ frame: index, isRegister: true, index: number });
      else frame.regs[number] = unlinked(r);
    }
    for (let spi = 0; spi < frame.stack.length; spi++) {
      const slot = frame.stack[spi]!;
      if (!isSpill(slot) || !isLinked(slot.reg)) continue;
      if (linked.length < MAX_LINKED) linked.push({ frame: index, isRegister: false, index: spi });
      else frame.stack[spi] = withSpilled(slot, unlinked(slot.reg));
    }
  }
}

/** What a linked register is once another one of its link is known better. */
function followLink(r: Register, learned: Register): Register {
  // A constant added in 32 bits says nothing of one added in 64.
  if (((r.id ^ learned.id) & ADD_CONST) === ADD_CONST) return r;
  const bothPlain = (r.id & ADD_CONST) === 0 && (learned.id & ADD_CONST) === 0;
  if (bothPlain || r.off === learned.off) return learned;
  const offOf = (x: Register): number => ((x.id & ADD_CONST) === 0 ? 0 : x.off);
  const shifted = addWithoutSync(learned.num, known(BigInt(offOf(r) - offOf(learned))));
  if (((r.id | learned.id) & ADD_CONST32) !== 0) zeroExtend32(shifted);
  return register(SCALAR, sync(shifted), r.off, r.id);
}

/** Lets all linked registers of a state learn what one of them was found to be. */
function spreadLinked(state: State, number: number, linked: readonly LinkedRegister[]): void {
  const learned = currentFrame(state).regs[number]!;
  if (learned.type !== SCALAR || learned.id === 0) return;
  const root = learned.id & ~ADD_CONST;
  for (const { frame, isRegister, index } of linked) {
    const { regs, stack } = state.frames[frame]!;
    const r = isRegister ? regs[index]! : stack[index]!.reg;
    if (r === learned || r.type !== SCALAR || (r.id & ~ADD_CONST) !== root) continue;
    const followed = followLink(r, learned);
    if (isRegister) regs[index] = followed;
    else stack[index] = withSpilled(stack[index]!, followed);
  }
}

/** One conditional jump being checked. */
interface Jump {
  readonly operation: number;
  readonly is32: boolean;
  readonly dst: number;
  /** -1: an immediate. */
  readonly src: number;
  readonly taken: State;
  readonly notTaken: State;
}

function refineScalars(jump: Jump, left: Register, right: Register): void {
  if (left.type !== SCALAR || right.type !== SCALAR) return;
  const sides = [
    [jump.taken, jump.operation],
    [jump.notTaken, reverse(jump.operation)],
  ] as const;
  for (const [state, operation] of sides) {
    const { regs } = currentFrame(state);
    if (jump.src === jump.dst) {
      regs[jump.dst] = withNum(left, sane(refineSelf(left.num, operation, jump.is32)));
      continue;
    }
    const [a, b] = refine(left.num, right.num, operation, jump.is32);
    regs[jump.dst] = withNum(left, sane(a));
    if (jump.src >= 0) regs[jump.src] = withNum(right, sane(b));
  }
}

/** A pointer that was found not to be null. */
function asNotNull(r: Register): Register {
  const { map } = r;
  if (baseType(r.type) !== PTR_TO_MAP_VALUE || map === undefined) {
    return withType(r, r.type & ~MAYBE_NULL, keepsId(r) ? r.id : 0, r.ref);
  }
  if (map.inner !== undefined) {
    const uid = hasField(map.inner, "timer") ? r.id : 0;
    return register(CONST_PTR_TO_MAP, r.num, r.off, 0, r.ref, uid, map.inner);
  }
  if (map.spec.type === "xskmap") return withType(r, PTR_TO_XDP_SOCK, 0, r.ref);
  if (map.spec.type === "sockmap" || map.spec.type === "sockhash") return withType(r, PTR_TO_SOCKET, 0, r.ref);
  return withType(r, PTR_TO_MAP_VALUE, keepsId(r) ? r.id : 0, r.ref);
}

/** A spin lock is told from another by the lookup its pointer came from. */
const keepsId = (r: Register): boolean => r.map !== undefined && hasField(r.map, "spin_lock");

function settleOnBranch(state: State, r: Register, isNull: boolean): void {
  if (!isNull) {
    settleNull(state, r.id, asNotNull);
    return;
  }
  if (r.ref !== 0 && r.ref === r.id) dropReference(state, r.ref);
  settleNull(state, r.id, () => ZERO_SCALAR);
}

/** Two pointers are equal: where one is not null, the other is not either. */
function settleEqualPointers(jump: Jump, left: Register, right: Register): void {
  const isStruct = (r: Register): boolean => baseType(r.type) === PTR_TO_BTF_ID;
  if (jump.is32 || jump.src < 0 || left.type === SCALAR || right.type === SCALAR) return;
  if (isStruct(left) || isStruct(right)) return;
  const equal = jump.operation === JEQ ? jump.taken : jump.operation === JNE ? jump.notTaken : undefined;
  if (equal === undefined) return;
  const { regs } = currentFrame(equal);
  if (isNotNull(left) && mayBeNull(right.type)) regs[jump.src] = asNotNull(right);
  if (isNotNull(right) && mayBeNull(left.type)) regs[jump.dst] = asNotNull(left);
}

const MAX_PACKET_OFFSET = 0xffff;

/** All pointers of one origin may now reach as far as one of them was shown to. */
function extendRange(state: State, pointer: Register, isOpen: boolean): void {
  if (pointer.off < 0 || (pointer.off === 0 && isOpen)) return;
  const farthest = largestUnsigned(pointer.num);
  if (farthest > MAX_PACKET_OFFSET || farthest + pointer.off > MAX_PACKET_OFFSET) return;
  const range = pointer.off + (isOpen ? 1 : 0);
  changeRegisters(state, (r) =>
    r.type === pointer.type && r.id === pointer.id && r.aux < range
      ? register(r.type, r.num, r.off, r.id, r.ref, range, r.map)
      : r,
  );
}

function markEnd(state: State, number: number, isOpen: boolean): void {
  const { regs } = currentFrame(state);
  const r = regs[number]!;
  if (r.type !== PTR_TO_PACKET) return;
  regs[number] = register(r.type, r.num, r.off, r.id, r.ref, isOpen ? BEYOND_PACKET_END : AT_PACKET_END, r.map);
}

const isPacketStart = (r: Register): boolean => r.type === PTR_TO_PACKET && r.id === 0 && r.off === 0 && isZero(r.num);

/** Whether `a` is compared with the end of what it points into. */
const isBounded = (a: Register, b: Register): boolean =>
  (a.type === PTR_TO_PACKET && b.type === PTR_TO_PACKET_END) || (a.type === PTR_TO_PACKET_META && isPacketStart(b));

/** A packet pointer compared with the packet's end tells how far it may reach, on one branch. */
function learnRange(jump: Jump, left: Register, right: Register): void {
  const { operation } = jump;
  if (jump.src < 0 || jump.is32 || ![JGT, JGE, JLT, JLE].includes(operation)) return;
  const pointerLeft = isBounded(left, right);
  if (!pointerLeft && !isBounded(right, left)) return;
  const pointer = pointerLeft ? left : right;
  const number = pointerLeft ? jump.dst : jump.src;
  const condition = pointerLeft ? operation : flip(operation);
  // `pointer > end` and `pointer >= end` show on the branch not taken that bytes are there, the others on the one taken.
  const isGreater = condition === JGT || condition === JGE;
  const [inside, outside] = isGreater ? [jump.notTaken, jump.taken] : [jump.taken, jump.notTaken];
  const isOpen = condition === JGE || condition === JLT;
  extendRange(inside, pointer, isOpen);
  markEnd(outside, number, !isOpen);
}

function checkFields(v: Verification, fromRegister: boolean): void {
  const { slot } = v;
  checkRead(v, v.code.dst[slot]!);
  if (fromRegister ? v.code.imm[slot] !== 0 : v.code.src[slot] !== 0) {
    reject(v, "EINVAL", "BPF_JMP/JMP32 uses reserved fields");
  }
  if (fromRegister) checkRead(v, v.code.src[slot]!);
}

/** `may_goto`: goes on, or leaves the loop. */
function mayGoto(v: Verification, opcode: number): void {
  const { code, slot } = v;
  const off = code.off[slot]!;
  const isValid = opcode === (CLASS_JMP | JCOND) && code.src[slot] === 0 && code.dst[slot] === 0;
  if (!isValid || code.imm[slot] !== 0 || off === 0) {
    reject(v, "EINVAL", `invalid may_goto off ${off} imm ${code.imm[slot]}`);
  }
  // The state was just kept here; the round before is further up.
  const head = v.state.parent && findLoopHead(v, slot, v.state.parent);
  const inside = pushPath(v, slot + 1, slot, "ENOMEM");
  inside.mayGotoDepth++;
  if (head !== undefined) widenTowards(head, inside);
  v.slot += off + 1;
}

function decided(v: Verification, taken: boolean, left: Register, right: Register, src: number): void {
  if (left.type === SCALAR) markPrecise(v, v.code.dst[v.slot]!);
  if (src >= 0 && right.type === SCALAR) markPrecise(v, src);
  v.slot += taken ? v.code.off[v.slot]! + 1 : 1;
}

function recordLinked(v: Verification, left: Register, right: Register, src: number): readonly LinkedRegister[] {
  const linked: LinkedRegister[] = [];
  if (src >= 0 && right.type === SCALAR && right.id !== 0) collectLinked(v, right.id, linked);
  if (left.type === SCALAR && left.id !== 0) collectLinked(v, left.id, linked);
  if (linked.length > 1) record(v.history, v.state, v.slot, v.previousSlot, 0, linked);
  if (linked.length > 0 && v.facts.isOn) noteLinked(v, linked);
  return linked;
}

function learn(v: Verification, jump: Jump, linked: readonly LinkedRegister[], left: Register, right: Register): void {
  refineScalars(jump, left, right);
  for (const number of [jump.src, jump.dst]) {
    if (number < 0) continue;
    spreadLinked(v.state, number, linked);
    spreadLinked(jump.taken, number, linked);
  }
  settleEqualPointers(jump, left, right);
  const isNullCheck = !jump.is32 && jump.src < 0 && v.code.imm[v.slot] === 0 && mayBeNull(left.type);
  if (isNullCheck && (jump.operation === JEQ || jump.operation === JNE)) {
    settleOnBranch(jump.notTaken, left, jump.operation === JNE);
    settleOnBranch(jump.taken, left, jump.operation === JEQ);
  } else learnRange(jump, left, right);
}

/** A conditional jump (Linux `check_cond_jmp_op`): both ways are walked, unless it is known which is taken. */
export function checkConditionalJump(v: Verification, opcode: number): void {
  const operation = opcode & 0xf0;
  if (operation === JCOND) {
    mayGoto(v, opcode);
    return;
  }
  const fromRegister = (opcode & SOURCE_REGISTER) !== 0;
  checkFields(v, fromRegister);
  const dst = v.code.dst[v.slot]!;
  const src = fromRegister ? v.code.src[v.slot]! : -1;
  const left = reg(v, dst);
  const right = fromRegister ? reg(v, src) : immediateAt(v, false);
  const onStack = (left.type === PTR_TO_STACK ? DST_IS_STACK : 0) | (right.type === PTR_TO_STACK ? SRC_IS_STACK : 0);
  if (onStack !== 0) record(v.history, v.state, v.slot, v.previousSlot, onStack);
  const is32 = (opcode & 7) === CLASS_JMP32;
  const taken = branchTaken(left, right, operation, is32);
  if (taken !== undefined) {
    decided(v, taken, left, right, src);
    return;
  }
  const linked = recordLinked(v, left, right, src);
  const other = pushPath(v, v.slot + v.code.off[v.slot]! + 1, v.slot);
  const jump: Jump = { operation, is32, dst, src, taken: other, notTaken: v.state };
  learn(v, jump, linked, reg(v, dst), fromRegister ? reg(v, src) : right);
  v.slot++;
}
