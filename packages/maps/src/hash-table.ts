import type { MemoryViews, Region } from "@bpfkit/core";
import { equalKeys, hashKey } from "./hash.js";
import { HashState, stateBytes } from "./hash-state.js";
import { locked } from "./lock.js";
import { copyBytes, roundUp8, type StoreOptions } from "./store.js";

/** Bytes of an entry before its key: the next entry's address and the key's hash. */
export const KEY_OFFSET = 8;

/** What a hash table is made from beside the map's own options; sizes are in bytes. */
export interface HashTableOptions {
  /** Of all CPUs' values together, a multiple of 8. */
  readonly valuesSize: number;
  /** Entries there are. */
  readonly capacity: number;
  /** Chains; a power of two. */
  readonly buckets: number;
  /** Whether the map keeps which entries were used. */
  readonly evicts: boolean;
  /** Called once for each entry, when it is first handed out. */
  readonly onFirstUse: (entry: number) => void;
}

/** Looks for a key that is not there while others take entries out, before it waits for them. */
const TRIES = 16;

/**
 * Chains of entries in guest memory. An entry is known by its guest address. Entries that were never used are handed out in
 * order, so that a table of a million costs no more than its reservation; freed ones are handed out again last in, first out.
 * A freed entry keeps its bytes until then: a program that still has its value's address reads what was there.
 *
 * In shared memory one thread changes chains at a time, while others go along them. What they meet:
 * - An entry is complete before the one store that puts it first in its chain, its hash last of all.
 * - An entry that is taken out keeps its link, so who stands on it goes on. The link led to an entry of that chain then; so
 *   links of entries that were taken out never lead round in a circle.
 * - Used again, it may lead into another chain, past the key that is looked for. So the version goes on before and behind
 *   taking one out: a key is missing only if the version was even, and is the same at the chain's end.
 */
export class HashTable {
  readonly entries: Region;
  readonly bucketCells: Region;
  readonly state: HashState;
  readonly buckets: number;
  /** Bytes from one entry to the next. */
  readonly stride: number;
  readonly valueOffset: number;
  readonly #map: StoreOptions;
  readonly #onFirstUse: (entry: number) => void;

  constructor(map: StoreOptions, { valuesSize, capacity, buckets, evicts, onFirstUse }: HashTableOptions) {
    const { memory, name, keySize } = map;
    this.#map = map;
    this.#onFirstUse = onFirstUse;
    this.buckets = buckets;
    this.valueOffset = KEY_OFFSET + roundUp8(keySize);
    this.stride = this.valueOffset + valuesSize;
    this.bucketCells = map.region(`the buckets of map \`${name}\``, 4 * buckets, "none");
    this.entries = map.region(`the entries of map \`${name}\``, this.stride * capacity, "none");
    const state = map.region(`the state of map \`${name}\``, stateBytes(capacity, evicts), "none");
    this.state = new HashState(memory, state, capacity);
  }

  /** The entry with that key, or 0. */
  find(key: number): number {
    if (this.#map.memory.views.i64 === undefined) return this.findNow(key);
    for (let left = TRIES; left > 0; left--) {
      const version = this.state.readVersion();
      const entry = this.findNow(key);
      if (entry !== 0 || ((version & 1) === 0 && this.state.readVersion() === version)) return entry;
    }
    return this.exclusively(() => this.findNow(key));
  }

  /** Does something while no other thread changes chains. */
  exclusively<T>(body: () => T): T {
    return locked(this.#map.memory.views, this.state.lock, this.#map.name, body);
  }

  /** The same where no other thread changes chains; 0 says nothing if one does. */
  findNow(key: number): number {
    const { memory, keySize } = this.#map;
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
    const freed = this.state.pop();
    if (freed !== undefined) return this.entryOf(freed);
    const handedOut = this.state.get("handedOut");
    this.state.set("handedOut", handedOut + 1);
    const entry = this.entryOf(handedOut);
    this.#onFirstUse(entry);
    return entry;
  }

  /** Copies the key into an allocated entry. It may lie in the entry's own old value: it is copied before that changes. */
  setKey(entry: number, key: number): void {
    const { memory, keySize } = this.#map;
    copyBytes(memory.views, entry + KEY_OFFSET, key, keySize);
  }

  /** Puts an entry that has its key and value first in the key's chain. */
  link(entry: number): void {
    const { memory, keySize } = this.#map;
    const { views } = memory;
    const hash = hashKey(views.data, entry + KEY_OFFSET, keySize);
    const cell = this.#cellOf(hash);
    // Each store behind the one before.
    storeWord(views, entry + 4, hash);
    storeWord(views, entry, views.data.getInt32(cell, true));
    storeWord(views, cell, entry);
  }

  /** Takes an entry out of its chain. Its own bytes stay, so that whoever walks over it can go on. */
  unlink(entry: number): void {
    const { views } = this.#map.memory;
    const { data } = views;
    let cell = this.#cellOf(data.getInt32(entry + 4, true));
    while (data.getUint32(cell, true) !== entry) cell = data.getUint32(cell, true);
    const next = data.getInt32(entry, true);
    if (views.i64 === undefined) data.setInt32(cell, next, true);
    else this.state.whileOdd(() => storeWord(views, cell, next));
  }

  /** Gives an entry that is in no chain back. */
  free(entry: number): void {
    this.state.push(this.numberOf(entry));
  }

  /**
   * The entry a walk is at, or 0 at its end. A cursor is a bucket to begin at, or past all buckets the number of an entry.
   * Walks begin at 0.
   */
  entryAt(cursor: number): number {
    if (cursor > this.buckets) return this.entryOf(cursor - this.buckets - 1);
    const { data } = this.#map.memory.views;
    for (let bucket = cursor; bucket < this.buckets; bucket++) {
      const entry = data.getUint32(this.bucketCells.start + 4 * bucket, true);
      if (entry !== 0) return entry;
    }
    return 0;
  }

  /** Where a walk goes on behind an entry, whatever becomes of that entry meanwhile. */
  cursorBehind(entry: number): number {
    const { data } = this.#map.memory.views;
    const following = data.getUint32(entry, true);
    if (following !== 0) return this.buckets + 1 + this.numberOf(following);
    return (data.getInt32(entry + 4, true) & (this.buckets - 1)) + 1;
  }

  /** An entry's number, from 0. */
  numberOf(entry: number): number {
    return (entry - this.entries.start) / this.stride;
  }

  /** The entry with a number. */
  entryOf(number: number): number {
    return this.entries.start + number * this.stride;
  }

  #cellOf(hash: number): number {
    return this.bucketCells.start + 4 * (hash & (this.buckets - 1));
  }
}

/** Stores 4 aligned bytes; in shared memory behind everything that was stored before. */
function storeWord({ data, i32, i64 }: MemoryViews, address: number, value: number): void {
  if (i64 === undefined) data.setInt32(address, value, true);
  else Atomics.store(i32, address >>> 2, value | 0);
}
