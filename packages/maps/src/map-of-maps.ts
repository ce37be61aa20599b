import type { GuestMapOperations, MapId, MapSpec, MapStorage } from "@bpfkit/core";
import { MapError, type MapErrorCode } from "./error.js";
import { LocalMap, type LocalMapKind } from "./local-map.js";
import { BPF_F_INNER_MAP, BPF_F_RDONLY, BPF_F_WRONLY, type MapOptions } from "./spec.js";

/** A map whose values are maps. Programs look them up; only user space puts them in. */
export interface MapOfMaps extends MapStorage {
  /** The map under a key; undefined where there is none. */
  mapAt(key: Uint8Array): MapStorage | undefined;
  /**
   * Puts a map in. `flags` as for `set`; an array takes only 0.
   * @throws {MapError} `EINVAL` where the map is not like the template (`bpf_map_meta_equal`), and as `set` does.
   */
  setMap(key: Uint8Array, map: MapStorage, flags?: number): void;
}

/** Whether a map is one of maps. */
export function isMapOfMaps(map: MapStorage): map is MapOfMaps {
  return map.spec.type === "array_of_maps" || map.spec.type === "hash_of_maps";
}

/** @throws {MapError} `EINVAL` without a template or with one that is itself of maps, `ENOTSUPP` for a program array. */
export function checkTemplate({ name, inner }: MapSpec): MapSpec {
  const refuse = (code: MapErrorCode, what: string): never => {
    throw new MapError(code, `map ${name}: ${what}`);
  };
  if (inner === undefined) return refuse("EINVAL", "its spec says nothing of the maps inside (inner)");
  if (inner.type.endsWith("_of_maps")) refuse("EINVAL", "maps of maps hold no maps of maps");
  if (inner.type === "prog_array") refuse("ENOTSUPP", "maps of maps hold no program arrays");
  return inner;
}

/** Array or hash of maps, by the kind of its cells: each holds the guest address of a map's header, 0 for none. */
export class LocalMapOfMaps implements MapOfMaps {
  readonly guest: GuestMapOperations;
  readonly #cells: LocalMap;
  readonly #template: MapSpec;
  readonly #maps = new Map<number, MapStorage>();

  constructor(spec: MapSpec, kind: LocalMapKind, options: MapOptions) {
    this.#template = checkTemplate(spec);
    this.#cells = new LocalMap(spec, kind, options);
    const { guest } = this.#cells;
    const { memory } = options;
    const refuse = (): never => {
      throw this.#error("UNSUPPORTED_OPERATION", `programs can only look up in ${spec.type}`);
    };
    this.guest = {
      lookup: (key, cpu) => {
        const cell = guest.lookup(key, cpu);
        return cell === 0 ? 0 : memory.views.data.getUint32(cell, true);
      },
      update: refuse,
      delete: refuse,
      next: refuse,
    };
  }

  get spec(): MapSpec {
    return this.#cells.spec;
  }

  get id(): MapId {
    return this.#cells.id;
  }

  get header(): MapStorage["header"] {
    return this.#cells.header;
  }

  mapAt(key: Uint8Array): MapStorage | undefined {
    const cell = this.#cells.get(key);
    return cell === undefined ? undefined : this.#maps.get(new DataView(cell.buffer).getUint32(0, true));
  }

  setMap(key: Uint8Array, map: MapStorage, flags = 0): void {
    const isArray = this.spec.type === "array_of_maps";
    if (isArray && flags !== 0) throw this.#error("EINVAL", `a map is put in with flags 0 (BPF_ANY), not ${flags}`);
    this.#checkLikeTemplate(map.spec);
    const cell = new Uint8Array(4);
    new DataView(cell.buffer).setUint32(0, map.header, true);
    this.#cells.set(key, cell, flags);
    this.#maps.set(map.header, map);
  }

  /** The inner map's id in 4 bytes, little endian; undefined where there is none. */
  get(key: Uint8Array): Uint8Array | undefined {
    const map = this.mapAt(key);
    if (map === undefined) return undefined;
    const value = new Uint8Array(4);
    new DataView(value.buffer).setUint32(0, map.id, true);
    return value;
  }

  /** Always refused: the kernel takes a file descriptor here, for which there is no such thing; `setMap` is the way. */
  set(): never {
    throw this.#error("EINVAL", "bytes name no map; use setMap");
  }

  delete(key: Uint8Array): void {
    if (this.spec.type === "hash_of_maps") this.#cells.delete(key);
    else this.#clear(key);
  }

  /** What deleting is in an array, whose entries are always there. */
  #clear(index: Uint8Array): void {
    const cell = this.#cells.get(index);
    if (cell === undefined) throw this.#error("E2BIG", `its last index is ${this.spec.maxEntries - 1}`);
    if (cell.every((byte) => byte === 0)) throw this.#error("ENOENT", "there is no map at that index");
    this.#cells.set(index, new Uint8Array(4));
  }

  keys(): Iterable<Uint8Array> {
    return this.#cells.keys();
  }

  /** Always refused: the maps inside belong to the thread that put them in. */
  share(): never {
    throw this.#error("NOT_SHAREABLE", "other threads cannot attach to a map of maps");
  }

  dispose(): void {
    this.#maps.clear();
    this.#cells.dispose();
  }

  #checkLikeTemplate(map: MapSpec): void {
    const { maxEntries } = this.#template;
    const permanent = (spec: MapSpec): number => spec.flags & ~(BPF_F_RDONLY | BPF_F_WRONLY);
    for (const field of ["type", "keySize", "valueSize"] as const) {
      if (map[field] === this.#template[field]) continue;
      throw this.#error(
        "EINVAL",
        `${field} of map ${map.name} is ${map[field]}, of the maps inside ${this.#template[field]}`,
      );
    }
    if (permanent(map) !== permanent(this.#template))
      throw this.#error(
        "EINVAL",
        `flags of map ${map.name} are ${map.flags}, of the maps inside ${this.#template.flags}`,
      );
    const sized = map.type === "array" && (this.#template.flags & BPF_F_INNER_MAP) === 0;
    if (sized && map.maxEntries !== maxEntries)
      throw this.#error("EINVAL", `map ${map.name} has ${map.maxEntries} entries, the maps inside ${maxEntries}`);
  }

  #error(code: MapErrorCode, what: string): MapError {
    return new MapError(code, `map ${this.spec.name}: ${what}`);
  }
}
