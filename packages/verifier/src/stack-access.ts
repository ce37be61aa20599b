import { destroyDynptr } from "./dynptr.js";
import { tnumText } from "./format-state.js";
import { record, stackAccess } from "./history.js";
import { CLASS_ST, MODE_MEM } from "./opcode.js";
import { markPrecise } from "./precision.js";
import type { Access } from "./region-access.js";
import {
  fixedOffset,
  isFixed,
  isNull,
  NOT_INIT,
  PTR_TO_STACK,
  type Register,
  register,
  SCALAR,
  UNKNOWN_SCALAR,
  unlinked,
  withId,
  ZERO_SCALAR,
} from "./register.js";
import { isZero, largest, smallest, width } from "./scalar.js";
import { immediateScalar } from "./scalar-alu.js";
import { markStackRead, markStackWrite } from "./stack-liveness.js";
import {
  BYTE_DYNPTR,
  BYTE_INVALID,
  BYTE_MISC,
  BYTE_SPILL,
  BYTE_ZERO,
  byteAt,
  byteIndexOf,
  EMPTY_SLOT,
  isScalarSpill,
  isSpill,
  partialSpillSlot,
  plainSlot,
  scrubbed,
  slotIndexOf,
  spillSize,
  spillSlot,
  withByte,
} from "./stack-slot.js";
import type { Frame } from "./state.js";
import {
  frameOf,
  frameOfPointer,
  linkBeforeCopy,
  MAX_OFFSET,
  reg,
  reject,
  scratchSlot,
  setReg,
  type Verification,
} from "./verification.js";

/** Bytes of a frame. */
const FRAME = 512;

/** Makes sure a frame has slots down to an offset, and that its subprogram's stack depth says so. */
function growStack(v: Verification, frame: Frame, lowest: number): void {
  const slots = (-lowest + 7) >> 3;
  while (frame.stack.length < slots) frame.stack.push(EMPTY_SLOT);
  const subprogram = v.subprograms[frame.subprogram]!;
  subprogram.stackDepth = Math.max(subprogram.stackDepth, slots * 8);
}

/** Refuses an access through a stack pointer outside of its frame; the frame grows to hold what lies inside. */
export function checkStackBounds(v: Verification, number: number, off: number, size: number, access: Access): void {
  const r = reg(v, number);
  const direction = access === "read" ? "read from" : "write to";
  const isKnown = isFixed(r);
  if (!isKnown && (largest(r.num) >= MAX_OFFSET || smallest(r.num) <= -MAX_OFFSET)) {
    reject(v, "EACCES", `invalid unbounded variable-offset ${direction} stack R${number}`);
  }
  const lowest = smallest(r.num) + off;
  const highest = largest(r.num) + off + size;
  if (lowest >= -FRAME && lowest < 0 && highest <= 0 && size >= 0) {
    growStack(v, frameOfPointer(v, r), lowest);
    return;
  }
  const errno = lowest < -FRAME || lowest >= 0 ? "EACCES" : "EINVAL";
  if (isKnown) reject(v, errno, `invalid ${direction} stack R${number} off=${off | 0} size=${size}`);
  const where = `var_off=${tnumText(r.num)} off=${off} size=${size}`;
  reject(v, errno, `invalid variable-offset ${direction} stack R${number} ${where}`);
}

/** What a store puts on the stack: a register, or an immediate. */
function storedRegister(v: Verification, valueNumber: number): Register | undefined {
  if (valueNumber >= 0) return reg(v, valueNumber);
  const opcode = v.code.opcode[v.slot]!;
  if ((opcode & 7) !== CLASS_ST || (opcode & 0xe0) !== MODE_MEM) return undefined;
  return register(SCALAR, immediateScalar(v.code.imm[v.slot]!, false));
}

function isSpillable(r: Register): boolean {
  return r.type !== NOT_INIT && r.type !== SCALAR;
}

function storeSlot(v: Verification, frame: Frame, spi: number, value: Register, size: number): void {
  frame.stack[spi] = size === 8 ? spillSlot(value) : partialSpillSlot(frame.stack[spi]!, value, size);
  record(v.history, v.state, v.slot, v.previousSlot, stackAccess(frame.index, spi));
}

/** Stores plain bytes; zeros stay known to be zeros. */
function storeBytes(
  v: Verification,
  frame: Frame,
  off: number,
  size: number,
  value: Register | undefined,
  valueNumber: number,
): void {
  const spi = slotIndexOf(off);
  let byte = BYTE_MISC;
  if (value !== undefined && isNull(value)) {
    if (valueNumber >= 0) markPrecise(v, valueNumber);
    byte = BYTE_ZERO;
  }
  if (size === 8) {
    frame.stack[spi] = plainSlot(byte);
    return;
  }
  let slot = frame.stack[spi]!;
  for (let index = 0; index < size; index++) slot = withByte(slot, byteIndexOf(off + index), byte);
  frame.stack[spi] = slot;
}

function writeFixed(v: Verification, frame: Frame, off: number, size: number, valueNumber: number): void {
  const spi = slotIndexOf(off);
  destroyDynptr(v, frame, spi);
  scratchSlot(v, spi);
  if (size === 8 && off % 8 === 0) markStackWrite(v, frame.index, spi);
  const value = storedRegister(v, valueNumber);
  if (value?.type === SCALAR && off % 8 === 0) {
    // A number that loses bits is no longer the same as the register's.
    const fits = width(value.num) <= size * 8;
    const linked = fits && valueNumber >= 0 ? linkBeforeCopy(v, value) : value;
    if (linked !== value) setReg(v, valueNumber, linked);
    storeSlot(v, frame, spi, fits ? linked : withId(linked, 0), size);
    return;
  }
  if (value !== undefined && isSpillable(value)) {
    if (size !== 8) reject(v, "EACCES", "invalid size of register spill");
    // Pointers to stack never go up: when this frame is gone, the caller's slot would point into nothing.
    if (frame !== frameOf(v) && value.type === PTR_TO_STACK) {
      reject(v, "EINVAL", "cannot spill pointers to stack into stack frame of the caller");
    }
    storeSlot(v, frame, spi, value, size);
    return;
  }
  storeBytes(v, frame, off, size, value, valueNumber);
}

function writeVariable(
  v: Verification,
  frame: Frame,
  r: Register,
  off: number,
  size: number,
  valueNumber: number,
): void {
  const lowest = smallest(r.num) + off;
  const highest = largest(r.num) + off + size;
  const value = storedRegister(v, valueNumber);
  const isZeroStore = value !== undefined && isNull(value);
  let zeroUsed = false;
  for (let at = lowest; at < highest; at++) destroyDynptr(v, frame, slotIndexOf(at));
  for (let at = lowest; at < highest; at++) {
    const spi = slotIndexOf(at);
    const slot = frame.stack[spi]!;
    const byte = byteAt(slot, byteIndexOf(at));
    scratchSlot(v, spi);
    if (isZeroStore && byte === BYTE_SPILL && isScalarSpill(slot) && isZero(slot.reg.num)) {
      zeroUsed = true;
      continue;
    }
    const staysZero = isZeroStore && byte === BYTE_ZERO;
    zeroUsed ||= staysZero;
    frame.stack[spi] = withByte(slot, byteIndexOf(at), staysZero ? BYTE_ZERO : BYTE_MISC);
  }
  if (zeroUsed && valueNumber >= 0) markPrecise(v, valueNumber);
}

/** A store through a stack pointer. `valueNumber` is -1 where no register is stored. */
export function writeStack(v: Verification, number: number, off: number, size: number, valueNumber: number): void {
  const r = reg(v, number);
  const frame = frameOfPointer(v, r);
  if (isFixed(r)) writeFixed(v, frame, off + fixedOffset(r), size, valueNumber);
  else writeVariable(v, frame, r, off, size, valueNumber);
}

/** What bytes that were not spilled as one register read as. */
function readBytes(frame: Frame, lowest: number, highest: number): Register {
  for (let at = lowest; at < highest; at++) {
    if (byteAt(frame.stack[slotIndexOf(at)]!, byteIndexOf(at)) !== BYTE_ZERO) return UNKNOWN_SCALAR;
  }
  return ZERO_SCALAR;
}

/** Refuses bytes that cannot be read one by one: those of a dynptr or an iterator. */
function checkReadable(v: Verification, frame: Frame, off: number, size: number): void {
  const slot = frame.stack[slotIndexOf(off)]!;
  for (let index = 0; index < size; index++) {
    const byte = byteAt(slot, byteIndexOf(off + index));
    if (byte === BYTE_MISC || byte === BYTE_ZERO || byte === BYTE_INVALID || byte === BYTE_SPILL) continue;
    reject(v, "EACCES", `invalid read from stack off ${off}+${index} size ${size}`);
  }
}

/** Part of a spilled number: the number itself where it lies at the spill's lower end, else unknown bytes. */
function readPartial(v: Verification, frame: Frame, off: number, size: number): Register {
  const spi = slotIndexOf(off);
  const slot = frame.stack[spi]!;
  if (slot.reg.type !== SCALAR) reject(v, "EACCES", "invalid size of register fill");
  const spilled = spillSize(slot);
  if (size <= spilled && off % 8 === 0) {
    record(v.history, v.state, v.slot, v.previousSlot, stackAccess(frame.index, spi));
    return width(slot.reg.num) > size * 8 ? unlinked(slot.reg) : slot.reg;
  }
  checkReadable(v, frame, off, size);
  let spills = 0;
  let zeros = 0;
  for (let index = 0; index < size; index++) {
    const byte = byteAt(slot, byteIndexOf(off + index));
    if (byte === BYTE_SPILL) spills++;
    if (byte === BYTE_ZERO) zeros++;
  }
  if (spills === size && isZero(slot.reg.num)) {
    record(v.history, v.state, v.slot, v.previousSlot, stackAccess(frame.index, spi));
    return ZERO_SCALAR;
  }
  return zeros === size ? ZERO_SCALAR : UNKNOWN_SCALAR;
}

function readFixed(v: Verification, frame: Frame, off: number, size: number): Register {
  const spi = slotIndexOf(off);
  const slot = frame.stack[spi]!;
  scratchSlot(v, spi);
  markStackRead(v, frame.index, spi);
  if (!isSpill(slot)) {
    checkReadable(v, frame, off, size);
    return readBytes(frame, off, off + size);
  }
  if (size !== 8 || spillSize(slot) !== 8) return readPartial(v, frame, off, size);
  record(v.history, v.state, v.slot, v.previousSlot, stackAccess(frame.index, spi));
  return slot.reg;
}

/** A load through a stack pointer. Returns what it leaves; undefined where nothing takes it (`isLoaded` false). */
export function readStack(
  v: Verification,
  number: number,
  off: number,
  size: number,
  isLoaded: boolean,
): Register | undefined {
  const r = reg(v, number);
  const frame = frameOfPointer(v, r);
  if (isFixed(r)) return readFixed(v, frame, off + fixedOffset(r), size);
  if (!isLoaded) {
    const where = `var_off=${tnumText(r.num)} off=${off} size=${size}`;
    reject(v, "EACCES", `variable offset stack pointer cannot be passed into helper function; ${where}`);
  }
  checkStackRange(v, number, off, size, false, "read", undefined);
  return readBytes(frame, smallest(r.num) + off, largest(r.num) + off + size);
}

/** What a helper call learns of a memory argument that need not be initialised. */
export interface RawMemory {
  raw: boolean;
  regno: number;
  size: number;
}

function readRangeByte(v: Verification, frame: Frame, at: number, clobber: boolean): boolean {
  const spi = slotIndexOf(at);
  const slot = frame.stack[spi]!;
  const byte = byteAt(slot, byteIndexOf(at));
  markStackRead(v, frame.index, spi);
  if (byte === BYTE_MISC) return true;
  if (byte === BYTE_ZERO || byte === BYTE_INVALID) {
    if (clobber) frame.stack[spi] = withByte(slot, byteIndexOf(at), BYTE_MISC);
    return true;
  }
  if (!isSpill(slot)) return false;
  if (clobber) frame.stack[spi] = scrubbed(slot);
  return true;
}

/** Whether a helper may use a range of stack: it lies in the frame and holds no dynptr or iterator. */
export function checkStackRange(
  v: Verification,
  number: number,
  off: number,
  size: number,
  zeroSizeAllowed: boolean,
  access: Access,
  meta: RawMemory | undefined,
): void {
  if (size === 0 && !zeroSizeAllowed) reject(v, "EACCES", "invalid zero-sized read");
  checkStackBounds(v, number, off, size, access);
  const r = reg(v, number);
  const frame = frameOfPointer(v, r);
  const lowest = smallest(r.num) + off;
  const highest = largest(r.num) + off + size;
  if (meta?.raw === true && isFixed(r)) {
    for (let at = lowest; at < highest; at++) {
      const byte = byteAt(frame.stack[slotIndexOf(at)]!, byteIndexOf(at));
      if (byte === BYTE_DYNPTR) reject(v, "EACCES", `potential write to dynptr at off=${at} disallowed`);
    }
    meta.regno = number;
    meta.size = size;
    return;
  }
  for (let at = lowest; at < highest; at++) {
    if (readRangeByte(v, frame, at, access === "write")) continue;
    const where = isFixed(r) ? `off ${lowest}+${at - lowest}` : `var_off ${tnumText(r.num)}+${at - lowest}`;
    reject(v, "EACCES", `invalid read from stack R${number} ${where} size ${size}`);
  }
}
