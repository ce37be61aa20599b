import type { MapId, MapSpec, MapStorage } from "@bpfkit/core";
import { attributes, LAYOUTS } from "./attributes.js";
import { COMMANDS, command } from "./command.js";
import { KernelError } from "./error.js";
import { KernelMap } from "./map.js";

/** Bytes of `struct bpf_map_info` up to and with `id`, and where that lies (uapi/linux/bpf.h). */
const INFO_BYTES = 8;
const INFO_ID = 4;

/** A map of maps. Its values are maps of the same session; the kernel takes descriptors and gives its own numbers back. */
export class KernelMapOfMaps extends KernelMap {
  readonly #maps: () => Iterable<KernelMap>;

  constructor(spec: MapSpec, id: MapId, descriptor: number, closed: () => void, maps: () => Iterable<KernelMap>) {
    super(spec, id, descriptor, closed);
    this.#maps = maps;
  }

  /** The map under a key; undefined where there is none, or one that is not of this session. */
  mapAt(key: Uint8Array): MapStorage | undefined {
    const value = super.get(key);
    if (value === undefined) return undefined;
    const number = new DataView(value.buffer).getUint32(0, true);
    for (const map of this.#maps()) if (kernelNumber(map) === number) return map;
    return undefined;
  }

  /** Puts a map in. @throws {KernelError} `UNKNOWN_MAP` where it is no map of the kernel, and as `set` does. */
  setMap(key: Uint8Array, map: MapStorage, flags = 0): void {
    if (!(map instanceof KernelMap)) {
      throw new KernelError("UNKNOWN_MAP", `map ${this.spec.name}: map ${map.spec.name} is no map of the kernel`);
    }
    super.set(key, wordOf(map.descriptor), flags);
  }

  /** The inner map's id in 4 bytes, little endian; undefined where there is none. */
  override get(key: Uint8Array): Uint8Array | undefined {
    const map = this.mapAt(key);
    return map === undefined ? undefined : wordOf(map.id);
  }

  /** Always refused: `setMap` is the way. */
  override set(): never {
    throw new KernelError("EINVAL", `map ${this.spec.name}: bytes name no map; use setMap`);
  }
}

function kernelNumber(map: KernelMap): number {
  const info = new DataView(new ArrayBuffer(INFO_BYTES));
  const fields = attributes(LAYOUTS.info, { descriptor: map.descriptor, size: INFO_BYTES, info });
  command(COMMANDS.info, fields, `asking for the number of map ${map.spec.name}`);
  return info.getUint32(INFO_ID, true);
}

const wordOf = (word: number): Uint8Array => new Uint8Array(Uint32Array.of(word).buffer);
