import type { Described, GuestMemory, MemoryViews, Permission, Region } from "@bpfkit/core";
import { guestAddress, MemoryFault } from "@bpfkit/core";
import { type Block, Blocks } from "./blocks.js";
import { MemoryError } from "./error.js";
import { type Description, explainAccess } from "./explain.js";
import { allValid, GRANULE, mark } from "./shadow.js";

/** Invalid bytes kept between regions, so that running off one never lands in the next. */
export const GAP = 64;

/** Regions handed out upwards from `end` on, and their permissions. Who extends it says where more room comes from. */
export abstract class RegionMemory implements GuestMemory {
  views: MemoryViews;
  /** One past the last region. */
  protected end: number;
  protected runs = 0;
  readonly #blocks = new Blocks();
  /** What others described of the same memory. */
  readonly #known: readonly Description[];

  constructor(views: MemoryViews, end: number, known: readonly Description[] = []) {
    this.views = views;
    this.end = end;
    this.#known = known;
  }

  /** Makes sure that there is room up to `to` for a region of that name. @throws {MemoryError} */
  protected abstract growTo(to: number, name: string): void;

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
    const start = Math.ceil((this.end + GAP) / align) * align;
    this.growTo(start + size + GAP, name);
    this.end = Math.ceil((start + size) / GRANULE) * GRANULE;
    return this.#blocks.add(start, size);
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

  protected descriptions(): Description[] {
    return [...this.#known, ...this.#blocks.descriptions()];
  }

  explain(access: "read" | "write", address: bigint, size: number): string {
    return explainAccess(this.descriptions(), access, address, size);
  }

  enterRun(): void {
    this.runs++;
  }

  leaveRun(): void {
    this.runs--;
  }
}
