import type { Described, Region } from "@bpfkit/core";
import type { Description } from "./explain.js";

/** A piece of guest memory that was handed out: to the region that has it now, or to none. It never moves nor shrinks. */
export interface Block {
  readonly start: number;
  /** Bytes; a region that took the block over may use fewer. */
  readonly capacity: number;
  region: Region | undefined;
  descriptions: Description[];
}

/** The pieces of guest memory by ascending address. */
export class Blocks {
  /** Memory is handed out upwards, so that appending keeps them sorted. */
  readonly #all: Block[] = [];
  readonly #free: Block[] = [];

  add(start: number, capacity: number): Block {
    const block: Block = { start, capacity, region: undefined, descriptions: [] };
    this.#all.push(block);
    return block;
  }

  /** Takes a free block that fits without wasting more than half of it. */
  take(size: number, align: number, gap: number): Block | undefined {
    const index = this.#free.findIndex(
      ({ start, capacity }) => capacity >= size && capacity < 2 * size + gap && start % align === 0,
    );
    return index < 0 ? undefined : this.#free.splice(index, 1)[0];
  }

  /** Makes a region's block free; false where the region is in none (any more). */
  release(region: Region): boolean {
    const block = this.#at(region.start);
    if (block?.region !== region) return false;
    block.region = undefined;
    block.descriptions = [];
    this.#free.push(block);
    return true;
  }

  /** Adds a description in place of what was said of the whole it is a part of. */
  describe(description: Description): Described {
    const { start, size, count } = description;
    const block = this.#at(start);
    if (block === undefined) return description;
    block.descriptions = block.descriptions.filter((d) => start < d.start || start + size > d.start + d.size);
    if (count > 0) block.descriptions.push(description);
    return description;
  }

  descriptions(): Description[] {
    return this.#all.flatMap(({ descriptions }) => descriptions);
  }

  /** The last block that begins at or before an address. */
  #at(address: number): Block | undefined {
    let low = 0;
    let high = this.#all.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#all[middle]!.start <= address) low = middle + 1;
      else high = middle;
    }
    return this.#all[low - 1];
  }
}
