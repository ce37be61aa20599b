import type { GuestAddress, MapId } from "./brand.js";
import type { Region } from "./memory.js";
import type { Program } from "./program.js";

/** A map described, before it exists: what an object file or a test says of it. */
export interface MapSpec {
  readonly name: string;
  /** The kernel's map type in lower case without prefix: `array`, `hash`, `prog_array`, `percpu_array`, … */
  readonly type: string;
  /** Bytes. */
  readonly keySize: number;
  /** Bytes. */
  readonly valueSize: number;
  readonly maxEntries: number;
  /** `BPF_F_*` of map creation (uapi/linux/bpf.h). */
  readonly flags: number;
  /** `map_extra`, which few types take: a bloom filter's number of hash functions. */
  readonly extra?: bigint;
  /** How the object asks for the map to be pinned: 1 by its name (`LIBBPF_PIN_BY_NAME`), other loaders' numbers as they are. */
  readonly pinning?: number;
  /** What each inner map of an array or hash of maps looks like. */
  readonly inner?: MapSpec;
  /** Slots an object fills at load (`.values`): a program's or a map's name for each index. */
  readonly slots?: readonly { readonly index: number; readonly of: "program" | "map"; readonly name: string }[];
  /** The first value's bytes (global data). */
  readonly contents?: Uint8Array;
  /** Frozen after loading: neither programs nor user space may write it (`.rodata`). */
  readonly frozen?: boolean;
  /** The section a global data map stands for: `.bss`, `.data`, `.rodata.str1`, … */
  readonly section?: string;
  readonly btfKeyTypeId?: number;
  readonly btfValueTypeId?: number;
}

/**
 * Where a map's entries lie in guest memory, so that machine code can look up without a call.
 * Array: value `i` is at `data + i * stride` (on CPU `c`: `+ c * cpuStride`).
 * Hash: `hash(key) & (buckets - 1)` picks a 32-bit cell at `data`, the guest address of the first entry or 0; an entry is
 * the next entry's address, its hash, its key, and at `valueOffset` its value. In memory that threads share, a chain's end says
 * that there is no such key only if the 32 bits at `version` were even before and are the same after.
 */
export interface MapLayout {
  readonly kind: "array" | "hash";
  readonly header: GuestAddress;
  readonly data: GuestAddress;
  /** Bytes from one value (array) or entry (hash) to the next. */
  readonly stride: number;
  /** Bytes from a CPU's value of an entry to the next CPU's; 0 where all share one. */
  readonly cpuStride: number;
  /** Hash only: a power of two. */
  readonly buckets?: number;
  readonly keyOffset?: number;
  readonly valueOffset?: number;
  /** Hash only, and only in shared memory. */
  readonly version?: GuestAddress;
  /** Hash only: the name of the hash function, `mix32-words` (`hashKey` of `@bpfkit/maps` says how). */
  readonly hash?: string;
}

/** Bytes of the read-only header a map has in guest memory; its address is what a program's reference becomes. */
export const MAP_HEADER_BYTES = 96;

/**
 * Offsets of the header's 32-bit fields: where `struct bpf_map` of Linux 6.18 has those that programs may read through a
 * map pointer. The rest is zero.
 */
export const MAP_HEADER_FIELDS = { type: 64, keySize: 68, valueSize: 72, maxEntries: 76, flags: 88, id: 92 } as const;

/** The bytes of a map's header. `type` is the kernel's `BPF_MAP_TYPE_*`. */
export function encodeMapHeader(type: number, spec: MapSpec, id: MapId): Uint8Array {
  const { keySize, valueSize, maxEntries, flags } = spec;
  const bytes = new Uint8Array(MAP_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [field, value] of Object.entries({ type, keySize, valueSize, maxEntries, flags, id })) {
    view.setUint32(MAP_HEADER_FIELDS[field as keyof typeof MAP_HEADER_FIELDS], value, true);
  }
  return bytes;
}

/**
 * A map that exists. Maps in guest memory, maps of the running kernel and maps a user wrote all look like this.
 * Methods are what the `bpf(2)` commands do and throw an error whose `code` is the errno's name (`ENOENT`, `E2BIG`, …).
 */
export interface MapStorage {
  readonly spec: MapSpec;
  readonly id: MapId;
  /** The guest address of the header; programs see the map as this. */
  readonly header: GuestAddress;
  /** CPUs it has values for, where each has its own; absent where all share one. */
  readonly cpus?: number;
  /** A copy of the value, all CPUs' one after the other where it is per CPU (each rounded up to 8 bytes); undefined where there is none. */
  get(key: Uint8Array): Uint8Array | undefined;
  /** `flags`: 0 any, 1 only new, 2 only existing. */
  set(key: Uint8Array, value: Uint8Array, flags?: number): void;
  delete(key: Uint8Array): void;
  keys(): Iterable<Uint8Array>;
  /** What helpers do on a program's behalf; absent where programs cannot use the map from guest memory. */
  readonly guest?: GuestMapOperations;
  readonly layout?: MapLayout;
  /**
   * Lets other threads attach to it; its memory must be shared. Absent where it belongs to one thread. `programs`: those a
   * program array may hold from now on.
   * @throws a typed error where it cannot be shared.
   */
  share?(programs: readonly Program[]): SharedMap;
  /** Gives its guest memory back. */
  dispose?(): void;
}

/** A map for other threads: plain data that `postMessage` takes. */
export interface SharedMap {
  readonly spec: MapSpec;
  readonly id: MapId;
  readonly cpus?: number;
  /** What it reserved of guest memory, in order. */
  readonly regions: readonly Region[];
  /** Program arrays only. */
  readonly slots?: Int32Array;
}

/** Map operations on guest addresses. Keys and values were checked to be readable. */
export interface GuestMapOperations {
  /** The value's guest address on this CPU, or 0. For a map of maps, the inner map's header. */
  lookup(key: number, cpu: number): number;
  /** 0 or a negative errno. */
  update(key: number, value: number, flags: number, cpu: number): number;
  /** 0 or a negative errno. */
  delete(key: number): number;
  /**
   * Walks entries for `bpf_for_each_map_elem`: `visit` gets the guest addresses of key and value of the entry at `cursor`
   * and the next cursor, or -1 at the end. Cursors start at 0.
   */
  next(cursor: number, cpu: number, entry: MapCursorEntry): number;
}

/** Filled by `GuestMapOperations.next`. */
export interface MapCursorEntry {
  key: number;
  value: number;
}

/**
 * A tail-call map. Its slots are not guest memory: programs can only jump through them.
 * The owner rules are the kernel's (`__bpf_prog_map_compatible`).
 */
export interface ProgramArray extends MapStorage {
  /** The program in a slot; undefined where it is empty or out of range. */
  programAt(index: number): Program | undefined;
  /** The filled slots, by ascending index. */
  programs(): readonly (readonly [index: number, program: Program])[];
  /** @throws with the errno's name: `E2BIG` past the end, `EINVAL` for flags or an owner of another kind. */
  setProgram(index: number, program: Program, flags?: number): void;
  /** @throws `ENOENT` where it is empty, `E2BIG` past the end. */
  deleteProgram(index: number): void;
  /** Called when a program that names this array is loaded. @throws `EINVAL` unless its kind is the owner's. */
  bindOwner(program: Program): void;
  /** Where another thread made the array and changes it: read the slots from here, `onChange` is silent. */
  readonly sharedSlots?: SharedSlots;
  /** Tells of each slot that changes, at once; returns how to stop. */
  onChange(listener: (index: number, program: Program | undefined) => void): () => void;
}

/** Slots that one thread changes and others read, each by one atomic access. */
export interface SharedSlots {
  /** By index: 0 for an empty slot, else 1 + the program's place in `programs`. */
  readonly cells: Int32Array;
  readonly programs: readonly Program[];
}

/** Whether a map is a tail-call map. */
export function isProgramArray(map: MapStorage): map is ProgramArray {
  return map.spec.type === "prog_array";
}
