import type { Row } from "@bpfkit/isa";
import { compute } from "./arithmetic.js";
import { type Code, calleeAt, rowAt } from "./code.js";
import type { Context, Flow } from "./flow.js";
import { forget, type State, spillKey } from "./state.js";
import { constant, constantOf, FRAME_BOTTOM, numbers, type StackPointer, type Value } from "./value.js";

/** The destination's value, and the source register's or the immediate's. */
export function operands(code: Code, state: State, slot: number): { readonly dst: Value; readonly src: Value } {
  const { table } = code;
  const byRegister = rowAt(code, slot).fields.includes("src");
  return {
    dst: state.registers[table.dst[slot]!],
    src: byRegister ? state.registers[table.src[slot]!] : constant(table.imm[slot]!),
  };
}

/** Does an instruction that neither jumps nor calls. */
export function step(flow: Flow, context: Context, state: State, slot: number): void {
  const row = rowAt(flow.code, slot);
  if (LOADS.has(row.operation)) load(flow, context, state, slot, row);
  else if (STORES.has(row.operation)) store(flow, context, state, slot, row);
  else if (row.operation === "loadPacket") state.registers.fill(undefined, 0, 6);
  else if (row.operation === "lddw") state.registers[flow.code.table.dst[slot]!] = wide(flow.code, slot, row);
  else if (row.form === "[dst+offset],src") atomic(flow, context, state, slot, row);
  else arithmetic(flow, state, slot, row);
}

const LOADS: ReadonlySet<Row["operation"]> = new Set(["load", "loadSigned", "loadAcquire"]);
const STORES: ReadonlySet<Row["operation"]> = new Set(["store", "storeRelease"]);

function arithmetic(flow: Flow, state: State, slot: number, row: Row): void {
  const { dst, src } = operands(flow.code, state, slot);
  state.registers[flow.code.table.dst[slot]!] = compute(row, dst, src);
}

function wide(code: Code, slot: number, row: Row): Value {
  const map = code.maps.get(slot);
  if (map !== undefined) return { kind: "map", maps: [map] };
  const place = code.mapValues.get(slot);
  if (place !== undefined) return { kind: "mapValue", map: place.map, offset: place.offset };
  if (row.name === "lddwCode") return { kind: "code", subprogram: calleeAt(code, slot).index };
  if (row.name !== "lddw") return undefined;
  return numbers64(code.table.imm[slot]!, code.table.imm[slot + 1]!);
}

function numbers64(low: number, high: number): Value {
  const value = high * 2 ** 32 + (low >>> 0);
  return numbers(value, value);
}

function load(flow: Flow, context: Context, state: State, slot: number, row: Row): void {
  const { table } = flow.code;
  const base = state.registers[table.src[slot]!];
  const offset = table.offset[slot]!;
  const size = row.width! / 8;
  let value: Value;
  if (base?.kind === "stack") {
    access(flow, context, slot, base, offset, size, `read from stack R${table.src[slot]}`);
    value = loadSpill(state, base, offset, size);
  } else if (base?.kind === "mapValue") value = loadFrozen(flow, base.map, base.offset + offset, size);
  state.registers[table.dst[slot]!] = row.operation === "loadSigned" ? undefined : value;
}

function loadSpill(state: State, { places }: StackPointer, offset: number, size: number): Value {
  const [place] = places;
  if (places.length !== 1 || place!.min !== place!.max) return undefined;
  const spill = state.spills.get(spillKey(place!.frame, place!.min + offset));
  return spill?.size === size ? spill.value : undefined;
}

/** A constant of a map neither programs nor user space can write, as the verifier reads it (`bpf_map_direct_read`). */
function loadFrozen(flow: Flow, map: string, offset: number, size: number): Value {
  const spec = flow.maps.get(map);
  if (spec?.frozen !== true || spec.contents === undefined || offset < 0 || offset + size > spec.contents.length) {
    return undefined;
  }
  const bytes = spec.contents.subarray(offset, offset + size);
  return constant(
    Number(
      BigInt.asIntN(
        64,
        bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n),
      ),
    ),
  );
}

function store(flow: Flow, context: Context, state: State, slot: number, row: Row): void {
  const { table } = flow.code;
  const base = state.registers[table.dst[slot]!];
  const offset = table.offset[slot]!;
  const size = row.width! / 8;
  const value = row.fields.includes("src") ? state.registers[table.src[slot]!] : constant(table.imm[slot]!);
  const [place] = base?.kind === "stack" ? base.places : [];
  if (base?.kind === "stack") {
    access(flow, context, slot, base, offset, size, `write to stack R${table.dst[slot]}`);
    const exact = base.places.length === 1 && place!.min === place!.max;
    noteWrite(flow, context, base, offset, size);
    for (const { frame, min, max } of base.places) forget(state, frame, min + offset, max - min + size, exact);
    const kept = exact && place!.frame === context.range.index ? spillable(value, size) : undefined;
    if (kept !== undefined) {
      state.spills.set(spillKey(place!.frame, place!.min + offset), { size, value: kept });
      return;
    }
  }
  if (value?.kind === "stack") loseTrack(flow, value);
}

/** What of a value can be read back from `size` bytes. Compilers spill words and double words; smaller ones are let go. */
function spillable(value: Value, size: number): Value {
  if (size < 4) return undefined;
  if (size === 8) return value;
  const fixed = constantOf(value);
  if (fixed !== undefined) return constant(Number(BigInt.asUintN(size * 8, BigInt(fixed))));
  return value?.kind === "number" && value.min >= 0 && value.max < 2 ** (size * 8) ? value : undefined;
}

function atomic(flow: Flow, context: Context, state: State, slot: number, row: Row): void {
  const { table } = flow.code;
  const base = state.registers[table.dst[slot]!];
  const size = row.width! / 8;
  if (base?.kind === "stack") {
    access(flow, context, slot, base, table.offset[slot]!, size, `read from stack R${table.dst[slot]}`);
    for (const { frame, min, max } of base.places) {
      forget(state, frame, min + table.offset[slot]!, max - min + size, false);
    }
  }
  if (row.operation === "cmpxchg") state.registers[0] = undefined;
  else if (/Fetch|xchg/.test(row.operation)) state.registers[table.src[slot]!] = undefined;
}

/** A slot in a context as one number; programs have at most a million slots. */
function accessKey({ id }: Context, slot: number): number {
  return id * 2 ** 21 + slot;
}

/** Pointers further off than this the kernel refuses as such (`BPF_MAX_VAR_OFF`). */
const MAX_OFFSET = 2 ** 29;

/** Grows frames by a load or store, and notes one that is certainly wrong. `how`: the kernel's words for it. */
function access(
  flow: Flow,
  context: Context,
  slot: number,
  pointer: StackPointer,
  offset: number,
  size: number,
  how: string,
): void {
  const [place] = pointer.places;
  const exact = pointer.places.length === 1 && place!.min === place!.max;
  if (exact && Math.abs(place!.min) < MAX_OFFSET && (place!.min + offset) % size !== 0) {
    const message = `misaligned stack access off 0+${place!.min}+${offset} size ${size}`;
    flow.badAccesses.set(accessKey(context, slot), { slot, message });
  } else useBytes(flow, context, slot, pointer, offset, size, how);
}

/** Grows frames by `size` bytes that something uses, and notes where they are certainly outside. */
export function useBytes(
  flow: Flow,
  context: Context,
  slot: number,
  { places }: StackPointer,
  offset: number,
  size: number,
  how: string,
): void {
  const [place] = places;
  flow.badAccesses.delete(accessKey(context, slot));
  if (places.length === 1 && place!.min === place!.max) {
    const at = place!.min + offset;
    if (at < FRAME_BOTTOM || at + size > 0) {
      if (Math.abs(place!.min) >= MAX_OFFSET) return;
      flow.badAccesses.set(accessKey(context, slot), { slot, message: `invalid ${how} off=${at} size=${size}` });
      return;
    }
  }
  for (const { frame, min, max } of places) {
    if (min !== max && min + offset <= FRAME_BOTTOM) flow.vague[frame] ??= slot;
    grow(flow, frame, min + offset);
  }
}

/** A frame reaches down to an offset. */
function grow(flow: Flow, frame: number, offset: number): void {
  flow.bytes[frame] = Math.max(flow.bytes[frame]!, Math.min(-offset, -FRAME_BOTTOM));
}

/** A pointer goes where it is not followed: what it points to counts as used. */
export function loseTrack(flow: Flow, { places }: StackPointer): void {
  for (const { frame, min } of places) grow(flow, frame, min);
}

/** Remembers for the callers that a subprogram wrote to their frames. */
export function noteWrite(flow: Flow, context: Context, pointer: StackPointer, offset: number, size: number): void {
  for (const { frame, min, max } of pointer.places) {
    if (frame === context.range.index) continue;
    const key = spillKey(frame, Math.max(min + offset, FRAME_BOTTOM));
    const bytes = Math.min(max - min + size, -FRAME_BOTTOM);
    writes(flow, context, new Map([[key, bytes]]));
  }
}

/** Adds to what a subprogram may have written; its callers are walked again if that is news. */
export function writes(flow: Flow, context: Context, added: ReadonlyMap<number, number>): void {
  const known = context.summary.writes;
  let news = false;
  for (const [key, size] of added) {
    if ((known.get(key) ?? 0) >= size) continue;
    known.set(key, size);
    news = true;
  }
  if (news) for (const block of context.waiting) flow.queue.add(block);
}
