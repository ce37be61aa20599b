import { FRAME_BOTTOM, join, same, type Value } from "./value.js";

/** A known value in a frame. */
interface Spill {
  /** Bytes. */
  readonly size: number;
  readonly value: Exclude<Value, undefined>;
}

/** What is known at a slot. */
export interface State {
  /** r0–r10. */
  readonly registers: Value[];
  /** By `spillKey`. */
  readonly spills: Map<number, Spill>;
}

const FRAME_SIZE = -FRAME_BOTTOM;

/** One number for a frame and an offset from its top. */
export function spillKey(frame: number, offset: number): number {
  return frame * FRAME_SIZE + FRAME_SIZE + offset;
}

export function frameOfKey(key: number): number {
  return Math.floor(key / FRAME_SIZE);
}

export function copyState(state: State): State {
  return { registers: [...state.registers], spills: new Map(state.spills) };
}

/** Forgets what lies in `size` bytes; a pointer to the stack stays if the bytes are only perhaps written. */
export function forget(state: State, frame: number, offset: number, size: number, certain: boolean): void {
  const start = Math.max(offset, FRAME_BOTTOM);
  const end = Math.min(offset + size, 0);
  for (let at = Math.max(start - 7, FRAME_BOTTOM); at < end; at++) {
    const key = spillKey(frame, at);
    const spill = state.spills.get(key);
    if (spill === undefined || at + spill.size <= start) continue;
    if (certain || spill.value.kind !== "stack") state.spills.delete(key);
  }
}

/** Widens `into` by `from`; whether that changed it. */
export function joinState(into: State, from: State, widen: boolean): boolean {
  let changed = false;
  for (let register = 0; register < 11; register++) {
    const before = into.registers[register];
    const after = join(before, from.registers[register], widen);
    if (same(before, after)) continue;
    into.registers[register] = after;
    changed = true;
  }
  return joinSpills(into, from, widen) || changed;
}

/** Numbers survive where both know them, pointers to the stack where either does. */
function joinSpills(into: State, from: State, widen: boolean): boolean {
  let changed = false;
  for (const [key, spill] of into.spills) {
    const other = from.spills.get(key);
    const value = join(spill.value, other?.size === spill.size ? other.value : undefined, widen);
    if (same(spill.value, value)) continue;
    if (value === undefined) into.spills.delete(key);
    else into.spills.set(key, { size: spill.size, value });
    changed = true;
  }
  for (const [key, spill] of from.spills) {
    if (into.spills.has(key) || spill.value.kind !== "stack") continue;
    into.spills.set(key, spill);
    changed = true;
  }
  return changed;
}
