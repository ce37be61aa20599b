import type { Described, GuestMemory, MemoryViews, Permission, Region } from "@bpfkit/core";
import { BpfkitError, guestAddress, MemoryFault } from "@bpfkit/core";
import { type Description, explainAccess } from "./explain.js";
import { allValid, GRANULE, mark } from "./shadow.js";

const PAGE = 65_536;

/** Guest addresses below this are never mapped: a null pointer plus any 16-bit offset faults. */
export const LOWEST_MAPPED: number = PAGE;

/** Invalid bytes kept between regions, so that running off one never lands in the next. */
export const GAP = 64;

/** 64-bit loads of functions hold addresses from here on; nothing is ever mapped there. */
const HIGHEST_PAGE_COUNT = 0xf000_0000 / PAGE;

export interface GuestMemoryOptions {
  /** Bytes to begin with; grown as regions are reserved. Default 1 MiB. */
  readonly initialBytes?: number;
  /** Bytes it may grow to; at most 3,840 MiB, the default. */
  readonly maxBytes?: number;
}

/** `OUT_OF_MEMORY`: past `maxBytes`, or the platform gave no more. `GROWTH_IN_RUN`: a run is active. `BAD_SIZE`: a negative or fractional size. */
export class MemoryError extends BpfkitError<"OUT_OF_MEMORY" | "GROWTH_IN_RUN" | "BAD_SIZE"> {}

/** Makes empty guest memory. @throws {MemoryError} `OUT_OF_MEMORY` where the platform has not enough. */
export function createGuestMemory(options: GuestMemoryOptions = {}): GuestMemory {
  return new WasmGuestMemory(options);
}

class WasmGuestMemory implements GuestMemory {
  views: MemoryViews;
  readonly wasm: WebAssembly.Memory;
  readonly #maxPages: number;
  #end = LOWEST_MAPPED;
  #runs = 0;
  #free: Region[] = [];
  #descriptions: Description[] = [];

  constructor({ initialBytes = 16 * PAGE, maxBytes = HIGHEST_PAGE_COUNT * PAGE }: GuestMemoryOptions) {
    this.#maxPages = Math.min(Math.ceil(maxBytes / PAGE), HIGHEST_PAGE_COUNT);
    const initial = Math.min(Math.ceil(initialBytes / PAGE), this.#maxPages);
    try {
      this.wasm = new WebAssembly.Memory({ initial, maximum: this.#maxPages });
    } catch (cause) {
      throw new MemoryError("OUT_OF_MEMORY", `no ${initial * PAGE} bytes of guest memory to be had`, {}, { cause });
    }
    this.views = viewsOf(this.wasm, undefined);
  }

  reserve(name: string, size: number, permission: Permission, align: number = GRANULE): Region {
    if (!Number.isInteger(size) || size < 0)
      throw new MemoryError("BAD_SIZE", `region ${name}: ${size} is no size in bytes`);
    const start = this.#reuse(size, align) ?? this.#extend(name, size, align);
    const region: Region = { name, start: guestAddress(start), size };
    this.permit(start, size, permission);
    this.describe(start, name, size);
    return region;
  }

  #reuse(size: number, align: number): number | undefined {
    const index = this.#free.findIndex(
      (region) => region.size >= size && region.size < 2 * size + GAP && region.start % align === 0,
    );
    return index < 0 ? undefined : this.#free.splice(index, 1)[0]!.start;
  }

  #extend(name: string, size: number, align: number): number {
    const start = Math.ceil((this.#end + GAP) / align) * align;
    this.#growTo(start + size + GAP, name);
    this.#end = Math.ceil((start + size) / GRANULE) * GRANULE;
    return start;
  }

  #growTo(end: number, name: string): void {
    const have = this.views.u8.length;
    if (end <= have) return;
    if (this.#runs > 0)
      throw new MemoryError(
        "GROWTH_IN_RUN",
        `region ${name} needs more guest memory, which must be reserved before a run begins`,
      );
    const pages = Math.ceil(end / PAGE);
    if (pages > this.#maxPages)
      throw new MemoryError(
        "OUT_OF_MEMORY",
        `region ${name} would bring guest memory to ${end} bytes, over its limit of ${this.#maxPages * PAGE}`,
      );
    const wanted = Math.min(Math.max(pages, (2 * have) / PAGE), this.#maxPages);
    try {
      this.wasm.grow(wanted - have / PAGE);
      this.views = viewsOf(this.wasm, this.views);
    } catch (cause) {
      throw new MemoryError(
        "OUT_OF_MEMORY",
        `region ${name}: the platform gave no ${wanted * PAGE} bytes of guest memory`,
        {},
        { cause },
      );
    }
  }

  release(region: Region): void {
    this.permit(region.start, region.size, "none");
    this.views.u8.fill(0, region.start, region.start + region.size);
    const end = region.start + Math.max(region.size, 1);
    this.#descriptions = this.#descriptions.filter(({ start }) => start < region.start || start >= end);
    this.#free.push(region);
  }

  permit(start: number, size: number, permission: Permission): void {
    mark(this.views.readShadow, start, size, permission !== "none");
    mark(this.views.writeShadow, start, size, permission === "read-write");
  }

  checkRead(address: number, size: number): void {
    this.#check("read", this.views.readShadow, address, size);
  }

  checkWrite(address: number, size: number): void {
    this.#check("write", this.views.writeShadow, address, size);
  }

  #check(access: "read" | "write", shadow: Uint8Array, address: number, size: number): void {
    if (allValid(shadow, address, size)) return;
    const at = BigInt(address);
    throw new MemoryFault(access, at, size, this.explain(access, at, size));
  }

  describe(start: number, name: string, size: number, stride: number = Math.max(size, 1), count = 1): Described {
    // What is said of the objects inside a region is finer than what was said of the region.
    this.#descriptions = this.#descriptions.filter((d) => start < d.start || start + size > d.start + d.size);
    const description = { name, start, size, stride, count };
    if (count > 0) this.#descriptions.push(description);
    return description;
  }

  explain(access: "read" | "write", address: bigint, size: number): string {
    return explainAccess(this.#descriptions, LOWEST_MAPPED, access, address, size);
  }

  enterRun(): void {
    this.#runs++;
  }

  leaveRun(): void {
    this.#runs--;
  }
}

/** Views over a memory, with the shadows of `previous` carried over. */
function viewsOf(memory: WebAssembly.Memory, previous: MemoryViews | undefined): MemoryViews {
  const { buffer } = memory;
  const shadow = (old: Uint8Array | undefined): Uint8Array => {
    const table = new Uint8Array(buffer.byteLength / GRANULE);
    if (old !== undefined) table.set(old);
    return table;
  };
  return {
    epoch: (previous?.epoch ?? 0) + 1,
    u8: new Uint8Array(buffer),
    i32: new Int32Array(buffer),
    data: new DataView(buffer),
    readShadow: shadow(previous?.readShadow),
    writeShadow: shadow(previous?.writeShadow),
  };
}
