import type { MapCursorEntry, MapLayout } from "@bpfkit/core";
import { E2BIG, EEXIST, EINVAL, ENOENT } from "./error.js";
import { HASH_NAME } from "./hash.js";
import { HashTable, KEY_OFFSET } from "./hash-table.js";
import { BPF_EXIST, BPF_NOEXIST, checkedCpu, permitValues, roundUp8, type Store, type StoreOptions } from "./store.js";

/** Values by key (Linux kernel/bpf/hashtab.c). */
export class HashStore implements Store {
  readonly layout?: MapLayout;
  readonly #options: StoreOptions;
  readonly #table: HashTable;
  /** Bytes from one CPU's value to the next's. */
  readonly #valueStride: number;
  /** Of a map that makes room by itself: which entries were used since the hand last passed. */
  readonly #used: Uint8Array | undefined;
  #hand = 0;
  #size = 0;
  /** An entry in no chain, for the next replaced value; the entry of the value it replaces is the spare one then, as in Linux. */
  #spare: number;

  /** `evicts`: a new key takes the place of one not used lately, instead of being refused. */
  constructor(options: StoreOptions, evicts = false) {
    const { memory, name, keySize, valueSize, maxEntries, cpus } = options;
    const capacity = maxEntries + 1;
    this.#options = options;
    this.#valueStride = roundUp8(valueSize);
    this.#table = new HashTable({
      memory,
      name,
      keySize,
      valuesSize: this.#valueStride * cpus,
      capacity,
      buckets: 2 ** Math.ceil(Math.log2(maxEntries)),
      onFirstUse: (entry) => this.#permit(entry),
    });
    this.#describe(capacity);
    this.#spare = this.#table.allocate();
    this.#used = evicts ? new Uint8Array(capacity) : undefined;
    if (!evicts) this.layout = this.#layout();
  }

  #describe(capacity: number): void {
    const { memory, name, keySize, valueSize, cpus, perCpu } = this.#options;
    const { entries, stride } = this.#table;
    memory.describe(entries.start + KEY_OFFSET, `the key of map \`${name}\``, keySize, stride, capacity);
    for (let cpu = 0; cpu < cpus; cpu++) {
      const on = perCpu ? ` on CPU ${cpu}` : "";
      memory.describe(
        this.#valueAt(entries.start, cpu),
        `the value of map \`${name}\`${on}`,
        valueSize,
        stride,
        capacity,
      );
    }
  }

  #layout(): MapLayout {
    const { bucketCells, buckets, stride, valueOffset } = this.#table;
    const { header, perCpu } = this.#options;
    const cpuStride = perCpu ? this.#valueStride : 0;
    const data = bucketCells.start;
    const keyOffset = KEY_OFFSET;
    return { kind: "hash", header, data, stride, cpuStride, buckets, keyOffset, valueOffset, hash: HASH_NAME };
  }

  lookup(key: number, cpu: number): number {
    const entry = this.#table.find(key);
    if (entry === 0) return 0;
    this.#use(entry);
    return this.#valueAt(entry, cpu);
  }

  update(key: number, value: number, flags: number, cpu: number): number {
    if (flags > BPF_EXIST) return EINVAL;
    const old = this.#table.find(key);
    if (old !== 0 && flags === BPF_NOEXIST) return EEXIST;
    if (old === 0 && flags === BPF_EXIST) return ENOENT;
    if (old === 0) return this.#insert(key, value, cpu);
    if (this.#options.perCpu) this.#write(old, value, cpu);
    else this.#replace(old, key, value);
    return 0;
  }

  delete(key: number): number {
    const entry = this.#table.find(key);
    if (entry === 0) return ENOENT;
    this.#remove(entry);
    return 0;
  }

  next(cursor: number, cpu: number, entry: MapCursorEntry): number {
    const at = this.#table.entryAt(cursor);
    if (at === 0) return -1;
    entry.key = at + KEY_OFFSET;
    entry.value = this.#valueAt(at, cpu);
    return this.#table.cursorBehind(at);
  }

  dispose(): void {
    this.#table.dispose();
  }

  #insert(key: number, value: number, cpu: number): number {
    if (this.#size === this.#options.maxEntries) {
      if (this.#used === undefined) return E2BIG;
      this.#remove(this.#evictable(this.#used));
    }
    const entry = this.#table.allocate();
    this.#table.link(entry, key);
    this.#write(entry, value, cpu);
    if (this.#options.perCpu) this.#clearOthers(entry, cpu);
    this.#size++;
    return 0;
  }

  /** What was there before must not show on CPUs that have no value yet. */
  #clearOthers(entry: number, cpu: number): void {
    const { memory, cpus } = this.#options;
    for (let other = 0; other < cpus; other++) {
      const value = this.#valueAt(entry, other);
      if (other !== cpu) memory.views.u8.fill(0, value, value + this.#valueStride);
    }
  }

  /** The new value gets an entry of its own: who has the old value's address goes on seeing the old value. */
  #replace(old: number, key: number, value: number): void {
    const entry = this.#spare;
    this.#table.link(entry, key);
    this.#write(entry, value, 0);
    this.#table.unlink(old);
    this.#spare = old;
  }

  #remove(entry: number): void {
    this.#table.unlink(entry);
    this.#table.free(entry);
    this.#size--;
  }

  #write(entry: number, value: number, cpu: number): void {
    const { memory, valueSize } = this.#options;
    memory.views.u8.copyWithin(this.#valueAt(entry, cpu), value, value + valueSize);
    this.#use(entry);
  }

  #use(entry: number): void {
    if (this.#used !== undefined) this.#used[this.#table.numberOf(entry)] = 1;
  }

  /** The first entry from the hand on that was not used since the hand last passed. The map is full: all are in chains but the spare one. */
  #evictable(used: Uint8Array): number {
    const { entries, stride } = this.#table;
    for (; ; this.#hand = (this.#hand + 1) % used.length) {
      const entry = entries.start + this.#hand * stride;
      if (entry === this.#spare) continue;
      if (used[this.#hand] === 0) return entry;
      used[this.#hand] = 0;
    }
  }

  #permit(entry: number): void {
    const { memory, keySize, valueSize, cpus, access } = this.#options;
    const start = this.#valueAt(entry, 0);
    memory.permit(entry + KEY_OFFSET, keySize, "read");
    permitValues(memory, access, { start, size: valueSize, stride: this.#valueStride, count: cpus });
  }

  #valueAt(entry: number, cpu: number): number {
    return entry + this.#table.valueOffset + checkedCpu(this.#options, cpu) * this.#valueStride;
  }
}
