import { isProgramArray, type MapStorage } from "@bpfkit/core";
import { isMapOfMaps } from "@bpfkit/maps";
import { VmError } from "./error.js";
import { fromHex, toHex } from "./hex.js";

/** One entry of a map as JSON: keys and values in hex, all CPUs' values where it has one for each. */
export interface MapEntry {
  readonly key: string;
  readonly value?: string;
  readonly values?: readonly string[];
  /** The value by its BTF type, where the object has one. */
  readonly decoded?: unknown;
}

/** Where names and types of a map's values come from. */
export interface DumpOptions {
  /** Array entries that are all zero, too. */
  readonly all?: boolean;
  /** The map whose header or id a value of a map of maps holds. */
  readonly mapName?: (value: Uint8Array) => string | undefined;
  readonly decode?: (map: MapStorage, value: Uint8Array) => unknown;
}

/**
 * A map's entries as JSON: of an array by index, of others by key. Array entries that are all zero are left out, unless
 * `all`. @throws the map's own error where user space may not read it.
 */
export function dumpMap(map: MapStorage, options: DumpOptions = {}): MapEntry[] {
  if (isProgramArray(map))
    return map.programs().map(([index, program]) => ({ key: toHex(u32Key(index)), value: program.name }));
  const entries: MapEntry[] = [];
  for (const key of map.keys()) {
    const value = map.get(key);
    if (value === undefined) continue;
    if (!options.all && isArray(map) && value.every((byte) => byte === 0)) continue;
    entries.push({ key: toHex(key), ...wordValue(map, value, options) });
  }
  return isArray(map) ? entries : entries.sort((one, other) => (one.key < other.key ? -1 : 1));
}

function wordValue(map: MapStorage, value: Uint8Array, { mapName, decode }: DumpOptions): Omit<MapEntry, "key"> {
  if (isMapOfMaps(map)) return { value: mapName?.(value) ?? toHex(value) };
  if (map.cpus !== undefined) return { values: splitPerCpu(map, value).map(toHex) };
  const decoded = decode?.(map, value);
  return { value: toHex(value), ...(decoded === undefined ? {} : { decoded }) };
}

/**
 * Writes entries into a map, as `dumpMap` prints them.
 * @throws {VmError} `BAD_CONTENTS` for keys or values of the wrong length or number, `UNSUPPORTED` for maps that hold
 * programs or maps; the map's own error where it refuses.
 */
export function seedMap(map: MapStorage, entries: readonly MapEntry[]): void {
  const { name, keySize } = map.spec;
  if (isProgramArray(map)) throw new VmError("UNSUPPORTED", `map ${name} holds programs; fill it by slots`);
  if (isMapOfMaps(map)) throw new VmError("UNSUPPORTED", `map ${name} holds maps; bytes name none`);
  for (const entry of entries) {
    const key = fromHex(entry.key, `a key of map ${name}`);
    if (key.length !== keySize)
      throw new VmError("BAD_CONTENTS", `a key of map ${name} has ${keySize} bytes, not ${key.length}`);
    map.set(key, valueBytes(map, entry));
  }
}

function valueBytes(map: MapStorage, { value, values }: MapEntry): Uint8Array {
  const { name, valueSize } = map.spec;
  const parse = (text: string): Uint8Array => {
    const bytes = fromHex(text, `a value of map ${name}`);
    if (bytes.length === valueSize) return bytes;
    throw new VmError("BAD_CONTENTS", `a value of map ${name} has ${valueSize} bytes, not ${bytes.length}`);
  };
  if (map.cpus === undefined) {
    if (value === undefined) throw new VmError("BAD_CONTENTS", `an entry of map ${name} needs "value"`);
    return parse(value);
  }
  const all = values ?? (value === undefined ? [] : new Array<string>(map.cpus).fill(value));
  if (all.length !== map.cpus)
    throw new VmError("BAD_CONTENTS", `an entry of map ${name} needs "values", one for each of ${map.cpus} CPUs`);
  const slot = perCpuSlot(map);
  const bytes = new Uint8Array(slot * map.cpus);
  all.forEach((text, cpu) => {
    bytes.set(parse(text), cpu * slot);
  });
  return bytes;
}

function isArray(map: MapStorage): boolean {
  return map.spec.type.endsWith("array");
}

const perCpuSlot = (map: MapStorage): number => Math.ceil(map.spec.valueSize / 8) * 8;

/** The bytes of a per-CPU value, one CPU after the other, as a list without the rounding. */
export function splitPerCpu(map: MapStorage, value: Uint8Array): Uint8Array[] {
  const slot = perCpuSlot(map);
  return Array.from({ length: value.length / slot }, (_, cpu) =>
    value.subarray(cpu * slot, cpu * slot + map.spec.valueSize),
  );
}

/** An array index or other 32-bit key as bytes, little endian. */
export function u32Key(index: number): Uint8Array {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, index, true);
  return key;
}
