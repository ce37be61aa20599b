import {
  ADD_CONST,
  baseType,
  NOT_INIT,
  PTR_TO_BUF,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_TP_BUFFER,
  type Register,
  SCALAR,
  UNKNOWN_SCALAR,
} from "./register.js";
import { contains, sameScalar } from "./scalar.js";
import {
  BYTE_DYNPTR,
  BYTE_INVALID,
  BYTE_MISC,
  BYTE_SPILL,
  byteAt,
  type IteratorSlot,
  isSpill,
  type StackSlot,
  slotScalar,
  withSpilled,
} from "./stack-slot.js";
import { type Frame, frameSlot, isPreciseSlot, type State } from "./state.js";
import type { Verification } from "./verification.js";

/**
 * How alike two states must be. `subsumes`: all the new state may do, the kept one did (numbers nothing depended on may
 * differ). `within`: the same with every number counting, for kept states whose loop is still being walked. `same`: equal,
 * which makes a loop endless.
 */
export type Likeness = "subsumes" | "within" | "same";

/** Ids of the kept state and what stands for them in the new one. */
export interface Ids {
  readonly kept: number[];
  readonly fresh: number[];
  /** Stands for "no id" of a scalar: unlike any other. */
  none: number;
}

/** None; one serves all comparisons of a verification, one after the other. */
export const newIds = (): Ids => ({ kept: [], fresh: [], none: 0 });

function sameId(kept: number, fresh: number, ids: Ids): boolean {
  if (kept === 0 || fresh === 0) return kept === fresh;
  for (let i = 0; i < ids.kept.length; i++) {
    if (ids.kept[i] === kept) return ids.fresh[i] === fresh;
    if (ids.fresh[i] === fresh) return false;
  }
  ids.kept.push(kept);
  ids.fresh.push(fresh);
  return true;
}

/** Scalars that were linked in the kept state must be linked in the new one; more links do no harm. */
function sameScalarId(kept: number, fresh: number, ids: Ids): boolean {
  if (kept === 0) return true;
  const id = fresh === 0 ? ++ids.none : fresh;
  if (!sameId(kept, id, ids)) return false;
  return (kept & ADD_CONST) === 0 || sameId(kept & ~ADD_CONST, id & ~ADD_CONST, ids);
}

/** Everything but ids and the number's bounds. */
function sameShape(kept: Register, fresh: Register): boolean {
  return (
    kept.type === fresh.type &&
    kept.off === fresh.off &&
    kept.aux === fresh.aux &&
    kept.map === fresh.map &&
    kept.struct === fresh.struct &&
    kept.dynptr === fresh.dynptr
  );
}

function exactlySame(kept: Register, fresh: Register, ids: Ids): boolean {
  return (
    sameShape(kept, fresh) &&
    sameScalar(kept.num, fresh.num) &&
    sameId(kept.id, fresh.id, ids) &&
    sameId(kept.ref, fresh.ref, ids)
  );
}

function scalarSafe(kept: Register, fresh: Register, isPrecise: boolean, ids: Ids, likeness: Likeness): boolean {
  if (!isPrecise && likeness === "subsumes") return true;
  const keptAdds = kept.id & ADD_CONST;
  if (kept.id !== 0 && keptAdds !== (fresh.id & ADD_CONST)) return false;
  if (keptAdds !== 0 && kept.off !== fresh.off) return false;
  return sameScalarId(kept.id, fresh.id, ids) && contains(kept.num, fresh.num);
}

function packetSafe(kept: Register, fresh: Register, ids: Ids): boolean {
  if (kept.aux < 0 || fresh.aux < 0) {
    if (kept.aux !== fresh.aux) return false;
  } else if (kept.aux > fresh.aux) return false;
  return kept.off === fresh.off && sameId(kept.id, fresh.id, ids) && contains(kept.num, fresh.num);
}

/** Whether a register of the new state may be anything the kept one's already was (Linux `regsafe`). */
function registerSafe(kept: Register, fresh: Register, isPrecise: boolean, ids: Ids, likeness: Likeness): boolean {
  if (likeness === "same") return exactlySame(kept, fresh, ids);
  if (kept.type === NOT_INIT && (likeness === "subsumes" || fresh.type === NOT_INIT)) return true;
  if (kept.type !== fresh.type) return false;
  switch (baseType(kept.type)) {
    case SCALAR:
      return scalarSafe(kept, fresh, isPrecise, ids, likeness);
    case PTR_TO_MAP_KEY:
    case PTR_TO_MAP_VALUE:
    case PTR_TO_MEM:
    case PTR_TO_BUF:
    case PTR_TO_TP_BUFFER:
      return (
        sameShape(kept, fresh) &&
        contains(kept.num, fresh.num) &&
        sameId(kept.id, fresh.id, ids) &&
        sameId(kept.ref, fresh.ref, ids)
      );
    case PTR_TO_PACKET_META:
    case PTR_TO_PACKET:
      return packetSafe(kept, fresh, ids);
    default:
      return exactlySame(kept, fresh, ids);
  }
}

function sameDynptr(kept: StackSlot, fresh: StackSlot, ids: Ids): boolean {
  return (
    kept.dynptr?.kind === fresh.dynptr?.kind &&
    kept.dynptr?.first === fresh.dynptr?.first &&
    sameId(kept.dynptr?.ref ?? 0, fresh.dynptr?.ref ?? 0, ids)
  );
}

/** How often it was stepped does not count. */
function sameIterator(kept: IteratorSlot, fresh: IteratorSlot | undefined, ids: Ids): boolean {
  return (
    fresh !== undefined && kept.type === fresh.type && kept.state === fresh.state && sameId(kept.ref, fresh.ref, ids)
  );
}

/** Whether the bytes of a new slot may be anything the kept one's were. */
function bytesSafe(kept: StackSlot, fresh: StackSlot): boolean {
  for (let index = 0; index < 8; index++) {
    const was = byteAt(kept, index);
    if (was === BYTE_INVALID || was === BYTE_MISC) continue;
    if (was !== byteAt(fresh, index)) return false;
  }
  return true;
}

function slotSafe(
  kept: StackSlot,
  fresh: StackSlot | undefined,
  isPrecise: boolean,
  ids: Ids,
  likeness: Likeness,
): boolean {
  if (kept === fresh && kept.reg.type === NOT_INIT && kept.dynptr === undefined && kept.iterator === undefined) {
    return true;
  }
  if (kept.iterator !== undefined) return sameIterator(kept.iterator, fresh?.iterator, ids);
  if (likeness !== "subsumes" && kept.bytes !== fresh?.bytes) return false;
  if (!needsAnything(kept)) return true;
  if (fresh === undefined) return false;
  const keptScalar = slotScalar(kept);
  const freshScalar = slotScalar(fresh);
  if (keptScalar !== undefined && freshScalar !== undefined) {
    return registerSafe(keptScalar, freshScalar, isPrecise, ids, likeness);
  }
  if (!bytesSafe(kept, fresh)) return false;
  const lowest = byteAt(kept, 7);
  if (lowest === BYTE_SPILL) return registerSafe(kept.reg, fresh.reg, isPrecise, ids, likeness);
  return lowest !== BYTE_DYNPTR || sameDynptr(kept, fresh, ids);
}

/** Whether a kept slot holds anything that a reader could have relied on. */
function needsAnything(kept: StackSlot): boolean {
  for (let index = 0; index < 8; index++) {
    const byte = byteAt(kept, index);
    if (byte !== BYTE_INVALID && byte !== BYTE_MISC) return true;
  }
  return false;
}

function frameSafe(v: Verification, kept: Frame, fresh: Frame, slot: number, ids: Ids, likeness: Likeness): boolean {
  if (kept.callbackDepth > fresh.callbackDepth) return false;
  const live = v.slots.liveRegisters[slot]! | (1 << 10);
  for (let number = 0; number < 11; number++) {
    if (((live >>> number) & 1) === 0) continue;
    const was = kept.regs[number]!;
    const is = fresh.regs[number]!;
    const isPrecise = ((kept.preciseRegs >>> number) & 1) === 1;
    if (!registerSafe(was, is, isPrecise, ids, likeness)) return false;
  }
  for (let spi = 0; spi < kept.stack.length; spi++) {
    if (!slotSafe(kept.stack[spi]!, fresh.stack[spi], isPreciseSlot(kept, spi), ids, likeness)) return false;
  }
  return true;
}

function sameReferences(kept: State, fresh: State, ids: Ids): boolean {
  if (kept.references.length !== fresh.references.length) return false;
  if (
    kept.references.length > 0 &&
    !kept.references.every(({ id }, index) => sameId(id, fresh.references[index]!.id, ids))
  )
    return false;
  if (kept.lock?.map !== fresh.lock?.map) return false;
  if (kept.inRcu !== fresh.inRcu || kept.preemptDisabled !== fresh.preemptDisabled) return false;
  return sameId(kept.lock?.id ?? 0, fresh.lock?.id ?? 0, ids);
}

/** Whether the calls that led to two states are the same. */
export function sameCalls(a: State, b: State): boolean {
  if (a.frames.length !== b.frames.length) return false;
  for (let index = a.frames.length - 1; index >= 0; index--) {
    if (a.frames[index]!.callsite !== b.frames[index]!.callsite) return false;
  }
  return true;
}

/** Whether the new state need not be walked, for a kept one that was is like it (Linux `states_equal`). */
export function isLike(v: Verification, kept: State, fresh: State, likeness: Likeness): boolean {
  if (!sameCalls(kept, fresh)) return false;
  const { ids } = v;
  if (ids.kept.length > 0) ids.kept.length = ids.fresh.length = 0;
  ids.none = v.nextId;
  if (!sameReferences(kept, fresh, ids)) return false;
  for (let index = 0; index < kept.frames.length; index++) {
    const slot = frameSlot(kept, index);
    if (!frameSafe(v, kept.frames[index]!, fresh.frames[index]!, slot, ids, likeness)) return false;
  }
  return true;
}

/** A cheap test before `isLike(…, "same")`: the registers of the innermost frames are equal, ids included. */
export function mayLoop(kept: State, fresh: State): boolean {
  const top = fresh.frames.length - 1;
  if (kept.frames.length - 1 !== top) return false;
  const was = kept.frames[top]!.regs;
  const is = fresh.frames[top]!.regs;
  for (let number = 0; number < 11; number++) {
    const a = was[number]!;
    const b = is[number]!;
    if (a === b) continue;
    if (!sameShape(a, b) || a.id !== b.id || a.ref !== b.ref || !sameScalar(a.num, b.num)) return false;
  }
  return true;
}

function widened(kept: Register, fresh: Register, isPrecise: boolean, ids: Ids): Register {
  if (kept.type !== SCALAR || fresh.type !== SCALAR || isPrecise) return fresh;
  return exactlySame(kept, fresh, ids) ? fresh : UNKNOWN_SCALAR;
}

/**
 * Forgets the numbers in which a state differs from the same place one round of a loop earlier, where nothing depended on
 * them, so that the next round finds itself walked already (Linux `widen_imprecise_scalars`).
 */
export function widenTowards(kept: State, fresh: State): void {
  const ids: Ids = { kept: [], fresh: [], none: 0 };
  for (let index = kept.frames.length - 1; index >= 0; index--) {
    const was = kept.frames[index]!;
    const is = fresh.frames[index]!;
    for (let number = 0; number < 10; number++) {
      const isPrecise = ((was.preciseRegs >>> number) & 1) === 1;
      is.regs[number] = widened(was.regs[number]!, is.regs[number]!, isPrecise, ids);
    }
    for (let spi = 0; spi < Math.min(was.stack.length, is.stack.length); spi++) {
      const slot = is.stack[spi]!;
      if (!isSpill(was.stack[spi]!) || !isSpill(slot)) continue;
      const changed = widened(was.stack[spi]!.reg, slot.reg, isPreciseSlot(was, spi), ids);
      if (changed !== slot.reg) is.stack[spi] = withSpilled(slot, changed);
    }
  }
}
