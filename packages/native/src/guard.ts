import { readFileSync } from "node:fs";
import type { GuardRegions } from "@bpfkit/core";
import { addressOf } from "./address.js";

/** Addresses without any permission (proc_pid_maps(5)); they have 47 bits, so numbers are exact. */
interface Inaccessible {
  readonly start: number;
  readonly end: number;
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
  const mappings = inaccessibleIn(maps);
  const start = Number(base);
  return {
    before: start - reservedDownTo(mappings, start),
    behind: reservedUpTo(mappings, start + Number(size)) - start,
  };
}

/** What is inaccessible, ascending. Most rows are not: only those that are get taken apart. */
function inaccessibleIn(text: string): Inaccessible[] {
  const rows = text.matchAll(/^([0-9a-f]+)-([0-9a-f]+) ---/gm);
  return Array.from(rows, ([, start, end]) => ({ start: Number.parseInt(start!, 16), end: Number.parseInt(end!, 16) }));
}

function reservedDownTo(mappings: readonly Inaccessible[], from: number): number {
  let low = from;
  for (const { start, end } of mappings.toReversed()) if (start < low && end >= low) low = start;
  return low;
}

function reservedUpTo(mappings: readonly Inaccessible[], from: number): number {
  let high = from;
  for (const { start, end } of mappings) if (start <= high && end > high) high = end;
  return high;
}
