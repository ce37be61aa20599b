import type { GuestMemory, MapSpec, MapStorage, SharedMap } from "@bpfkit/core";
import { ArrayStore } from "./array-store.js";
import { MapError } from "./error.js";
import { HashStore } from "./hash-store.js";
import { LocalMap, type LocalMapKind } from "./local-map.js";
import { LocalMapOfMaps } from "./map-of-maps.js";
import {
  BPF_F_INNER_MAP,
  BPF_F_MMAPABLE,
  BPF_F_NO_COMMON_LRU,
  BPF_F_NO_PREALLOC,
  BPF_F_NUMA_NODE,
  BPF_F_RDONLY,
  BPF_F_RDONLY_PROG,
  BPF_F_WRONLY,
  BPF_F_WRONLY_PROG,
  BPF_F_ZERO_SEED,
  checkSpec,
  type MapOptions,
  type SpecRules,
} from "./spec.js";

/** One type of map: what creation asks, and how it is kept. */
interface MapType {
  readonly rules: SpecRules;
  readonly store: "array" | "hash" | "evicting hash";
  readonly perCpu?: boolean;
  readonly ofMaps?: boolean;
}

const USER_ACCESS = BPF_F_RDONLY | BPF_F_WRONLY;
const ACCESS = USER_ACCESS | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;
const HASH_FLAGS = BPF_F_NO_PREALLOC | BPF_F_ZERO_SEED | ACCESS;
const LRU = { flags: BPF_F_NO_COMMON_LRU | BPF_F_ZERO_SEED | ACCESS, unsupportedFlags: BPF_F_NO_PREALLOC };
/** `PCPU_MIN_UNIT_SIZE`. */
const PER_CPU_MAX = 32 * 1024;
/** Key and value lie in one allocation of 4 MiB at most, behind a 48-byte header; buckets are 2^27 at most. */
const HASH = { keyAndValueMax: 4 * 2 ** 20 - 49, entriesMax: 2 ** 27 };

const TYPES: Readonly<Record<string, MapType>> = {
  hash: { rules: { type: 1, flags: HASH_FLAGS | BPF_F_NUMA_NODE, ...HASH }, store: "hash" },
  array: {
    rules: {
      type: 2,
      flags: BPF_F_NUMA_NODE | BPF_F_MMAPABLE | BPF_F_INNER_MAP | ACCESS,
      keySize: 4,
      valueMax: 2 ** 31 - 1,
    },
    store: "array",
  },
  percpu_hash: { rules: { type: 5, flags: HASH_FLAGS, valueMax: PER_CPU_MAX, ...HASH }, store: "hash", perCpu: true },
  percpu_array: { rules: { type: 6, flags: ACCESS, keySize: 4, valueMax: PER_CPU_MAX }, store: "array", perCpu: true },
  lru_hash: { rules: { type: 9, ...LRU, flags: LRU.flags | BPF_F_NUMA_NODE, ...HASH }, store: "evicting hash" },
  lru_percpu_hash: {
    rules: { type: 10, ...LRU, valueMax: PER_CPU_MAX, ...HASH },
    store: "evicting hash",
    perCpu: true,
  },
  array_of_maps: {
    rules: { type: 12, flags: BPF_F_NUMA_NODE | USER_ACCESS, keySize: 4, valueSize: 4 },
    store: "array",
    ofMaps: true,
  },
  hash_of_maps: {
    rules: { type: 13, flags: HASH_FLAGS | BPF_F_NUMA_NODE, valueSize: 4, ...HASH },
    store: "hash",
    ofMaps: true,
  },
};

/** The map types `createMap` makes, as `MapSpec.type` names them. */
export const SUPPORTED_MAP_TYPES: readonly string[] = Object.keys(TYPES);

/**
 * Makes a map in guest memory; all it will ever need is reserved now. Maps of maps are `MapOfMaps`.
 * @throws {MapError} `UNSUPPORTED_MAP_TYPE`, or `EINVAL`, `E2BIG` or `ENOTSUPP` as Linux 6.18 answers to such a spec; and
 * what guest memory throws where it has no room.
 */
export function createMap(spec: MapSpec, options: MapOptions): MapStorage {
  const type = Object.hasOwn(TYPES, spec.type) ? TYPES[spec.type] : undefined;
  if (type === undefined) throw unsupported(spec);
  checkSpec(spec, type.rules);
  const { cpus = 1 } = options;
  if (!Number.isInteger(cpus) || cpus < 1) throw new MapError("EINVAL", `map ${spec.name}: values for ${cpus} CPUs`);
  const kind = kindOf(spec, type);
  return type.ofMaps ? new LocalMapOfMaps(spec, kind, options) : new LocalMap(spec, kind, options);
}

/**
 * A map that another thread made and shared, on the same bytes. Only its scratch is reserved in this thread's memory.
 * @throws what guest memory throws where it has no room.
 */
export function attachMap({ spec, id, cpus = 1, regions }: SharedMap, memory: GuestMemory): MapStorage {
  const type = Object.hasOwn(TYPES, spec.type) ? TYPES[spec.type] : undefined;
  if (type === undefined) throw unsupported(spec);
  return new LocalMap(spec, kindOf(spec, type), { memory, id, cpus }, regions);
}

function kindOf(spec: MapSpec, { rules, store, perCpu = false, ofMaps = false }: MapType): LocalMapKind {
  const { flags, frozen = false } = spec;
  return {
    type: rules.type,
    perCpu,
    access: {
      read: !ofMaps && (flags & BPF_F_WRONLY_PROG) === 0,
      write: !ofMaps && !frozen && (flags & BPF_F_RDONLY_PROG) === 0,
    },
    makeStore: (storeOptions) =>
      store === "array" ? new ArrayStore(storeOptions) : new HashStore(storeOptions, store === "evicting hash"),
  };
}

function unsupported({ name, type }: MapSpec): MapError {
  const where = type === "prog_array" ? "program arrays are made by @bpfkit/tailcall; " : "";
  return new MapError(
    "UNSUPPORTED_MAP_TYPE",
    `map ${name}: there are no maps of type ${type} here; ${where}there are ${SUPPORTED_MAP_TYPES.join(", ")}`,
  );
}
