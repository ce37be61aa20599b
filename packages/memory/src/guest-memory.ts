import type { Described, GuestMemory, MemoryViews, Permission, Region } from "@bpfkit/core";
import { BpfkitError, guestAddress, MemoryFault } from "@bpfkit/core";
import { type Block, Blocks } from "./blocks.js";
import { explainAccess, FUNCTION_BASE, LOWEST_MAPPED } from "./explain.js";
import { allValid, GRANULE, mark } from "./shadow.js";

const PAGE = 65_536;

/** Invalid bytes kept between regions, so that running off one never lands in the next. */
export const GAP = 64;

const DEFAULT_BYTES = 1 << 20;
const HIGHEST_PAGE_COUNT = FUNCTION_BASE / PAGE;

export interface GuestMemoryOptions {
  /** Bytes to begin with; more are taken as regions are reserved. Default 1 MiB. */
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
  readonly #maxPages: number;
  #end = LOWEST_MAPPED;
  #runs = 0;
  readonly #blocks = new Blocks();

  constructor({ initialBytes = DEFAULT_BYTES, maxBytes = HIGHEST_PAGE_COUNT * PAGE }: GuestMemoryOptions) {
    this.#maxPages = Math.min(Math.ceil(maxBytes / PAGE), HIGHEST_PAGE_COUNT);
    const initial = Math.min(Math.ceil(initialBytes / PAGE), this.#maxPages);
    const views = newViews(initial, 1);
    if (views === undefined)
      throw new MemoryError("OUT_OF_MEMORY", `no ${initial * PAGE} bytes of guest memory to be had`);
    this.views = views;
  }

  reserve(name: string, size: number, permission: Permission, align: number = GRANULE): Region {
    if (!Number.isInteger(size) || size < 0)
      throw new MemoryError("BAD_SIZE", `region ${name}: ${size} is no size in bytes`);
    const block = this.#blocks.take(size, align, GAP) ?? this.#extend(name, size, align);
    const region: Region = { name, start: guestAddress(block.start), size };
    block.region = region;
    this.permit(region.start, size, permission);
    this.describe(region.start, name, size);
    return region;
  }

  #extend(name: string, size: number, align: number): Block {
    const start = Math.ceil((this.#end + GAP) / align) * align;
    this.#growTo(start + size + GAP, name);
    this.#end = Math.ceil((start + size) / GRANULE) * GRANULE;
    return this.#blocks.add(start, size);
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
    const doubled = Math.min(Math.max(pages, (2 * have) / PAGE), this.#maxPages);
    const { epoch } = this.views;
    const larger = newViews(doubled, epoch + 1) ?? newViews(pages, epoch + 1);
    if (larger === undefined)
      throw new MemoryError(
        "OUT_OF_MEMORY",
        `region ${name}: the platform gave no ${pages * PAGE} bytes of guest memory`,
      );
    copyViews(this.views, larger, this.#end);
    this.views = larger;
  }

  release(region: Region): void {
    if (!this.#blocks.release(region)) return;
    this.permit(region.start, region.size, "none");
    this.views.u8.fill(0, region.start, region.start + region.size);
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
    return this.#blocks.describe({ start, name, size, stride, count });
  }

  explain(access: "read" | "write", address: bigint, size: number): string {
    return explainAccess(this.#blocks.descriptions(), access, address, size);
  }

  enterRun(): void {
    this.#runs++;
  }

  leaveRun(): void {
    this.#runs--;
  }
}

/**
 * A memory of its own with its shadows, all zero; undefined where the platform has not enough. Memory that must grow is
 * copied to a larger one: `WebAssembly.Memory.grow` detaches a buffer, after which V8 checks for detached buffers at every
 * access to any typed array there is (Node 20: 15 to 30 % of the interpreter's speed).
 */
function newViews(pages: number, epoch: number): MemoryViews | undefined {
  try {
    const wasm = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { buffer } = wasm;
    const granules = (pages * PAGE) / GRANULE;
    return {
      epoch,
      wasm,
      u8: new Uint8Array(buffer),
      i32: new Int32Array(buffer),
      data: new DataView(buffer),
      readShadow: new Uint8Array(granules),
      writeShadow: new Uint8Array(granules),
    };
  } catch {
    return undefined;
  }
}

/** Copies what lies below `end`. */
function copyViews(from: MemoryViews, to: MemoryViews, end: number): void {
  to.u8.set(from.u8.subarray(0, end));
  to.readShadow.set(from.readShadow.subarray(0, end / GRANULE));
  to.writeShadow.set(from.writeShadow.subarray(0, end / GRANULE));
}
