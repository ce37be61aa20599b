import type { MapLayout, MapSpec } from "@bpfkit/core";
import { form, type Label, type Memory, RAX } from "@bpfkit/x64";
import { field } from "./context.js";
import { type Current, type Emitter, machine } from "./emitter.js";
import { shadowTest } from "./memory.js";
import { FRAME, GUEST, SCRATCH, SCRATCH2 } from "./registers.js";

const MOV32 = form("mov r/m32, r32");
const LOAD32 = form("mov r32, r/m32");
const LOAD64 = form("mov r64, r/m64");
const MOVZX8 = form("movzx r32, r/m8");
const MOVZX16 = form("movzx r32, r/m16");
const XOR32 = form("xor r/m32, r32");
const XOR32_M = form("xor r32, r/m32");
const ADD_M64 = form("add r/m64, r64");
const ADD32 = form("add r/m32, r32");
const ADD32_IMM = form("add r/m32, imm32");
const AND32_IMM = form("and r/m32, imm32");
const OR32 = form("or r/m32, r32");
const CMP32_IMM = form("cmp r/m32, imm32");
const CMP32_R = form("cmp r/m32, r32");
const CMP32_M = form("cmp r32, r/m32");
const CMP64_M = form("cmp r64, r/m64");
const CMP16_R = form("cmp r/m16, r16");
const CMP8_R = form("cmp r/m8, r8");
const TEST32 = form("test r/m32, r32");
const IMUL32_IMM = form("imul r32, r/m32, imm32");
const SHL32 = form("shl r/m32, imm8");
const SHR32 = form("shr r/m32, imm8");

/** Writes a helper's work in machine code where it can here; false where the body must be called. */
export type Intrinsic = (e: Emitter, i: Current) => boolean;

/** Larger keys are hashed by the helper's body. */
const MAX_INLINE_KEY = 64;
const KEY = 2;
/** Displacements are signed, guest addresses are not. */
const MAX_DISPLACEMENT = 2 ** 31 - 64;

/** A cell of guest memory at a fixed address. */
function cell(address: number): Memory {
  return { base: GUEST, displacement: address };
}

/** A cell's address where it is there and in reach. */
function cellAddress(e: Emitter, name: "clock" | "random" | "cpu"): number | undefined {
  const address = e.context.cells?.[name];
  return address !== undefined && address < MAX_DISPLACEMENT ? address : undefined;
}

/** `bpf_ktime_get_ns`: the clock's cell, which goes on by its step. */
const ktime: Intrinsic = (e) => {
  const at = cellAddress(e, "clock");
  if (at === undefined) return false;
  e.emit(LOAD64, RAX, cell(at));
  e.emit(LOAD64, SCRATCH, cell(at + 8));
  e.emit(ADD_M64, cell(at), SCRATCH);
  return true;
};

/** `bpf_get_prandom_u32`: one step of xorshift (13, 17, 5). */
const prandom: Intrinsic = (e) => {
  const at = cellAddress(e, "random");
  if (at === undefined) return false;
  e.emit(LOAD32, RAX, cell(at));
  for (const [shift, by] of [
    [SHL32, 13],
    [SHR32, 17],
    [SHL32, 5],
  ] as const) {
    e.emit(MOV32, SCRATCH, RAX);
    e.emit(shift, SCRATCH, by);
    e.emit(XOR32, RAX, SCRATCH);
  }
  e.emit(MOV32, cell(at), RAX);
  return true;
};

/** Where the CPU's number is: in its cell, or in the run context of code that threads share. */
function cpuPlace(e: Emitter): Memory | undefined {
  const at = cellAddress(e, "cpu");
  if (at !== undefined) return cell(at);
  return e.context.sharedMemory && e.context.cells === undefined ? field("cpu") : undefined;
}

/** `bpf_get_smp_processor_id`. */
const processorId: Intrinsic = (e) => {
  const place = cpuPlace(e);
  if (place === undefined) return false;
  e.emit(LOAD32, RAX, place);
  return true;
};

/** `bpf_map_lookup_elem` on a map known at the call: what the map's own `lookup` does, over its layout. */
const mapLookup: Intrinsic = (e, i) => {
  const known = e.known[1];
  const map = typeof known === "object" && "map" in known ? e.context.maps.get(known.map) : undefined;
  const layout = map?.layout;
  if (map === undefined || layout === undefined || !canInline(e, layout, map.spec)) return false;
  const end = e.code.label();
  const key = readableKey(e, i, map.spec.keySize, end);
  if (layout.kind === "array") lookupArray(e, layout, map.spec, key);
  else lookupHash(e, i, layout, map.spec.keySize, key, end);
  addCpu(e, layout);
  e.code.bind(end);
  return true;
};

function canInline(e: Emitter, layout: MapLayout, { keySize }: MapSpec): boolean {
  if (layout.cpuStride !== 0 && cpuPlace(e) === undefined) return false;
  if ((layout.version ?? 0) >= MAX_DISPLACEMENT) return false;
  if (layout.kind === "hash" && (layout.hash !== "mix32-words" || keySize > MAX_INLINE_KEY)) return false;
  if (!e.checked || keySize === 4 || keySize === 8) return true;
  const known = e.known[KEY];
  return typeof known === "object" && "frame" in known;
}

/** A key in guest memory: the operand for what lies `offset` bytes in it. */
type Key = (offset: number) => Memory;

/**
 * Makes sure of the key, and says where it is. Mostly it is in the frame, which is always readable. Where it may not be
 * readable, the helper's body looks, and words the fault.
 */
function readableKey(e: Emitter, { slot, imm }: Current, size: number, end: Label): Key {
  const known = e.known[KEY];
  if (typeof known === "object" && "frame" in known && known.frame >= -512 && known.frame + size <= 0) {
    return (offset) => ({ base: GUEST, index: FRAME, displacement: known.frame + offset });
  }
  if (e.checked) {
    const site = e.site({ kind: "helper", slot, helper: imm, start: e.fn.start });
    const body = e.outOfLine(() => {
      e.callStub("ask", site);
      e.leaveUnlessZero();
      e.jump(end);
    });
    shadowTest(e, "read", KEY, 0, size, body);
  } else if (e.context.safety === "confined") e.emit(MOV32, machine(KEY), machine(KEY));
  return (offset) => ({ base: GUEST, index: machine(KEY), displacement: offset });
}

/** Addresses are below 2^32, so 32-bit arithmetic is right and clears the upper half. */
function lookupArray(e: Emitter, { data, stride }: MapLayout, { maxEntries }: MapSpec, key: Key): void {
  const back = e.code.label();
  const none = e.outOfLine(() => {
    e.emit(XOR32, RAX, RAX);
    e.jump(back);
  });
  e.emit(LOAD32, RAX, key(0));
  e.emit(CMP32_IMM, RAX, maxEntries);
  e.jump(none, "ae");
  scale(e, RAX, stride);
  e.emit(ADD32_IMM, RAX, data);
  e.code.bind(back);
}

function scale(e: Emitter, register: number, stride: number): void {
  const power = 31 - Math.clz32(stride);
  if (stride === 2 ** power) e.emit(SHL32, register, power);
  else e.emit(IMUL32_IMM, register, register, stride);
}

/** The value of the CPU the program runs on. Of a hash map's missing entry there is none to add to: it has left already. */
function addCpu(e: Emitter, { cpuStride }: MapLayout): void {
  if (cpuStride === 0) return;
  const none = e.code.label();
  e.emit(TEST32, RAX, RAX);
  e.jump(none, "e");
  e.emit(LOAD32, SCRATCH, cpuPlace(e)!);
  e.emit(IMUL32_IMM, SCRATCH, SCRATCH, cpuStride);
  e.emit(ADD32, RAX, SCRATCH);
  e.code.bind(none);
}

/** Hash into eax, then along the bucket's chain. */
function lookupHash(e: Emitter, i: Current, layout: MapLayout, keySize: number, key: Key, end: Label): void {
  const entry = (displacement: number): Memory => ({ base: GUEST, index: RAX, displacement });
  const next = e.code.label();
  const missed = layout.version === undefined ? end : missedWhileShared(e, i, layout.version, end);
  hashKey(e, keySize, key);
  e.emit(MOV32, SCRATCH2, RAX);
  e.emit(AND32_IMM, RAX, layout.buckets! - 1);
  e.emit(SHL32, RAX, 2);
  e.emit(ADD32_IMM, RAX, layout.data);
  e.code.bind(next);
  // A bucket's cell and an entry's first word both hold the next entry's address.
  e.emit(LOAD32, RAX, entry(0));
  e.emit(TEST32, RAX, RAX);
  e.jump(missed, "e");
  e.emit(CMP32_R, entry(4), SCRATCH2);
  e.jump(next, "ne");
  for (let at = 0; at < keySize; ) {
    const size = [8, 4, 2, 1].find((part) => part <= keySize - at)!;
    loadPart(e, size, key(at));
    comparePart(e, size, entry(layout.keyOffset! + at));
    e.jump(next, "ne");
    at += size;
  }
  e.emit(ADD32_IMM, RAX, layout.valueOffset!);
}

/**
 * Notes the map's version; gives where the end of a chain goes. If other threads took entries out meanwhile, the chain may have
 * led past the key: then the helper's body looks.
 */
function missedWhileShared(e: Emitter, { slot, imm }: Current, version: number, end: Label): Label {
  e.emit(LOAD32, SCRATCH, cell(version));
  e.emit(MOV32, field("operand"), SCRATCH);
  return e.outOfLine(() => {
    const changed = e.code.label();
    e.emit(LOAD32, SCRATCH, cell(version));
    e.emit(CMP32_M, SCRATCH, field("operand"));
    e.jump(changed, "ne");
    e.emit(AND32_IMM, SCRATCH, 1);
    e.jump(end, "e");
    e.code.bind(changed);
    e.callStub("ask", e.site({ kind: "helper", slot, helper: imm, start: e.fn.start }));
    e.leaveUnlessZero();
    e.jump(end);
  });
}

function loadPart(e: Emitter, size: number, memory: Memory): void {
  e.emit(size === 8 ? LOAD64 : size === 4 ? LOAD32 : size === 2 ? MOVZX16 : MOVZX8, SCRATCH, memory);
}

function comparePart(e: Emitter, size: number, memory: Memory): void {
  if (size >= 4) e.emit(size === 8 ? CMP64_M : CMP32_M, SCRATCH, memory);
  else e.emit(size === 2 ? CMP16_R : CMP8_R, memory, SCRATCH);
}

/** `hashKey` of `@bpfkit/maps`, word by word. */
function hashKey(e: Emitter, size: number, key: Key): void {
  e.emit(XOR32, RAX, RAX);
  for (let at = 0; at < size; at += 4) {
    if (size - at >= 4) e.emit(XOR32_M, RAX, key(at));
    else {
      lastWord(e, key, at, size - at);
      e.emit(XOR32, RAX, SCRATCH);
    }
    mix(e, 0x85ebca6b, 15);
  }
  mix(e, 0xc2b2ae35, 16);
}

function mix(e: Emitter, multiplier: number, shift: number): void {
  e.emit(IMUL32_IMM, RAX, RAX, multiplier);
  e.emit(MOV32, SCRATCH, RAX);
  e.emit(SHR32, SCRATCH, shift);
  e.emit(XOR32, RAX, SCRATCH);
}

/** One to three bytes as a word. */
function lastWord(e: Emitter, key: Key, at: number, size: number): void {
  e.emit(size === 1 ? MOVZX8 : MOVZX16, SCRATCH, key(at));
  if (size !== 3) return;
  e.emit(MOVZX8, SCRATCH2, key(at + 2));
  e.emit(SHL32, SCRATCH2, 16);
  e.emit(OR32, SCRATCH, SCRATCH2);
}

/** Helpers that machine code does itself, by the name of their body. */
export const INTRINSICS: { readonly [name: string]: Intrinsic } = {
  map_lookup_elem: mapLookup,
  ktime_get_ns: ktime,
  ktime_get_boot_ns: ktime,
  get_prandom_u32: prandom,
  get_smp_processor_id: processorId,
};
