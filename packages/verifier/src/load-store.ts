import { checkRead, checkWrite } from "./alu.js";
import { clearCallerSaved, leaveFrame } from "./calls.js";
import { callTarget } from "./code.js";
import { accessMemoryAt, checkOnePointerKind, checkUnmoved, type MemoryAccess } from "./memory.js";
import {
  ADD,
  AND,
  ATOMIC_CMPXCHG,
  ATOMIC_FETCH,
  ATOMIC_LOAD_ACQUIRE,
  ATOMIC_STORE_RELEASE,
  ATOMIC_XCHG,
  accessSize,
  LOAD_FUNCTION,
  MODE_ABS,
  MODE_ATOMIC,
  MODE_IMM,
  MODE_IND,
  MODE_MEM,
  MODE_MEMSX,
  OR,
  SIZE_DW,
  XOR,
} from "./opcode.js";
import { pushPath } from "./paths.js";
import { checkNothingHeld } from "./references.js";
import {
  CONST_PTR_TO_MAP,
  isPacketPointer,
  isSocketPointer,
  PTR_TO_CTX,
  PTR_TO_FLOW_KEYS,
  PTR_TO_FUNC,
  PTR_TO_MAP_VALUE,
  pointer,
  register,
  scalarRegister,
  typeName,
  UNKNOWN_SCALAR,
  ZERO_SCALAR,
} from "./register.js";
import { known, ZERO } from "./scalar.js";
import { truncate } from "./scalar-alu.js";
import { subprogramOf } from "./subprograms.js";
import { frameOf, reg, reject, setReg, type Verification } from "./verification.js";

/** LDX: loads through a pointer. */
export function checkLoad(v: Verification, opcode: number): void {
  const dst = v.code.dst[v.slot]!;
  const src = v.code.src[v.slot]!;
  checkRead(v, src);
  checkWrite(v, dst);
  const { type } = reg(v, src);
  const isSigned = (opcode & 0xe0) === MODE_MEMSX;
  const off = v.code.off[v.slot]!;
  accessMemoryAt(v, { number: src, off, size: accessSize(opcode), access: "read", value: dst, isSigned });
  checkOnePointerKind(v, type, true);
  v.slot++;
}

/** STX: stores a register. */
function storeRegister(v: Verification, opcode: number): void {
  const dst = v.code.dst[v.slot]!;
  const src = v.code.src[v.slot]!;
  if ((opcode & 0xe0) !== MODE_MEM || v.code.imm[v.slot] !== 0) reject(v, "EINVAL", "BPF_STX uses reserved fields");
  checkRead(v, src);
  checkRead(v, dst);
  const { type } = reg(v, dst);
  const off = v.code.off[v.slot]!;
  accessMemoryAt(v, { number: dst, off, size: accessSize(opcode), access: "write", value: src, isSigned: false });
  checkOnePointerKind(v, type, false);
  v.slot++;
}

/** ST: stores an immediate. */
export function checkStoreImmediate(v: Verification, opcode: number): void {
  const dst = v.code.dst[v.slot]!;
  if ((opcode & 0xe0) !== MODE_MEM || v.code.src[v.slot] !== 0) reject(v, "EINVAL", "BPF_ST uses reserved fields");
  checkRead(v, dst);
  const { type } = reg(v, dst);
  const off = v.code.off[v.slot]!;
  accessMemoryAt(v, { number: dst, off, size: accessSize(opcode), access: "write", value: -1, isSigned: false });
  checkOnePointerKind(v, type, false);
  v.slot++;
}

const READ_MODIFY_WRITE: ReadonlySet<number> = new Set(
  [ADD, AND, OR, XOR].flatMap((operation) => [operation, operation | ATOMIC_FETCH]).concat(ATOMIC_XCHG, ATOMIC_CMPXCHG),
);

/** Atomics work on memory of the program's own kind, not on what the kernel rewrites or shares. */
function checkAtomicPointer(v: Verification, number: number, what: string): void {
  const { type } = reg(v, number);
  if (type === PTR_TO_CTX || isPacketPointer(type) || type === PTR_TO_FLOW_KEYS || isSocketPointer(type & 0xff)) {
    reject(v, "EACCES", `BPF_ATOMIC ${what} R${number} ${typeName(type)} is not allowed`);
  }
}

function readModifyWrite(v: Verification, opcode: number): void {
  const dst = v.code.dst[v.slot]!;
  const src = v.code.src[v.slot]!;
  const imm = v.code.imm[v.slot]!;
  const size = accessSize(opcode);
  if (size < 4) reject(v, "EINVAL", "invalid atomic operand size");
  checkRead(v, src);
  checkRead(v, dst);
  if (imm === ATOMIC_CMPXCHG) checkRead(v, 0);
  checkAtomicPointer(v, dst, "stores into");
  const into = imm === ATOMIC_CMPXCHG ? 0 : (imm & ATOMIC_FETCH) !== 0 ? src : -1;
  if (into >= 0) {
    checkWrite(v, into);
    // As Linux does it, before the address is used: where that is the same register, there is none left.
    setReg(v, into, UNKNOWN_SCALAR);
  }
  const access: MemoryAccess = {
    number: dst,
    off: v.code.off[v.slot]!,
    size,
    access: "read",
    value: -1,
    isSigned: false,
  };
  const { type } = reg(v, dst);
  accessMemoryAt(v, access, true);
  if (into >= 0) accessMemoryAt(v, { ...access, value: into }, true);
  checkOnePointerKind(v, type, false);
  accessMemoryAt(v, { ...access, access: "write" }, true);
}

function loadAcquire(v: Verification, opcode: number): void {
  const src = v.code.src[v.slot]!;
  checkRead(v, src);
  checkWrite(v, v.code.dst[v.slot]!);
  checkAtomicPointer(v, src, "loads from");
  const { type } = reg(v, src);
  const access = { number: src, off: v.code.off[v.slot]!, size: accessSize(opcode), value: v.code.dst[v.slot]! };
  accessMemoryAt(v, { ...access, access: "read", isSigned: false }, true);
  checkOnePointerKind(v, type, false);
}

function storeRelease(v: Verification, opcode: number): void {
  const dst = v.code.dst[v.slot]!;
  checkRead(v, v.code.src[v.slot]!);
  checkRead(v, dst);
  checkAtomicPointer(v, dst, "stores into");
  const { type } = reg(v, dst);
  const access = { number: dst, off: v.code.off[v.slot]!, size: accessSize(opcode), value: v.code.src[v.slot]! };
  accessMemoryAt(v, { ...access, access: "write", isSigned: false }, true);
  checkOnePointerKind(v, type, false);
}

/** STX: stores a register, or works on memory atomically. */
export function checkStore(v: Verification, opcode: number): void {
  if ((opcode & 0xe0) !== MODE_ATOMIC) {
    storeRegister(v, opcode);
    return;
  }
  const imm = v.code.imm[v.slot]!;
  if (READ_MODIFY_WRITE.has(imm)) readModifyWrite(v, opcode);
  else if (imm === ATOMIC_LOAD_ACQUIRE) loadAcquire(v, opcode);
  else if (imm === ATOMIC_STORE_RELEASE) storeRelease(v, opcode);
  else {
    const shown = (imm >>> 0).toString(16).padStart(2, "0");
    reject(v, "EINVAL", `BPF_ATOMIC uses invalid atomic opcode ${shown}`);
  }
  v.slot++;
}

/** Types whose programs may load from the packet the old way. */
const LEGACY_TYPES: ReadonlySet<string> = new Set(["socket_filter", "sched_cls", "sched_act"]);

function checkLegacyFields(v: Verification, mode: number, opcode: number): void {
  if (!LEGACY_TYPES.has(v.program.type)) {
    reject(v, "EINVAL", "BPF_LD_[ABS|IND] instructions not allowed for this program type");
  }
  if (v.state.frames.some((frame) => frame.callbackRange !== undefined && !frame.isAsync)) {
    reject(v, "EINVAL", "cannot use BPF_LD_[ABS|IND] within callback");
  }
  const { dst, src, off } = v.code;
  const { slot } = v;
  const isWide = (opcode & 0x18) === SIZE_DW;
  if (dst[slot] !== 0 || off[slot] !== 0 || isWide || (mode === MODE_ABS && src[slot] !== 0)) {
    reject(v, "EINVAL", "BPF_LD_[ABS|IND] uses reserved fields");
  }
}

/** A load from the packet of classic BPF: out of range it ends the program (in a subprogram: returns 0 from it). */
function legacyLoad(v: Verification, opcode: number): void {
  const mode = opcode & 0xe0;
  checkLegacyFields(v, mode, opcode);
  checkRead(v, 6);
  checkNothingHeld(v, "BPF_LD_[ABS|IND]", true);
  if (reg(v, 6).type !== PTR_TO_CTX) reject(v, "EINVAL", "at the time of BPF_LD_ABS|IND R6 != pointer to skb");
  if (mode === MODE_IND) checkRead(v, v.code.src[v.slot]!);
  checkUnmoved(v, reg(v, 6), 6);
  clearCallerSaved(v);
  const size = accessSize(opcode);
  setReg(v, 0, v.version >= 700 ? scalarRegister(truncate(UNKNOWN_SCALAR.num, size)) : UNKNOWN_SCALAR);
  if (frameOf(v).index === 0) {
    v.slot++;
    return;
  }
  pushPath(v, v.slot + 1, v.slot);
  setReg(v, 0, ZERO_SCALAR);
  leaveFrame(v);
}

function loadFunction(v: Verification, dst: number): void {
  const index = subprogramOf(v, callTarget(v.code, v.slot));
  if (!v.hasFunctionInfo) reject(v, "EINVAL", "missing btf func_info");
  if (v.subprograms[index]!.isGlobal) reject(v, "EINVAL", "callback function not static");
  if (index === 0) reject(v, "EINVAL", "callback function cannot be the main program");
  setReg(v, dst, pointer(PTR_TO_FUNC, 0, index));
}

/** A 64-bit load: a number, a map, an address in a map's value, a subprogram. */
function wideLoad(v: Verification, opcode: number): void {
  const { code, slot } = v;
  if ((opcode & 0x18) !== SIZE_DW) reject(v, "EINVAL", "invalid BPF_LD_IMM insn");
  if (code.off[slot] !== 0) reject(v, "EINVAL", "BPF_LD_IMM64 uses reserved fields");
  const dst = code.dst[slot]!;
  checkWrite(v, dst);
  const named = v.mapAt.get(slot);
  if (named !== undefined) {
    const isValue = named.offset !== undefined;
    const type = isValue ? PTR_TO_MAP_VALUE : CONST_PTR_TO_MAP;
    setReg(v, dst, register(type, ZERO, named.offset ?? 0, 0, 0, 0, named.map));
  } else if (code.src[slot] === LOAD_FUNCTION) loadFunction(v, dst);
  else {
    const high = BigInt(code.imm[slot + 1]!) << 32n;
    setReg(v, dst, scalarRegister(known(high | BigInt(code.imm[slot]! >>> 0))));
  }
  v.slot += 2;
}

/** Class LD: 64-bit loads and loads of classic BPF. */
export function checkLd(v: Verification, opcode: number): void {
  const mode = opcode & 0xe0;
  if (mode === MODE_ABS || mode === MODE_IND) legacyLoad(v, opcode);
  else if (mode === MODE_IMM) wideLoad(v, opcode);
  else reject(v, "EINVAL", "invalid BPF_LD mode");
}
