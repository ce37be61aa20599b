import type { GuestAddress } from "./brand.js";
import { BpfkitError } from "./error.js";

/** What a program may do with bytes of a region. */
export type Permission = "none" | "read" | "read-write";

/** A named object in guest memory. The name is only used to word faults: "the value of map `counters`". */
export interface Region {
  readonly name: string;
  readonly start: GuestAddress;
  /** Bytes. */
  readonly size: number;
}

/** Where a described object lies; change it when the object moves or grows. Bytes. */
export interface Described {
  start: number;
  size: number;
}

/**
 * Typed arrays over guest memory. Reserving memory may replace them (`epoch` then changes), a run never does: take them
 * once when a run begins. A guest address is an index into `u8`.
 */
export interface MemoryViews {
  readonly epoch: number;
  /** The memory itself, where it is one: machine code proves its guards by it before it leaves a check out. */
  readonly wasm?: WebAssembly.Memory;
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly data: DataView;
  /** Words of 8 bytes, each read and written whole; only where other threads may use the memory, too. */
  readonly i64?: BigInt64Array;
  /** Permission to read: a byte for each 8 guest bytes, how many of them from the first are valid (0–8). */
  readonly readShadow: Uint8Array;
  /** The same for writing. */
  readonly writeShadow: Uint8Array;
}

/**
 * Guest memory: one `WebAssembly.Memory` and its shadow. The first and the last 64 KiB of the 32-bit range are never
 * mapped, so an address plus a 16-bit offset that wraps still faults.
 */
export interface GuestMemory {
  readonly views: MemoryViews;
  /** Other threads that are attached to it now; absent where it is not shared. */
  readonly attached?: number;
  /**
   * Reserves zeroed bytes, with an invalid gap on either side. May grow memory; refused with `GROWTH_IN_RUN` while a run
   * is active and `OUT_OF_MEMORY` past the limit.
   */
  reserve(name: string, size: number, permission: Permission, align?: number): Region;
  /** Gives a region's bytes back; they become invalid. */
  release(region: Region): void;
  /** Sets the permission of `size` bytes. The shadow is exact at the end and rounds the start down to 8 bytes. */
  permit(start: number, size: number, permission: Permission): void;
  /** @throws {MemoryFault} unless a program may read all of `size` bytes. */
  checkRead(address: number, size: number): void;
  /** @throws {MemoryFault} unless a program may write all of `size` bytes. */
  checkWrite(address: number, size: number): void;
  /**
   * Names `count` objects of `stride` bytes from `start` on, so that a fault can say which: element names carry their index.
   * A negative stride goes down from `start`, as stack frames do.
   * An object that moves within its region is kept described through what this returns.
   */
  describe(start: number, name: string, size: number, stride?: number, count?: number): Described;
  /** Words a failed access: "read of 8 bytes at 0x1a040, 4 past the end of the value of map `counters` (64 bytes)". */
  explain(access: "read" | "write", address: bigint, size: number): string;
  /** The engine's mark that a run is active; nested. Growing is refused in between. */
  enterRun(): void;
  leaveRun(): void;
}

/** Thrown by a failed check of guest memory; an engine turns it into a fault of its run. */
export class MemoryFault extends BpfkitError<"MEMORY_FAULT"> {
  readonly access: "read" | "write";
  readonly address: bigint;
  /** Bytes. */
  readonly size: number;

  constructor(access: "read" | "write", address: bigint, size: number, what: string) {
    super("MEMORY_FAULT", what);
    this.access = access;
    this.address = address;
    this.size = size;
  }
}
