import { readFileSync } from "node:fs";
import type { GuardRegions } from "@bpfkit/core";
import { addressOf } from "./address.js";

interface Mapping {
  readonly start: bigint;
  readonly end: bigint;
  /** `rw-p` and the like (proc_pid_maps(5)). */
  readonly permissions: string;
}

/**
 * How far around a memory addresses are reserved without any permission, by `/proc/self/maps`. Holes that nothing has
 * reserved do not count, because a later mmap may fill them. V8 reserves 2 GiB before and 8 GiB from the start on where it
 * uses guard regions; no flag tells, so this is how it is known.
 * @throws {NativeError} `NOT_AVAILABLE`.
 */
export function guardRegions(memory: WebAssembly.Memory): GuardRegions {
  return guardsIn(readFileSync("/proc/self/maps", "latin1"), addressOf(memory), BigInt(memory.buffer.byteLength));
}

/** The same, from the text of `/proc/self/maps`. */
export function guardsIn(maps: string, base: bigint, size: bigint): GuardRegions {
  const mappings = parseMaps(maps);
  return {
    before: Number(base - reservedDownTo(mappings, base)),
    behind: Number(reservedUpTo(mappings, base + size) - base),
  };
}

/** Rows of `/proc/self/maps`, ascending. */
function parseMaps(text: string): Mapping[] {
  return text.split("\n").flatMap((line) => {
    const row = /^([0-9a-f]+)-([0-9a-f]+) (\S{4})/.exec(line);
    return row === null ? [] : [{ start: BigInt(`0x${row[1]}`), end: BigInt(`0x${row[2]}`), permissions: row[3]! }];
  });
}

const inaccessible = (mapping: Mapping): boolean => mapping.permissions.startsWith("---");

function reservedDownTo(mappings: readonly Mapping[], from: bigint): bigint {
  let low = from;
  for (const mapping of mappings.toReversed()) {
    if (inaccessible(mapping) && mapping.start < low && mapping.end >= low) low = mapping.start;
  }
  return low;
}

function reservedUpTo(mappings: readonly Mapping[], from: bigint): bigint {
  let high = from;
  for (const mapping of mappings) {
    if (inaccessible(mapping) && mapping.start <= high && mapping.end > high) high = mapping.end;
  }
  return high;
}
