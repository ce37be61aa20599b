import { type Register, SCALAR, UNINITIALISED, UNKNOWN_SCALAR } from "./register.js";

// What one byte of stack holds.
export const BYTE_INVALID = 0;
export const BYTE_SPILL = 1;
export const BYTE_MISC = 2;
export const BYTE_ZERO = 3;
export const BYTE_DYNPTR = 4;
export const BYTE_ITER = 5;

/**
 * Eight bytes of stack. Never changes; states share it. `bytes` has four bits for each byte, by its distance from the
 * slot's upper end: bits 28–31 are the byte at the lowest address.
 */
export interface StackSlot {
  readonly bytes: number;
  /** What was spilled, where the lowest byte is `BYTE_SPILL`. */
  readonly reg: Register;
  /** Of a dynptr's two slots: its kind, and which slot this is. */
  readonly dynptr: DynptrSlot | undefined;
  /** Of an open-coded iterator's slot: what is known of it. */
  readonly iterator: IteratorSlot | undefined;
}

/** What the slot of an open-coded iterator says. */
export interface IteratorSlot {
  readonly type: string;
  readonly ref: number;
  /** `drained`: its step gave null, and will for ever. */
  readonly state: "active" | "drained";
  /** How many rounds of a loop it has been stepped on this path. */
  readonly depth: number;
}

/** What a slot of a dynptr says. */
export interface DynptrSlot {
  readonly kind: "local" | "ringbuf";
  /** The slot at the lower address, which the program's pointer points to. */
  readonly first: boolean;
  readonly id: number;
  readonly ref: number;
}

const repeat = (byte: number): number => byte * 0x1111_1111;

const slot = (bytes: number, reg: Register, dynptr?: DynptrSlot, iterator?: IteratorSlot): StackSlot => ({
  bytes: bytes | 0,
  reg,
  dynptr,
  iterator,
});

export const EMPTY_SLOT: StackSlot = slot(0, UNINITIALISED);
export const MISC_SLOT: StackSlot = slot(repeat(BYTE_MISC), UNINITIALISED);
export const ZERO_SLOT: StackSlot = slot(repeat(BYTE_ZERO), UNINITIALISED);

/** A slot of eight equal plain bytes. */
export function plainSlot(byte: number): StackSlot {
  return byte === BYTE_MISC ? MISC_SLOT : byte === BYTE_ZERO ? ZERO_SLOT : EMPTY_SLOT;
}

/** The byte at index 0 (highest address) to 7 (lowest). */
export const byteAt = (s: StackSlot, index: number): number => (s.bytes >>> (index * 4)) & 15;

/** A whole register spilled. */
export const spillSlot = (reg: Register): StackSlot => slot(repeat(BYTE_SPILL), reg);

/** A register of fewer than eight bytes spilled over what was there. */
export function partialSpillSlot(before: StackSlot, reg: Register, size: number): StackSlot {
  let bytes = 0;
  for (let index = 0; index < 8; index++) {
    const old = byteAt(before, index);
    const kept = old === BYTE_ZERO || old === BYTE_INVALID ? old : BYTE_MISC;
    bytes |= (index >= 8 - size ? BYTE_SPILL : kept) << (index * 4);
  }
  return slot(bytes, reg);
}

/** One half of a dynptr. */
export const dynptrSlot = (dynptr: DynptrSlot): StackSlot => slot(repeat(BYTE_DYNPTR), UNINITIALISED, dynptr);

/** An open-coded iterator. */
export const iteratorSlot = (iterator: IteratorSlot): StackSlot =>
  slot(repeat(BYTE_ITER), UNINITIALISED, undefined, iterator);

/** The slot with a plain byte stored; what was spilled there is only bytes now. */
export function withByte(s: StackSlot, index: number, byte: number): StackSlot {
  const bytes = scrubbed(s).bytes;
  return slot((bytes & ~(15 << (index * 4))) | (byte << (index * 4)), UNINITIALISED);
}

/** The slot with its spilled register (or dynptr) turned into bytes. */
export function scrubbed(s: StackSlot): StackSlot {
  const lowest = byteAt(s, 7);
  if (lowest !== BYTE_SPILL && lowest !== BYTE_DYNPTR && lowest !== BYTE_ITER) {
    return s.reg === UNINITIALISED ? s : slot(s.bytes, UNINITIALISED);
  }
  let bytes = 0;
  for (let index = 0; index < 8; index++) if (byteAt(s, index) !== BYTE_INVALID) bytes |= BYTE_MISC << (index * 4);
  return slot(bytes, UNINITIALISED);
}

/** The slot with another spilled register. */
export const withSpilled = (s: StackSlot, reg: Register): StackSlot => slot(s.bytes, reg, s.dynptr);

export const isSpill = (s: StackSlot): boolean => byteAt(s, 7) === BYTE_SPILL;
export const isScalarSpill = (s: StackSlot): boolean => byteAt(s, 7) === BYTE_SPILL && s.reg.type === SCALAR;

/** Bytes of the spilled register. */
export function spillSize(s: StackSlot): number {
  let size = 0;
  for (let index = 7; index >= 0 && byteAt(s, index) === BYTE_SPILL; index--) size++;
  return size;
}

/** The number eight bytes stand for where they are a whole scalar, or bytes of which nothing is known. */
export function slotScalar(s: StackSlot): Register | undefined {
  if (byteAt(s, 0) === BYTE_SPILL) return s.reg.type === SCALAR ? s.reg : undefined;
  for (let index = 0; index < 8; index++) {
    const byte = byteAt(s, index);
    if (byte !== BYTE_MISC && byte !== BYTE_INVALID) return undefined;
  }
  return UNKNOWN_SCALAR;
}

/** The slot that holds the byte at a (negative) offset from the frame pointer. */
export const slotIndexOf = (offset: number): number => (-offset - 1) >> 3;

/** The byte within its slot of a (negative) offset from the frame pointer. */
export const byteIndexOf = (offset: number): number => (-offset - 1) & 7;
