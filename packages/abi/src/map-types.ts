import type { MapSpec } from "@bpfkit/core";
import type { ErrnoName } from "./errno.js";
import { AbiError } from "./error.js";
import { MAP_FLAGS } from "./flags.js";

/** Numbers a map type takes at creation: one of a list, or a range. */
export interface SizeRule {
  readonly oneOf?: readonly number[];
  readonly min?: number;
  readonly max?: number;
  readonly multipleOf?: number;
  readonly powerOfTwo?: true;
  /** What Linux answers past `max`; `EINVAL` where absent. */
  readonly above?: ErrnoName;
}

/** What Linux asks of a map of one type when it is created (each type's `map_alloc_check`). */
export interface MapTypeRules {
  /** As `MapSpec.type` has it: the kernel's name in lower case without prefix. */
  readonly name: string;
  /** `BPF_MAP_TYPE_*`. */
  readonly id: number;
  /** The first kernel that has it. */
  readonly since: string;
  /** Bytes. */
  readonly keySize: SizeRule;
  /** Bytes. */
  readonly valueSize: SizeRule;
  /** Entries; bytes for ring buffers; pages for an arena. */
  readonly maxEntries: SizeRule;
  /** `BPF_F_*` that may be set. */
  readonly flags: number;
  /** `BPF_F_*` that must be set. */
  readonly requiredFlags?: number;
  /** `BPF_F_*` that are answered with `ENOTSUPP` instead of `EINVAL`. */
  readonly unsupportedFlags?: number;
  /** The value's rule instead, where a flag is set. */
  readonly valueSizeWith?: { readonly flag: number; readonly valueSize: SizeRule };
  /** Bytes of key and value together; past it `E2BIG`. */
  readonly keyAndValueMax?: number;
  /** Each CPU has values of its own. */
  readonly perCpu?: true;
  /** An inner map gives the template of its values. */
  readonly inner?: true;
  /** Creation needs the BTF types of key and value. */
  readonly btf?: true;
}

const {
  BPF_F_NO_PREALLOC,
  BPF_F_NO_COMMON_LRU,
  BPF_F_NUMA_NODE,
  BPF_F_RDONLY,
  BPF_F_WRONLY,
  BPF_F_STACK_BUILD_ID,
  BPF_F_ZERO_SEED,
  BPF_F_RDONLY_PROG,
  BPF_F_WRONLY_PROG,
  BPF_F_CLONE,
  BPF_F_MMAPABLE,
  BPF_F_PRESERVE_ELEMS,
  BPF_F_INNER_MAP,
  BPF_F_LINK,
  BPF_F_VTYPE_BTF_OBJ_FD,
  BPF_F_SEGV_ON_FAULT,
  BPF_F_NO_USER_CONV,
} = MAP_FLAGS;

const USER_ACCESS = BPF_F_RDONLY | BPF_F_WRONLY;
const ACCESS = USER_ACCESS | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;
const FD_ARRAY = BPF_F_NUMA_NODE | USER_ACCESS;

const U32_MAX = 2 ** 32 - 1;
/** `KMALLOC_MAX_SIZE` with 4 KiB pages. */
const KMALLOC_MAX = 4 * 2 ** 20;
/** `PCPU_MIN_UNIT_SIZE`. */
const PER_CPU_MAX = 32 * 1024;

const NONE: SizeRule = { oneOf: [0] };
const FOUR: SizeRule = { oneOf: [4] };
const FOUR_OR_EIGHT: SizeRule = { oneOf: [4, 8] };
const ANY: SizeRule = { min: 1, max: U32_MAX };
const PER_CPU_VALUE: SizeRule = { min: 1, max: PER_CPU_MAX, above: "E2BIG" };
const LARGE_VALUE: SizeRule = { min: 1, max: KMALLOC_MAX, above: "E2BIG" };
/** Buckets are a power of two of 16 bytes each, counted in 32 bits. */
const HASH_ENTRIES: SizeRule = { min: 1, max: 2 ** 27, above: "E2BIG" };
const RING_BYTES: SizeRule = { min: 4096, max: 2 ** 31, powerOfTwo: true };

/** Key and value lie in one allocation behind a 48-byte header. */
const HASH = { keySize: ANY, maxEntries: HASH_ENTRIES, keyAndValueMax: KMALLOC_MAX - 49 } as const;
const ARRAY = { keySize: FOUR, maxEntries: ANY } as const;
const RING = { keySize: NONE, valueSize: NONE, maxEntries: RING_BYTES, flags: BPF_F_NUMA_NODE } as const;
const CGROUP_STORAGE = { keySize: { oneOf: [8, 16] }, maxEntries: NONE, flags: BPF_F_NUMA_NODE | ACCESS } as const;
const LOCAL_STORAGE = {
  keySize: FOUR,
  valueSize: { min: 1, max: 65_407, above: "E2BIG" },
  maxEntries: NONE,
  flags: BPF_F_NO_PREALLOC | BPF_F_CLONE,
  requiredFlags: BPF_F_NO_PREALLOC,
  btf: true,
} as const;

const HASH_FLAGS = BPF_F_NO_PREALLOC | BPF_F_ZERO_SEED | ACCESS;
const LRU_FLAGS = BPF_F_NO_COMMON_LRU | BPF_F_ZERO_SEED | ACCESS;

/** Every map type of Linux 6.18, ascending by id. */
// biome-ignore format: a table reads by its rows
export const MAP_TYPES: readonly MapTypeRules[] = [
  { name: "hash", id: 1, since: "3.19", ...HASH, valueSize: ANY, flags: HASH_FLAGS | BPF_F_NUMA_NODE },
  { name: "array", id: 2, since: "3.19", ...ARRAY, valueSize: { min: 1, max: 2 ** 31 - 1, above: "E2BIG" }, flags: BPF_F_NUMA_NODE | BPF_F_MMAPABLE | BPF_F_INNER_MAP | ACCESS },
  { name: "prog_array", id: 3, since: "4.2", ...ARRAY, valueSize: FOUR, flags: FD_ARRAY },
  { name: "perf_event_array", id: 4, since: "4.3", ...ARRAY, valueSize: FOUR, flags: FD_ARRAY | BPF_F_PRESERVE_ELEMS },
  { name: "percpu_hash", id: 5, since: "4.6", ...HASH, valueSize: PER_CPU_VALUE, flags: HASH_FLAGS, perCpu: true },
  { name: "percpu_array", id: 6, since: "4.6", ...ARRAY, valueSize: PER_CPU_VALUE, flags: ACCESS, perCpu: true },
  { name: "stack_trace", id: 7, since: "4.6", ...ARRAY, valueSize: { min: 8, max: 127 * 8, multipleOf: 8 }, flags: FD_ARRAY | BPF_F_STACK_BUILD_ID, valueSizeWith: { flag: BPF_F_STACK_BUILD_ID, valueSize: { min: 32, max: 127 * 32, multipleOf: 32 } } },
  { name: "cgroup_array", id: 8, since: "4.8", ...ARRAY, valueSize: FOUR, flags: FD_ARRAY },
  { name: "lru_hash", id: 9, since: "4.10", ...HASH, valueSize: ANY, flags: LRU_FLAGS | BPF_F_NUMA_NODE, unsupportedFlags: BPF_F_NO_PREALLOC },
  { name: "lru_percpu_hash", id: 10, since: "4.10", ...HASH, valueSize: PER_CPU_VALUE, flags: LRU_FLAGS, unsupportedFlags: BPF_F_NO_PREALLOC, perCpu: true },
  { name: "lpm_trie", id: 11, since: "4.11", keySize: { min: 5, max: 260 }, valueSize: { min: 1, max: KMALLOC_MAX - 280 }, maxEntries: ANY, flags: BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | ACCESS, requiredFlags: BPF_F_NO_PREALLOC },
  { name: "array_of_maps", id: 12, since: "4.12", ...ARRAY, valueSize: FOUR, flags: FD_ARRAY, inner: true },
  { name: "hash_of_maps", id: 13, since: "4.12", ...HASH, valueSize: FOUR, flags: HASH_FLAGS | BPF_F_NUMA_NODE, inner: true },
  { name: "devmap", id: 14, since: "4.14", ...ARRAY, valueSize: FOUR_OR_EIGHT, flags: FD_ARRAY },
  { name: "sockmap", id: 15, since: "4.14", ...ARRAY, valueSize: FOUR_OR_EIGHT, flags: FD_ARRAY },
  // Entries are also limited, with E2BIG, to the CPUs the kernel was built for.
  { name: "cpumap", id: 16, since: "4.15", ...ARRAY, valueSize: FOUR_OR_EIGHT, flags: BPF_F_NUMA_NODE },
  { name: "xskmap", id: 17, since: "4.18", ...ARRAY, valueSize: FOUR, flags: FD_ARRAY },
  { name: "sockhash", id: 18, since: "4.18", keySize: { min: 1, max: 512, above: "E2BIG" }, valueSize: FOUR_OR_EIGHT, maxEntries: ANY, flags: FD_ARRAY },
  { name: "cgroup_storage", id: 19, since: "4.19", ...CGROUP_STORAGE, valueSize: LOCAL_STORAGE.valueSize },
  { name: "reuseport_sockarray", id: 20, since: "4.19", ...ARRAY, valueSize: FOUR_OR_EIGHT, flags: BPF_F_NUMA_NODE | ACCESS },
  { name: "percpu_cgroup_storage", id: 21, since: "4.20", ...CGROUP_STORAGE, valueSize: PER_CPU_VALUE, perCpu: true },
  { name: "queue", id: 22, since: "4.20", keySize: NONE, valueSize: LARGE_VALUE, maxEntries: ANY, flags: BPF_F_NUMA_NODE | ACCESS },
  { name: "stack", id: 23, since: "4.20", keySize: NONE, valueSize: LARGE_VALUE, maxEntries: ANY, flags: BPF_F_NUMA_NODE | ACCESS },
  { name: "sk_storage", id: 24, since: "5.2", ...LOCAL_STORAGE },
  { name: "devmap_hash", id: 25, since: "5.4", ...ARRAY, valueSize: FOUR_OR_EIGHT, flags: FD_ARRAY },
  { name: "struct_ops", id: 26, since: "5.6", keySize: FOUR, valueSize: ANY, maxEntries: { oneOf: [1] }, flags: BPF_F_LINK | BPF_F_VTYPE_BTF_OBJ_FD, btf: true },
  { name: "ringbuf", id: 27, since: "5.8", ...RING },
  { name: "inode_storage", id: 28, since: "5.10", ...LOCAL_STORAGE },
  { name: "task_storage", id: 29, since: "5.11", ...LOCAL_STORAGE },
  { name: "bloom_filter", id: 30, since: "5.16", keySize: NONE, valueSize: LARGE_VALUE, maxEntries: ANY, flags: BPF_F_NUMA_NODE | BPF_F_ZERO_SEED | ACCESS },
  { name: "user_ringbuf", id: 31, since: "6.1", ...RING },
  { name: "cgrp_storage", id: 32, since: "6.2", ...LOCAL_STORAGE },
  { name: "arena", id: 33, since: "6.9", keySize: NONE, valueSize: NONE, maxEntries: { min: 1, max: 2 ** 20, above: "E2BIG" }, flags: BPF_F_MMAPABLE | BPF_F_SEGV_ON_FAULT | BPF_F_NO_USER_CONV, requiredFlags: BPF_F_MMAPABLE },
];

const byName: ReadonlyMap<string, MapTypeRules> = new Map(MAP_TYPES.map((rules) => [rules.name, rules]));
const byId: ReadonlyMap<number, MapTypeRules> = new Map(MAP_TYPES.map((rules) => [rules.id, rules]));

/** The rules of a map type by its name. @throws {AbiError} `UNKNOWN_NAME`. */
export function mapTypeByName(name: string): MapTypeRules {
  const rules = byName.get(name);
  if (rules !== undefined) return rules;
  throw new AbiError("UNKNOWN_NAME", `${name} is no map type of Linux; there are ${[...byName.keys()].join(", ")}`);
}

/** The rules of a map type by its `BPF_MAP_TYPE_*` number; undefined where Linux 6.18 has none. */
export function mapTypeById(id: number): MapTypeRules | undefined {
  return byId.get(id);
}

/** What Linux 6.18 answers to creating such a map; undefined where it does. */
export function mapCreationErrno(spec: MapSpec): ErrnoName | undefined {
  const rules = mapTypeByName(spec.type);
  const { flag = 0, valueSize } = rules.valueSizeWith ?? {};
  const sizes: readonly (ErrnoName | undefined)[] = [
    sizeErrno(rules.keySize, spec.keySize),
    sizeErrno(valueSize !== undefined && (spec.flags & flag) !== 0 ? valueSize : rules.valueSize, spec.valueSize),
    sizeErrno(rules.maxEntries, spec.maxEntries),
    spec.keySize + spec.valueSize > (rules.keyAndValueMax ?? Number.POSITIVE_INFINITY) ? "E2BIG" : undefined,
  ];
  // Linux looks at zero sizes and flags before it looks at sizes that are too big.
  if (sizes.includes("EINVAL")) return "EINVAL";
  return (
    flagsErrno(rules, spec.flags) ?? (isIncomplete(rules, spec) ? "EINVAL" : sizes.find((errno) => errno !== undefined))
  );
}

function sizeErrno(rule: SizeRule, size: number): ErrnoName | undefined {
  const { oneOf, min = 0, max = U32_MAX, multipleOf = 1, powerOfTwo, above = "EINVAL" } = rule;
  if (oneOf !== undefined) return oneOf.includes(size) ? undefined : "EINVAL";
  if (size < min || size % multipleOf !== 0) return "EINVAL";
  if (powerOfTwo && !Number.isInteger(Math.log2(size))) return "EINVAL";
  return size > max ? above : undefined;
}

function flagsErrno(rules: MapTypeRules, flags: number): ErrnoName | undefined {
  const { requiredFlags = 0, unsupportedFlags = 0 } = rules;
  if ((flags & unsupportedFlags) !== 0) return "ENOTSUPP";
  const both = (pair: number): boolean => (flags & pair) === pair;
  const known = (flags & ~rules.flags) === 0 && (flags & requiredFlags) === requiredFlags;
  return known && !both(USER_ACCESS) && !both(BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG) ? undefined : "EINVAL";
}

/** Linux takes an inner map and BTF types from elsewhere; a spec that names none cannot be created. */
function isIncomplete(rules: MapTypeRules, spec: MapSpec): boolean {
  return (
    (rules.inner === true && spec.inner === undefined) || (rules.btf === true && spec.btfValueTypeId === undefined)
  );
}
