import type { GuestAddress, GuestMapOperations, GuestMemory, MapLayout } from "@bpfkit/core";
import { MapError } from "./error.js";

/** Flags of an update. */
export const BPF_NOEXIST = 1;
export const BPF_EXIST = 2;

/** Entries in guest memory and what programs do with them; `LocalMap` puts the `bpf(2)` commands on top. */
export interface Store extends GuestMapOperations {
  /** Absent where a lookup leaves a trace, so that machine code must not do it by itself. */
  readonly layout?: MapLayout;
  /** Gives its guest memory back. */
  dispose(): void;
}

/** What a store is made from; sizes are in bytes. */
export interface StoreOptions {
  readonly memory: GuestMemory;
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
