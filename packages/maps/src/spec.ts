import type { GuestMemory, MapId, MapSpec } from "@bpfkit/core";
import { MapError, type MapErrorCode } from "./error.js";

/** Flags of map creation that mean something here (uapi/linux/bpf.h). */
export const BPF_F_NO_PREALLOC: number = 1 << 0;
export const BPF_F_NO_COMMON_LRU: number = 1 << 1;
export const BPF_F_NUMA_NODE: number = 1 << 2;
export const BPF_F_RDONLY: number = 1 << 3;
export const BPF_F_WRONLY: number = 1 << 4;
export const BPF_F_ZERO_SEED: number = 1 << 6;
export const BPF_F_RDONLY_PROG: number = 1 << 7;
export const BPF_F_WRONLY_PROG: number = 1 << 8;
export const BPF_F_MMAPABLE: number = 1 << 10;
export const BPF_F_INNER_MAP: number = 1 << 12;

/** What a map needs of its surroundings. */
export interface MapOptions {
  /** All a map will ever hold is reserved here when it is made. */
  readonly memory: GuestMemory;
  readonly id: MapId;
  /** CPUs that per-CPU maps have values for. Default 1. */
  readonly cpus?: number;
}

/** What Linux 6.18 asks of one type of map when it is created. */
export interface SpecRules {
  /** `BPF_MAP_TYPE_*`. */
  readonly type: number;
  /** `BPF_F_*` that may be set. */
  readonly flags: number;
  /** `BPF_F_*` answered with `ENOTSUPP` instead of `EINVAL`. */
  readonly unsupportedFlags?: number;
  /** Bytes; any number where absent. */
  readonly keySize?: number;
  readonly valueSize?: number;
  /** Past these it answers `E2BIG`. */
  readonly valueMax?: number;
  readonly keyAndValueMax?: number;
  readonly entriesMax?: number;
}

/** @throws {MapError} `EINVAL` or `E2BIG`, as Linux 6.18 answers to creating such a map. */
export function checkSpec(spec: MapSpec, rules: SpecRules): void {
  const { name, type, keySize, valueSize, maxEntries, flags, contents } = spec;
  const unlimited = Number.POSITIVE_INFINITY;
  const { valueMax = unlimited, keyAndValueMax = unlimited, entriesMax = unlimited } = rules;
  const refuse = (code: MapErrorCode, what: string): never => {
    throw new MapError(code, `map ${name}: ${what}`);
  };
  const check = (what: string, size: number, exact = size): void => {
    if (!Number.isInteger(size) || size < 1 || size >= 2 ** 32) refuse("EINVAL", `${what} is from 1 up, not ${size}`);
    if (size !== exact) refuse("EINVAL", `${what} of ${type} is ${exact}, not ${size}`);
  };
  check("the key size", keySize, rules.keySize);
  check("the value size", valueSize, rules.valueSize);
  check("the number of entries", maxEntries);
  if ((flags & (rules.unsupportedFlags ?? 0)) !== 0) refuse("ENOTSUPP", `${type} is always preallocated`);
  const wrong = wrongFlags(flags, rules.flags);
  if (wrong !== undefined) refuse("EINVAL", `${type} takes no ${wrong}`);
  if (valueSize > valueMax) refuse("E2BIG", `a value has at most ${valueMax} bytes, not ${valueSize}`);
  if (keySize + valueSize > keyAndValueMax)
    refuse("E2BIG", `key and value have at most ${keyAndValueMax} bytes together, not ${keySize + valueSize}`);
  if (maxEntries > entriesMax) refuse("E2BIG", `it has at most ${entriesMax} entries, not ${maxEntries}`);
  if (contents !== undefined && contents.length > valueSize)
    refuse("EINVAL", `its contents of ${contents.length} bytes are more than its value of ${valueSize} holds`);
}

function wrongFlags(flags: number, known: number): string | undefined {
  const both = (one: number, other: number): boolean => (flags & one) !== 0 && (flags & other) !== 0;
  if ((flags & ~known) !== 0) return `flags 0x${((flags & ~known) >>> 0).toString(16)}`;
  if (both(BPF_F_RDONLY, BPF_F_WRONLY)) return "BPF_F_RDONLY together with BPF_F_WRONLY";
  return both(BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG) ? "BPF_F_RDONLY_PROG together with BPF_F_WRONLY_PROG" : undefined;
}
