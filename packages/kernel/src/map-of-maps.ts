import type { MapId, MapSpec } from "@bpfkit/core";
import { attributes, LAYOUTS } from "./attributes.js";
import { COMMANDS, command } from "./command.js";
import { KernelError } from "./error.js";
import { KernelMap } from "./map.js";

/** Bytes of `struct bpf_map_info` up to and with `id`, and where that lies (uapi/linux/bpf.h). */
const INFO_BYTES = 8;
const INFO_ID = 4;

/**
 * A map of maps. Its values are the numbers of maps of the session, as for every other map of maps; the kernel takes
 * descriptors and gives its own numbers back.
 */
export class KernelMapOfMaps extends KernelMap {
  readonly #maps: () => Iterable<KernelMap>;

  constructor(spec: MapSpec, id: MapId, descriptor: number, closed: () => void, maps: () => Iterable<KernelMap>) {
    super(spec, id, descriptor, closed);
    this.#maps = maps;
  }

  override get(key: Uint8Array): Uint8Array | undefined {
    const value = super.get(key);
    if (value === undefined) return undefined;
    const number = wordOf(value);
    const inner = this.#find((map) => kernelNumber(map) === number, `with the kernel's number ${number}`);
    return bytesOf(inner.id);
  }

  override set(key: Uint8Array, value: Uint8Array, flags = 0): void {
    if (value.length !== 4)
      throw new KernelError("EINVAL", `map ${this.spec.name} has values of 4 bytes, not ${value.length}`);
    const id = wordOf(value);
    super.set(key, bytesOf(this.#find((map) => map.id === id, `number ${id}`).descriptor), flags);
  }

  #find(fits: (map: KernelMap) => boolean, what: string): KernelMap {
    for (const map of this.#maps()) if (fits(map)) return map;
    throw new KernelError("UNKNOWN_MAP", `map ${this.spec.name}: the session has no map ${what}`);
  }
}

function kernelNumber(map: KernelMap): number {
  const info = new DataView(new ArrayBuffer(INFO_BYTES));
  const fields = attributes(LAYOUTS.info, { descriptor: map.descriptor, size: INFO_BYTES, info });
  command(COMMANDS.info, fields, `asking for the number of map ${map.spec.name}`);
  return info.getUint32(INFO_ID, true);
}

const wordOf = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
const bytesOf = (word: number): Uint8Array => new Uint8Array(Uint32Array.of(word).buffer);
