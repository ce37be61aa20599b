import type { MapCursorEntry, MapLayout, Region } from "@bpfkit/core";
import { E2BIG, EEXIST, EINVAL } from "./error.js";
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

/** Values by index, all of them there from the start (Linux kernel/bpf/arraymap.c). */
export class ArrayStore implements Store {
  readonly layout: MapLayout;
  readonly #options: StoreOptions;
  /** The index of each entry, for callbacks, which are given a key's address. Filled when first walked over. */
  readonly #keys: Region;

  constructor(options: StoreOptions) {
    const { name, header, valueSize, maxEntries, perCpu, cpus } = options;
    const stride = roundUp8(valueSize);
    const cpuStride = stride * maxEntries;
    this.#options = options;
    const data = options.region(`the values of map \`${name}\``, cpuStride * cpus, "none").start;
    this.#keys = options.region(`the keys of map \`${name}\``, 4 * maxEntries, "read");
    this.layout = { kind: "array", header, data, stride, cpuStride: perCpu ? cpuStride : 0 };
    if (!options.attached) this.#permit(data, stride, cpuStride);
  }

  #permit(data: number, stride: number, cpuStride: number): void {
    const { memory, name, valueSize, maxEntries, perCpu, cpus, access } = this.#options;
    permitValues(memory, access, { start: data, size: valueSize, stride, count: maxEntries * cpus });
    for (let cpu = 0; cpu < cpus; cpu++) {
      const on = perCpu ? ` on CPU ${cpu}` : "";
      memory.describe(data + cpu * cpuStride, `the value of map \`${name}\`${on}`, valueSize, stride, maxEntries);
    }
  }

  lookup(key: number, cpu: number): number {
    const index = this.#options.memory.views.data.getUint32(key, true);
    return index < this.#options.maxEntries ? this.#valueAt(index, cpu) : 0;
  }

  update(key: number, value: number, flags: number, cpu: number): number {
    if (flags > BPF_EXIST) return EINVAL;
    const { memory, maxEntries, valueSize } = this.#options;
    const index = memory.views.data.getUint32(key, true);
    if (index >= maxEntries) return E2BIG;
    if (flags === BPF_NOEXIST) return EEXIST;
    copyValue(memory.views, this.#valueAt(index, cpu), value, valueSize);
    return 0;
  }

  delete(): number {
    return EINVAL;
  }

  next(cursor: number, cpu: number, entry: MapCursorEntry): number {
    if (cursor >= this.#options.maxEntries) return -1;
    entry.key = this.#keys.start + 4 * cursor;
    entry.value = this.#valueAt(cursor, cpu);
    this.#options.memory.views.data.setUint32(entry.key, cursor, true);
    return cursor + 1;
  }

  /** Which entries there are never changes. */
  exclusively<T>(body: () => T): T {
    return body();
  }

  #valueAt(index: number, cpu: number): number {
    return this.layout.data + index * this.layout.stride + checkedCpu(this.#options, cpu) * this.layout.cpuStride;
  }
}
