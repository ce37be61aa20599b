import type { GuestMemory, Region } from "@bpfkit/core";
import { equalKeys, hashKey } from "./hash.js";
import { roundUp8 } from "./store.js";

/** Bytes of an entry before its key: the next entry's address and the key's hash. */
export const KEY_OFFSET = 8;

/** What a hash table is made from; sizes are in bytes. */
export interface HashTableOptions {
  readonly memory: GuestMemory;
  readonly name: string;
  readonly keySize: number;
  /** Of all CPUs' values together, a multiple of 8. */
  readonly valuesSize: number;
  /** Entries there are. */
  readonly capacity: number;
  /** Chains; a power of two. */
  readonly buckets: number;
  /** Called once for each entry, when it is first handed out. */
  readonly onFirstUse: (entry: number) => void;
}

/**
 * Chains of entries in guest memory. An entry is known by its guest address. Entries that were never used are handed out in
 * order, so that a table of a million costs no more than its reservation; freed ones are handed out again last in, first out.
 * A freed entry keeps its bytes until then: a program that still has its value's address reads what was there.
 */
export class HashTable {
  readonly entries: Region;
  readonly bucketCells: Region;
  readonly buckets: number;
  /** Bytes from one entry to the next. */
  readonly stride: number;
  readonly valueOffset: number;
  readonly #options: HashTableOptions;
  readonly #free: number[] = [];
  #handedOut = 0;

  constructor(options: HashTableOptions) {
    const { memory, name, keySize, valuesSize, capacity, buckets } = options;
    this.#options = options;
    this.buckets = buckets;
    this.valueOffset = KEY_OFFSET + roundUp8(keySize);
    this.stride = this.valueOffset + valuesSize;
    this.bucketCells = memory.reserve(`the buckets of map \`${name}\``, 4 * buckets, "none");
    this.entries = memory.reserve(`the entries of map \`${name}\``, this.stride * capacity, "none");
  }

  /** The entry with that key, or 0. */
  find(key: number): number {
    const { memory, keySize } = this.#options;
    const { data } = memory.views;
    const hash = hashKey(data, key, keySize);
    let entry = data.getUint32(this.#cellOf(hash), true);
    while (entry !== 0) {
      if (data.getInt32(entry + 4, true) === hash && equalKeys(data, entry + KEY_OFFSET, key, keySize)) return entry;
      entry = data.getUint32(entry, true);
    }
    return 0;
  }

  /** An unused entry, in no chain yet. There must be one: at most `capacity` may be in use. */
  allocate(): number {
    const freed = this.#free.pop();
    if (freed !== undefined) return freed;
    const entry = this.entries.start + this.#handedOut++ * this.stride;
    this.#options.onFirstUse(entry);
    return entry;
  }

  /** Puts an allocated entry first in its key's chain. The key may lie in the entry's own old value: it is copied before that changes. */
  link(entry: number, key: number): void {
    const { memory, keySize } = this.#options;
    const { data, u8 } = memory.views;
    const hash = hashKey(data, key, keySize);
    const cell = this.#cellOf(hash);
    u8.copyWithin(entry + KEY_OFFSET, key, key + keySize);
    data.setInt32(entry + 4, hash, true);
    data.setUint32(entry, data.getUint32(cell, true), true);
    data.setUint32(cell, entry, true);
  }

  /** Takes an entry out of its chain. Its own bytes stay, so that whoever walks over it can go on. */
  unlink(entry: number): void {
    const { data } = this.#options.memory.views;
    let cell = this.#cellOf(data.getInt32(entry + 4, true));
    while (data.getUint32(cell, true) !== entry) cell = data.getUint32(cell, true);
    data.setUint32(cell, data.getUint32(entry, true), true);
  }

  /** Gives an entry that is in no chain back. */
  free(entry: number): void {
    this.#free.push(entry);
  }

  /** Gives its guest memory back. */
  dispose(): void {
    this.#options.memory.release(this.bucketCells);
    this.#options.memory.release(this.entries);
  }

  /**
   * The entry a walk is at, or 0 at its end. A cursor is a bucket to begin at, or past all buckets the number of an entry.
   * Walks begin at 0.
   */
  entryAt(cursor: number): number {
    if (cursor > this.buckets) return this.entries.start + (cursor - this.buckets - 1) * this.stride;
    const { data } = this.#options.memory.views;
    for (let bucket = cursor; bucket < this.buckets; bucket++) {
      const entry = data.getUint32(this.bucketCells.start + 4 * bucket, true);
      if (entry !== 0) return entry;
    }
    return 0;
  }

  /** Where a walk goes on behind an entry, whatever becomes of that entry meanwhile. */
  cursorBehind(entry: number): number {
    const { data } = this.#options.memory.views;
    const following = data.getUint32(entry, true);
    if (following !== 0) return this.buckets + 1 + this.numberOf(following);
    return (data.getInt32(entry + 4, true) & (this.buckets - 1)) + 1;
  }

  /** An entry's number, from 0. */
  numberOf(entry: number): number {
    return (entry - this.entries.start) / this.stride;
  }

  #cellOf(hash: number): number {
    return this.bucketCells.start + 4 * (hash & (this.buckets - 1));
  }
}
