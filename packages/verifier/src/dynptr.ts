import { acquireReference, invalidateRegister } from "./references.js";
import { CONST_PTR_TO_DYNPTR, fixedOffset, isFixed, PTR_TO_STACK, type Register } from "./register.js";
import { markStackRead, markStackWrite } from "./stack-liveness.js";
import {
  BYTE_DYNPTR,
  BYTE_INVALID,
  byteAt,
  type DynptrSlot,
  dynptrSlot,
  EMPTY_SLOT,
  plainSlot,
  slotIndexOf,
} from "./stack-slot.js";
import type { Frame } from "./state.js";
import { frameOfPointer, reg, reject, say, scratchSlot, type Verification } from "./verification.js";

/** Bytes of `struct bpf_dynptr`. */
export const DYNPTR_BYTES = 16;

/** The stack slot a dynptr argument points to; undefined, and said, where there can be none. */
function slotOfArgument(v: Verification, r: Register): number | undefined {
  if (!isFixed(r)) {
    say(v, "dynptr has to be at a constant offset");
    return undefined;
  }
  const off = r.off + fixedOffset(r);
  const spi = slotIndexOf(off);
  if (off % 8 === 0 && spi >= 1) return spi;
  say(v, `cannot pass in dynptr at an offset=${off}`);
  return undefined;
}

/** The stack slot a dynptr can be made at. */
export function placeForDynptr(v: Verification, r: Register): number {
  const spi = r.type === CONST_PTR_TO_DYNPTR ? undefined : slotOfArgument(v, r);
  if (spi === undefined) reject(v, "EINVAL", "Dynptr has to be an uninitialized dynptr");
  return spi;
}

/** The dynptr an argument points to; undefined where there is none. */
export function dynptrOf(v: Verification, number: number): DynptrSlot | undefined {
  const r = reg(v, number);
  if (r.type === CONST_PTR_TO_DYNPTR) return { kind: "local", first: true, id: r.id, ref: 0 };
  if (r.type !== PTR_TO_STACK) return undefined;
  const frame = frameOfPointer(v, r);
  const spi = slotOfArgument(v, r);
  if (spi === undefined) return undefined;
  const slot = frame.stack[spi];
  for (const index of [spi, spi - 1]) {
    markStackRead(v, frame.index, index);
    scratchSlot(v, index);
  }
  return slot?.dynptr?.first === true ? slot.dynptr : undefined;
}

/** Makes 16 bytes of stack a dynptr; one of a ring buffer is a reference that must be given back. */
export function createDynptr(v: Verification, number: number, kind: DynptrSlot["kind"]): void {
  const r = reg(v, number);
  const frame = frameOfPointer(v, r);
  const spi = placeForDynptr(v, r);
  destroyDynptr(v, frame, spi);
  destroyDynptr(v, frame, spi - 1);
  const id = ++v.nextId;
  const ref = kind === "ringbuf" ? acquireReference(v) : 0;
  frame.stack[spi] = dynptrSlot({ kind, first: true, id, ref });
  frame.stack[spi - 1] = dynptrSlot({ kind, first: false, id, ref });
  for (const index of [spi, spi - 1]) {
    scratchSlot(v, index);
    markStackWrite(v, frame.index, index);
  }
}

/** Frees the stack of a dynptr and all memory that was reached through it. */
export function removeDynptr(v: Verification, dynptr: DynptrSlot): void {
  for (const frame of v.state.frames) {
    frame.stack.forEach((slot, spi) => {
      const isSame = dynptr.ref === 0 ? slot.dynptr?.id === dynptr.id : slot.dynptr?.ref === dynptr.ref;
      if (slot.dynptr === undefined || !isSame) return;
      frame.stack[spi] = EMPTY_SLOT;
      scratchSlot(v, spi);
    });
  }
  invalidateRegister(v, (r) => r.dynptr !== 0 && r.dynptr === dynptr.id);
}

/** A plain store over a dynptr takes it apart, which must not lose a reference. */
export function destroyDynptr(v: Verification, frame: Frame, spi: number): void {
  const slot = frame.stack[spi];
  if (slot === undefined || byteAt(slot, 7) !== BYTE_DYNPTR || slot.dynptr === undefined) return;
  if (slot.dynptr.ref !== 0) {
    reject(v, "EINVAL", "cannot overwrite referenced dynptr");
  }
  const { id } = slot.dynptr;
  const first = slot.dynptr.first ? spi : spi + 1;
  for (const index of [first, first - 1]) frame.stack[index] = plainSlot(BYTE_INVALID);
  invalidateRegister(v, (r) => r.dynptr !== 0 && r.dynptr === id);
}
