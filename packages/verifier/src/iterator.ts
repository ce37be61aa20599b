import type { KfuncIterator } from "@bpfkit/abi";
import { widenTowards } from "./compare.js";
import { findLoopHead } from "./explored.js";
import { accessMemoryAt } from "./memory.js";
import { pushPath } from "./paths.js";
import { acquireReference, releaseReference } from "./references.js";
import {
  fixedOffset,
  isFixed,
  MAYBE_NULL,
  PTR_TO_MEM,
  PTR_TO_STACK,
  RDONLY,
  type Register,
  register,
  ZERO_SCALAR,
} from "./register.js";
import { ZERO } from "./scalar.js";
import { checkStackBounds } from "./stack-access.js";
import { markStackRead, markStackWrite } from "./stack-liveness.js";
import { BYTE_ITER, EMPTY_SLOT, type IteratorSlot, iteratorSlot, slotIndexOf } from "./stack-slot.js";
import { currentFrame, type State } from "./state.js";
import { frameOfPointer, reg, reject, say, scratchSlot, setReg, type Verification } from "./verification.js";

/*
 * Open-coded iterators: a structure on the stack that a constructor makes, a step moves, and a destructor frees. The step
 * gives null sooner or later and for ever, which the verifier takes as its word: so a loop that steps is walked until a
 * round begins as one before it did, and need not be shown to end in any other way.
 */

/** Where an iterator argument points to. */
interface Place {
  readonly frame: number;
  readonly spi: number;
}

/** The slot an argument points to, of any iterator of one slot; undefined where none can be, which is said. */
function placeOf(v: Verification, r: Register): Place | undefined {
  if (!isFixed(r)) {
    say(v, "iter has to be at a constant offset");
    return undefined;
  }
  const off = r.off + fixedOffset(r);
  if (off % 8 === 0 && off < 0) return { frame: r.aux, spi: slotIndexOf(off) };
  say(v, `cannot pass in iter at an offset=${off}`);
  return undefined;
}

const slotAt = (state: State, { frame, spi }: Place) => state.frames[frame]!.stack[spi];

/** The constructor: eight bytes of stack that are no iterator yet become one. */
function create(v: Verification, number: number, type: string): void {
  const r = reg(v, number);
  // The kernel rounds the offset 0 to the frame's first slot. Such an iterator would lie above the frame: it is refused for
  // that here, and at a step or destructor, where the kernel takes it for the one in that slot.
  if (isFixed(r) && r.off + fixedOffset(r) === 0) checkStackBounds(v, number, r.off, 8, "write");
  const place = placeOf(v, r);
  const before = place === undefined ? undefined : slotAt(v.state, place);
  const isTaken = before !== undefined && isIterator(before.bytes);
  if (place === undefined || isTaken) {
    reject(v, "EINVAL", `expected uninitialized iter_${type} as arg #${number - 1}`);
  }
  accessMemoryAt(v, { number, off: 0, size: 8, access: "write", value: -1, isSigned: false });
  const ref = acquireReference(v);
  frameOfPointer(v, r).stack[place.spi] = iteratorSlot({ type, ref, state: "active", depth: 0 });
  scratchSlot(v, place.spi);
  markStackWrite(v, place.frame, place.spi);
}

/** Whether any of a slot's bytes is an iterator's. */
function isIterator(bytes: number): boolean {
  for (let index = 0; index < 8; index++) if (((bytes >>> (index * 4)) & 15) === BYTE_ITER) return true;
  return false;
}

/** The iterator an argument points to. */
function take(v: Verification, number: number, type: string): Place & { iterator: IteratorSlot } {
  const r = reg(v, number);
  const place = placeOf(v, r);
  const slot = place === undefined ? undefined : slotAt(v.state, place);
  if (place === undefined || slot?.iterator?.type !== type) {
    reject(v, "EINVAL", `expected an initialized iter_${type} as arg #${number - 1}`);
  }
  markStackRead(v, place.frame, place.spi);
  return { ...place, iterator: slot.iterator };
}

function destroy(v: Verification, place: Place & { iterator: IteratorSlot }): void {
  releaseReference(v, place.iterator.ref);
  v.state.frames[place.frame]!.stack[place.spi] = EMPTY_SLOT;
  scratchSlot(v, place.spi);
  markStackWrite(v, place.frame, place.spi);
}

/** Checks a constructor's, step's or destructor's first argument and does to the iterator what the call does. */
export function processIterator(v: Verification, number: number, { type, role }: KfuncIterator): IteratorUse {
  if (reg(v, number).type !== PTR_TO_STACK) {
    reject(v, "EINVAL", `arg#${number - 1} expected pointer to an iterator on stack`);
  }
  if (role === "new") {
    create(v, number, type);
    return undefined;
  }
  const taken = take(v, number, type);
  if (role === "destroy") destroy(v, taken);
  return taken;
}

/** The iterator that a step or destructor was given. */
export type IteratorUse = (Place & { readonly iterator: IteratorSlot }) | undefined;

function setIterator(state: State, { frame, spi }: Place, iterator: IteratorSlot): void {
  state.frames[frame]!.stack[spi] = iteratorSlot(iterator);
}

/**
 * The step's outcome (Linux `process_iter_next_call`): this path goes on with null, and the iterator is drained; another
 * is set aside that got an element. What differs from the round before and nothing depended on is forgotten there.
 */
export function stepIterator(v: Verification, use: NonNullable<IteratorUse>): void {
  const { iterator } = use;
  const element = register(PTR_TO_MEM | RDONLY | MAYBE_NULL, ZERO, 0, ++v.nextId, iterator.ref, 4);
  setReg(v, 0, element);
  scratchSlot(v, use.spi);
  if (iterator.state === "active") {
    const head = v.state.parent === undefined ? undefined : findLoopHead(v, v.slot, v.state.parent);
    const inside = pushPath(v, v.slot + 1, v.slot, "ENOMEM");
    setIterator(inside, use, { ...iterator, depth: iterator.depth + 1 });
    if (head !== undefined) widenTowards(head, inside);
    const { regs } = currentFrame(inside);
    regs[0] = register(PTR_TO_MEM | RDONLY, ZERO, 0, element.id, iterator.ref, 4);
  }
  setIterator(v.state, use, { ...iterator, state: "drained" });
  setReg(v, 0, ZERO_SCALAR);
}
