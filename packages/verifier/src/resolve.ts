import { type MapSpec, SLOT_BYTES } from "@bpfkit/core";
import { ROWS } from "@bpfkit/isa";
import { isWideLoad } from "./code.js";
import { VerifierError } from "./error.js";
import { hasDirectValues, hasField, type MapField, type MapInfo, mapInfo } from "./map-info.js";
import {
  CALL_OPCODE,
  CLASS_LDX,
  LOAD_BTF_ID,
  LOAD_FUNCTION,
  LOAD_MAP,
  LOAD_MAP_VALUE,
  MODE_MEM,
  MODE_MEMSX,
} from "./opcode.js";
import { isSleepable, MAX_OFFSET, reject, type Verification } from "./verification.js";

const OPCODES: ReadonlySet<number> = new Set(ROWS.map(({ opcode }) => opcode));

/** A map a 64-bit load names. */
export interface NamedMap {
  readonly map: MapInfo;
  /** Bytes into the first value; undefined where the load is of the map itself. */
  readonly offset: number | undefined;
}

/** The maps a program may name, once for each name: two loads of one map give one map. */
export function mapTable(
  specs: ReadonlyMap<string, MapSpec>,
  fields: ReadonlyMap<string, readonly MapField[]>,
): ReadonlyMap<string, MapInfo> {
  return new Map([...specs].map(([name, spec]) => [name, mapInfo(spec, fields.get(name))]));
}

/** Finds the map each reference names. @throws {VerifierError} `UNKNOWN_MAP`, `UNSUPPORTED`. */
export function resolveReferences(
  program: Verification["program"],
  maps: ReadonlyMap<string, MapInfo>,
): ReadonlyMap<number, NamedMap> {
  const named = new Map<number, NamedMap>();
  for (const reference of program.references) {
    const place = { program: program.name, slot: reference.slot };
    // What calls of kernel functions do is known where the walk comes to them.
    if (reference.kind === "extern" && program.code[reference.slot * SLOT_BYTES] === CALL_OPCODE) continue;
    if (reference.kind === "extern") {
      const what = `extern ${reference.of} ${reference.symbol}: kernel functions and variables are not followed`;
      throw new VerifierError("UNSUPPORTED", what, place);
    }
    const map = maps.get(reference.map);
    if (map === undefined) {
      throw new VerifierError("UNKNOWN_MAP", `map ${reference.map} was not given; give its spec by this name`, place);
    }
    if (map.spec.type === "arena") {
      throw new VerifierError("UNSUPPORTED", `map ${reference.map} is an arena, and arenas are not followed`, place);
    }
    named.set(reference.slot, { map, offset: reference.kind === "mapValue" ? reference.offset : undefined });
  }
  return named;
}

const TRACING: ReadonlySet<string> = new Set([
  "kprobe",
  "tracepoint",
  "perf_event",
  "raw_tracepoint",
  "raw_tracepoint_writable",
]);

/** Types of maps that a program which may sleep can use (Linux `check_map_prog_compatibility`). */
const FOR_SLEEPABLE: ReadonlySet<string> = new Set([
  ...["hash", "lru_hash", "array", "percpu_hash", "percpu_array", "lru_percpu_hash", "array_of_maps", "hash_of_maps"],
  ...[
    "ringbuf",
    "user_ringbuf",
    "inode_storage",
    "sk_storage",
    "task_storage",
    "cgrp_storage",
    "queue",
    "stack",
    "arena",
  ],
]);

/** Refuses maps that programs of a type cannot handle, for their type or for what their values hold. */
function checkMapForProgram(v: Verification, map: MapInfo): void {
  const { type } = v.program;
  const isTracing = TRACING.has(type);
  if (isTracing && (hasField(map, "list_head") || hasField(map, "rb_root"))) {
    reject(v, "EINVAL", "tracing progs cannot use bpf_{list_head,rb_root} yet");
  }
  if (hasField(map, "spin_lock")) {
    if (type === "socket_filter") reject(v, "EINVAL", "socket filter progs cannot use bpf_spin_lock yet");
    if (isTracing) reject(v, "EINVAL", "tracing progs cannot use bpf_spin_lock yet");
  }
  if (isTracing && hasField(map, "timer")) reject(v, "EINVAL", "tracing progs cannot use bpf_timer yet");
  if (isTracing && hasField(map, "workqueue")) reject(v, "EINVAL", "tracing progs cannot use bpf_wq yet");
  if (map.spec.type === "struct_ops") reject(v, "EINVAL", "bpf_struct_ops map cannot be used in prog");
  if (isSleepable(v) && !FOR_SLEEPABLE.has(map.spec.type)) {
    reject(v, "EINVAL", "Sleepable programs can only use array, hash, ringbuf and local storage maps");
  }
}

/** An address in a map's value: of an array of one entry, and inside of it. */
function checkValueAddress(v: Verification, map: MapInfo, offset: number): void {
  if (offset >>> 0 >= MAX_OFFSET) {
    reject(v, "EINVAL", `direct value offset of ${offset >>> 0} is not allowed`);
  }
  if (!hasDirectValues(map)) reject(v, "EINVAL", "no direct value access support for this map type");
  const { valueSize, maxEntries } = map.spec;
  const where = `value_size=${valueSize} off=${offset}`;
  if (maxEntries !== 1) reject(v, "ENOTSUPP", `invalid access to map value pointer, ${where}`);
  if (offset >= valueSize) reject(v, "EINVAL", `invalid access to map value pointer, ${where}`);
}

function checkWideLoad(v: Verification, slot: number): void {
  const { code } = v;
  const next = slot + 1;
  const isWhole =
    next < code.length &&
    code.opcode[next] === 0 &&
    code.dst[next] === 0 &&
    code.src[next] === 0 &&
    code.off[next] === 0;
  if (!isWhole) reject(v, "EINVAL", "invalid bpf_ld_imm64 insn");
  const src = code.src[slot]!;
  if (src === 0 || src === LOAD_FUNCTION) return;
  if (src === LOAD_BTF_ID) {
    throw new VerifierError("UNSUPPORTED", "the address of a kernel variable is not followed", { slot });
  }
  const named = v.mapAt.get(slot);
  const isMap = src === LOAD_MAP || src === LOAD_MAP_VALUE;
  if (!isMap || named === undefined || (src === LOAD_MAP && code.imm[next] !== 0)) {
    reject(v, "EINVAL", "unrecognized bpf_ld_imm64 insn");
  }
  checkMapForProgram(v, named.map);
  if (named.offset !== undefined) checkValueAddress(v, named.map, named.offset);
}

/** Refuses opcodes that do not exist, loads with reserved fields, halves of 64-bit loads, and maps of the wrong kind. */
export function checkInstructions(v: Verification): void {
  const { code } = v;
  for (let slot = 0; slot < code.length; slot++) {
    const opcode = code.opcode[slot]!;
    const mode = opcode & 0xe0;
    if ((opcode & 7) === CLASS_LDX && ((mode !== MODE_MEM && mode !== MODE_MEMSX) || code.imm[slot] !== 0)) {
      reject(v, "EINVAL", "BPF_LDX uses reserved fields");
    }
    if (isWideLoad(code, slot)) checkWideLoad(v, slot++);
    else if (!OPCODES.has(opcode)) {
      reject(v, "EINVAL", `unknown opcode ${opcode.toString(16).padStart(2, "0")}`);
    }
  }
}
