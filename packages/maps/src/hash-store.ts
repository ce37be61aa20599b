import type { MapCursorEntry, MapLayout } from "@bpfkit/core";
import { E2BIG, EEXIST, EINVAL, ENOENT } from "./error.js";
import { HASH_NAME } from "./hash.js";
import { HashTable, KEY_OFFSET } from "./hash-table.js";
import {
  BPF_EXIST,
  BPF_NOEXIST,
  checkedCpu,
  copyValue,
  permitValues,
  roundUp8,
  type Store,
  type StoreOptions,
} from "./store.js";

/** Values by key (Linux kernel/bpf/hashtab.c). */
export class HashStore implements Store {
  readonly layout?: MapLayout;
  readonly #options: StoreOptions;
  readonly #table: HashTable;
  /** Bytes from one CPU's value to the next's. */
  readonly #valueStride: number;
  /** A new key takes the place of one not used lately, instead of being refused. */
  readonly #evicts: boolean;
  readonly #capacity: number;

  constructor(options: StoreOptions, evicts = false) {
    const { valueSize, maxEntries, cpus } = options;
    this.#options = options;
    this.#evicts = evicts;
    this.#capacity = maxEntries + 1;
    this.#valueStride = roundUp8(valueSize);
    this.#table = new HashTable(options, {
      valuesSize: this.#valueStride * cpus,
      capacity: this.#capacity,
      buckets: 2 ** Math.ceil(Math.log2(maxEntries)),
      evicts,
      onFirstUse: (entry) => this.#permit(entry),
    });
    if (!options.attached) {
      this.#describe(this.#capacity);
      this.#spare = this.#table.allocate();
    }
    if (!evicts) this.layout = this.#layout();
  }

  /** An entry in no chain, for the next replaced value; the entry of the value it replaces is the spare one then, as in Linux. */
  get #spare(): number {
    return this.#table.state.get("spare") >>> 0;
  }

  set #spare(entry: number) {
    this.#table.state.set("spare", entry);
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
    const { bucketCells, buckets, stride, valueOffset, state } = this.#table;
    const { header, perCpu, memory } = this.#options;
    const cpuStride = perCpu ? this.#valueStride : 0;
    const data = bucketCells.start;
    const keyOffset = KEY_OFFSET;
    const version = memory.views.i64 === undefined ? {} : { version: state.version };
    return {
      kind: "hash",
      header,
      data,
      stride,
      cpuStride,
      buckets,
      keyOffset,
      valueOffset,
      hash: HASH_NAME,
      ...version,
    };
  }

  lookup(key: number, cpu: number): number {
    const entry = this.#table.find(key);
    if (entry === 0) return 0;
    this.#use(entry);
    return this.#valueAt(entry, cpu);
  }

  update(key: number, value: number, flags: number, cpu: number): number {
    if (flags > BPF_EXIST) return EINVAL;
    if (this.#options.memory.views.i64 === undefined) return this.#update(key, value, flags, cpu);
    return this.#table.exclusively(() => this.#update(key, value, flags, cpu));
  }

  #update(key: number, value: number, flags: number, cpu: number): number {
    const old = this.#table.findNow(key);
    if (old !== 0 && flags === BPF_NOEXIST) return EEXIST;
    if (old === 0 && flags === BPF_EXIST) return ENOENT;
    if (old === 0) return this.#insert(key, value, cpu);
    if (this.#options.perCpu) this.#write(old, value, cpu);
    else this.#replace(old, key, value);
    return 0;
  }

  delete(key: number): number {
    return this.#table.exclusively(() => {
      const entry = this.#table.findNow(key);
      if (entry === 0) return ENOENT;
      this.#remove(entry);
      return 0;
    });
  }

  next(cursor: number, cpu: number, entry: MapCursorEntry): number {
    const at = this.#table.entryAt(cursor);
    if (at === 0) return -1;
    entry.key = at + KEY_OFFSET;
    entry.value = this.#valueAt(at, cpu);
    return this.#table.cursorBehind(at);
  }

  exclusively<T>(body: () => T): T {
    return this.#table.exclusively(body);
  }

  #insert(key: number, value: number, cpu: number): number {
    const { state } = this.#table;
    if (state.get("size") === this.#options.maxEntries) {
      if (!this.#evicts) return E2BIG;
      this.#remove(this.#evictable());
    }
    const entry = this.#table.allocate();
    this.#table.setKey(entry, key);
    this.#write(entry, value, cpu);
    if (this.#options.perCpu) this.#clearOthers(entry, cpu);
    this.#table.link(entry);
    state.set("size", state.get("size") + 1);
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
    this.#table.setKey(entry, key);
    this.#write(entry, value, 0);
    this.#table.link(entry);
    this.#table.unlink(old);
    this.#spare = old;
  }

  #remove(entry: number): void {
    const { state } = this.#table;
    this.#table.unlink(entry);
    this.#table.free(entry);
    state.set("size", state.get("size") - 1);
  }

  #write(entry: number, value: number, cpu: number): void {
    const { memory, valueSize } = this.#options;
    copyValue(memory.views, this.#valueAt(entry, cpu), value, valueSize);
    this.#use(entry);
  }

  #use(entry: number): void {
    if (this.#evicts) this.#table.state.setUsed(this.#table.numberOf(entry), true);
  }

  /** The first entry from the hand on that was not used since the hand last passed. The map is full: all are in chains but the spare one. */
  #evictable(): number {
    const { state } = this.#table;
    const spare = this.#table.numberOf(this.#spare);
    for (let hand = state.get("hand"); ; hand = (hand + 1) % this.#capacity) {
      if (hand === spare) continue;
      state.set("hand", hand);
      if (!state.wasUsed(hand)) return this.#table.entryOf(hand);
      state.setUsed(hand, false);
    }
  }

  #permit(entry: number): void {
    const { memory, keySize, valueSize, cpus, access } = this.#options;
    const start = this.#valueAt(entry, 0);
    memory.permit(entry + KEY_OFFSET, keySize, "read");
    permitValues(memory, access, { start, size: valueSize, stride: this.#valueStride, count: cpus });
  }

  #valueAt(entry: number, cpu: number): number {
    const of = this.#options.perCpu ? checkedCpu(this.#options, cpu) : 0;
    return entry + this.#table.valueOffset + of * this.#valueStride;
  }
}
