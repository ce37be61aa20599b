import type {
  GuestMapOperations,
  MapCursorEntry,
  MapId,
  MapLayout,
  MapSpec,
  MapStorage,
  Permission,
  Region,
  SharedMap,
} from "@bpfkit/core";
import { encodeMapHeader, MAP_HEADER_BYTES } from "@bpfkit/core";
import { MapError, type MapErrorCode, throwErrno } from "./error.js";
import { BPF_F_RDONLY, BPF_F_WRONLY, type MapOptions } from "./spec.js";
import { roundUp8, type Store, type StoreOptions } from "./store.js";

/** How a type of map is stored, and which number it has. */
export interface LocalMapKind {
  /** `BPF_MAP_TYPE_*`. */
  readonly type: number;
  readonly perCpu: boolean;
  readonly access: StoreOptions["access"];
  makeStore(options: StoreOptions): Store;
}

/** A map in guest memory: the commands of `bpf(2)` on top of what programs do. */
export class LocalMap implements MapStorage {
  readonly spec: MapSpec;
  readonly id: MapId;
  readonly header: Region["start"];
  readonly cpus?: number;
  readonly guest: GuestMapOperations;
  readonly layout?: MapLayout;
  readonly #options: MapOptions;
  readonly #store: Store;
  /** What all threads use of it, in the order it was reserved. */
  readonly #regions: Region[];
  readonly #attached: boolean;
  /** A key and a value of user space, where the store can read them. */
  readonly #scratch: Region;
  readonly #cpus: number;
  /** Bytes from one CPU's value to the next's in the bytes of `get` and `set`. */
  readonly #cpuStep: number;
  #frozen = false;

  /** `shared`: what another thread reserved for it, where one made it. */
  constructor(spec: MapSpec, kind: LocalMapKind, options: MapOptions, shared?: readonly Region[]) {
    const { name, keySize, valueSize, maxEntries } = spec;
    const { memory, id } = options;
    const attached = shared !== undefined;
    this.spec = spec;
    this.id = id;
    this.#options = options;
    this.#attached = attached;
    this.#regions = [];
    this.#cpus = kind.perCpu ? (options.cpus ?? 1) : 1;
    this.#cpuStep = kind.perCpu ? roundUp8(valueSize) : valueSize;
    const region = (what: string, size: number, permission: Permission): Region => {
      const one = shared?.[this.#regions.length] ?? memory.reserve(what, size, permission);
      this.#regions.push(one);
      return one;
    };
    this.header = region(`the header of map \`${name}\``, MAP_HEADER_BYTES, "read").start;
    if (!attached) memory.views.u8.set(encodeMapHeader(kind.type, spec, id), this.header);
    this.#scratch = memory.reserve(`a key and value of map \`${name}\``, roundUp8(keySize) + this.#valuesSize, "none");
    const { access, perCpu } = kind;
    const sizes = { keySize, valueSize, maxEntries, cpus: this.#cpus };
    this.#store = kind.makeStore({ memory, name, header: this.header, ...sizes, perCpu, access, region, attached });
    this.guest = this.#store;
    if (perCpu) this.cpus = this.#cpus;
    if (this.#store.layout !== undefined) this.layout = this.#store.layout;
    if (spec.contents !== undefined && !attached) this.#fill(spec.contents);
    this.#frozen = spec.frozen === true;
  }

  share(): SharedMap {
    const { spec, id } = this;
    if (this.#options.memory.views.i64 === undefined)
      throw this.#error("NOT_SHAREABLE", "its guest memory was not made to be shared");
    return { spec, id, cpus: this.#options.cpus ?? 1, regions: this.#regions };
  }

  /** Sets the first value to an object's bytes; what they leave of it is zero. */
  #fill(contents: Uint8Array): void {
    const value = new Uint8Array(this.#valuesSize);
    value.set(contents);
    this.set(new Uint8Array(this.spec.keySize), value);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#refuse(BPF_F_WRONLY, "BPF_F_WRONLY");
    const at = this.#putKey(key);
    return this.#store.exclusively(() => this.#valuesAt(at));
  }

  #valuesAt(key: number): Uint8Array | undefined {
    const values = new Uint8Array(this.#valuesSize);
    for (let cpu = 0; cpu < this.#cpus; cpu++) {
      const value = this.#store.lookup(key, cpu);
      if (value === 0) return undefined;
      values.set(this.#bytes(value, this.spec.valueSize), cpu * this.#cpuStep);
    }
    return values;
  }

  set(key: Uint8Array, value: Uint8Array, flags = 0): void {
    this.#refuseWrite();
    if (value.length !== this.#valuesSize)
      throw this.#error("EINVAL", `a value has ${this.#valuesSize} bytes (${this.#cpus} CPUs), not ${value.length}`);
    const at = this.#putKey(key);
    const valueAt = this.#scratch.start + roundUp8(this.spec.keySize);
    this.#options.memory.views.u8.set(value, valueAt);
    for (let cpu = 0; cpu < this.#cpus; cpu++) {
      // The first CPU decides whether there is such a key; the others only fill in what it made.
      const result = this.#store.update(at, valueAt + cpu * this.#cpuStep, cpu === 0 ? flags : 0, cpu);
      throwErrno(result, this.spec.name, `setting key ${hex(key)} with flags ${flags}`);
    }
  }

  delete(key: Uint8Array): void {
    this.#refuseWrite();
    throwErrno(this.#store.delete(this.#putKey(key)), this.spec.name, `deleting key ${hex(key)}`);
  }

  *keys(): Iterable<Uint8Array> {
    this.#refuse(BPF_F_WRONLY, "BPF_F_WRONLY");
    if (this.#options.memory.views.i64 !== undefined) {
      // Other threads' changes must not lead a walk about.
      yield* this.#store.exclusively(() => [...this.#walk()]);
    } else yield* this.#walk();
  }

  *#walk(): Iterable<Uint8Array> {
    const entry: MapCursorEntry = { key: 0, value: 0 };
    for (let cursor = this.#store.next(0, 0, entry); cursor >= 0; cursor = this.#store.next(cursor, 0, entry)) {
      yield this.#bytes(entry.key, this.spec.keySize);
    }
  }

  dispose(): void {
    const { memory } = this.#options;
    memory.release(this.#scratch);
    if (!this.#attached) for (const region of this.#regions) memory.release(region);
  }

  /** Bytes of all CPUs' values as user space sees them. */
  get #valuesSize(): number {
    return this.#cpuStep * this.#cpus;
  }

  /** Puts a key of user space where the store can read it. */
  #putKey(key: Uint8Array): number {
    const { keySize } = this.spec;
    if (key.length !== keySize) throw this.#error("EINVAL", `a key has ${keySize} bytes, not ${key.length}`);
    this.#options.memory.views.u8.set(key, this.#scratch.start);
    return this.#scratch.start;
  }

  #bytes(address: number, size: number): Uint8Array {
    return this.#options.memory.views.u8.slice(address, address + size);
  }

  #refuse(flag: number, name: string): void {
    if ((this.spec.flags & flag) !== 0) throw this.#error("EPERM", `it was created with ${name}`);
  }

  #refuseWrite(): void {
    this.#refuse(BPF_F_RDONLY, "BPF_F_RDONLY");
    if (this.#frozen) throw this.#error("EPERM", "it is frozen");
  }

  #error(code: MapErrorCode, what: string): MapError {
    return new MapError(code, `map ${this.spec.name}: ${what}`);
  }
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
