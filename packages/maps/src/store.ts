import type {
  GuestAddress,
  GuestMapOperations,
  GuestMemory,
  MapLayout,
  MemoryViews,
  Permission,
  Region,
} from "@bpfkit/core";
import { MapError } from "./error.js";

/** Flags of an update. */
export const BPF_NOEXIST = 1;
export const BPF_EXIST = 2;

/** Entries in guest memory and what programs do with them; `LocalMap` puts the `bpf(2)` commands on top. */
export interface Store extends GuestMapOperations {
  /** Absent where a lookup leaves a trace, so that machine code must not do it by itself. */
  readonly layout?: MapLayout;
  /** Does something while no other thread changes which entries there are. */
  exclusively<T>(body: () => T): T;
}

/** What a store is made from; sizes are in bytes. */
export interface StoreOptions {
  readonly memory: GuestMemory;
  /** Gives a region of the map's: a new one or, where another thread made the map, the next of those it reserved. */
  readonly region: (name: string, size: number, permission: Permission) => Region;
  /** Whether another thread made the map: what is in its regions stays. */
  readonly attached: boolean;
  /** The map's name, for faults. */
  readonly name: string;
  readonly header: GuestAddress;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  /** Whether each CPU has values of its own. */
  readonly perCpu: boolean;
  /** Values each entry has: 1 where all CPUs share one. */
  readonly cpus: number;
  readonly access: ProgramAccess;
}

/** What programs may do with values. */
export interface ProgramAccess {
  readonly read: boolean;
  readonly write: boolean;
}

/** The CPU whose value is meant. @throws {MapError} `EINVAL` where there are no values of that CPU. */
export function checkedCpu({ name, perCpu, cpus }: StoreOptions, cpu: number): number {
  if (!perCpu || cpu < cpus) return cpu;
  throw new MapError("EINVAL", `map ${name}: it has values for ${cpus} CPUs, none for CPU ${cpu}`);
}

/** Values begin at multiples of this: a granule of the shadow never holds bytes of two. */
export const roundUp8 = (size: number): number => Math.ceil(size / 8) * 8;

/** Gives programs access to `count` values, each at the start of `stride` bytes. */
export function permitValues(memory: GuestMemory, access: ProgramAccess, values: Values): void {
  const { start, size, stride, count } = values;
  memory.permit(start, stride * count, access.write ? "read-write" : access.read ? "read" : "none");
  const { readShadow, writeShadow } = memory.views;
  // A value that no program may read but may write is rare enough for no permission to say it.
  if (!access.read) readShadow.fill(0, start / 8, (start + stride * count) / 8);
  if (size === stride) return;
  // A permit for each value takes a hundred times as long as this, and there may be millions.
  const tail = Math.floor((start + size) / 8);
  const [readable, writable] = [access.read ? size % 8 : 0, access.write ? size % 8 : 0];
  for (let granule = tail, left = count; left > 0; granule += stride / 8, left--) {
    readShadow[granule] = readable;
    writeShadow[granule] = writable;
  }
}

/** Where values lie: `start` and `stride` are multiples of 8, and `stride` is `size` rounded up to one. */
export interface Values {
  readonly start: number;
  readonly size: number;
  readonly stride: number;
  readonly count: number;
}

/** More bytes than these are copied faster by the platform. */
const SMALL = 64;

/** Copies bytes within guest memory; of a place that overlaps with them only to a lower one. */
export function copyBytes({ u8, data }: MemoryViews, to: number, from: number, size: number): void {
  if (size > SMALL) {
    u8.copyWithin(to, from, from + size);
    return;
  }
  let at = 0;
  for (; at + 4 <= size; at += 4) data.setInt32(to + at, data.getInt32(from + at, true), true);
  for (; at < size; at++) u8[to + at] = u8[from + at]!;
}

/** Copies a value to its place. In shared memory whole words of 8 bytes stay whole for who reads meanwhile. */
export function copyValue(views: MemoryViews, to: number, from: number, size: number): void {
  const { i64, data } = views;
  if (i64 === undefined) {
    copyBytes(views, to, from, size);
    return;
  }
  const words = size >>> 3;
  for (let word = 0; word < words; word++) i64[(to >>> 3) + word] = data.getBigInt64(from + 8 * word, true);
  copyBytes(views, to + 8 * words, from + 8 * words, size & 7);
}
