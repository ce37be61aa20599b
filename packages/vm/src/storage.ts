import {
  type GuestMemory,
  isBpfkitError,
  isProgramArray,
  type MapSpec,
  type MapStorage,
  mapId,
  type Program,
} from "@bpfkit/core";
import { createMap, isMapOfMaps } from "@bpfkit/maps";
import { createProgramArray } from "@bpfkit/tailcall";
import { u32Key } from "./contents.js";
import { VmError } from "./error.js";
import type { VmOptions } from "./types.js";

/** What maps are made with. */
export interface StorageOptions {
  readonly memory: GuestMemory;
  readonly cpus: number;
  readonly createMap?: VmOptions["createMap"];
  /** Maps the engine made itself, by name. */
  readonly ownMaps?: ReadonlyMap<string, MapStorage> | undefined;
  readonly programId: (program: Program) => number;
  /** The first map's number; each gets its own. */
  readonly firstId: number;
  /** Gets the maps of types there are none of, by name, with the error that says so. */
  readonly missing: Map<string, Error>;
}

/**
 * Makes the maps of an object, inner maps into maps of maps. Program arrays stay empty: see `fillSlots`. Nothing is left
 * where one cannot be made.
 */
export function createMaps(specs: readonly MapSpec[], options: StorageOptions): Map<string, MapStorage> {
  const maps = new Map<string, MapStorage>();
  try {
    for (const spec of specs) {
      if (maps.has(spec.name)) throw new VmError("AMBIGUOUS", `two maps are called ${spec.name}`);
      const map = orMissing(spec.name, () => createOne(spec, options, options.firstId + maps.size), options.missing);
      if (map !== undefined) maps.set(spec.name, map);
    }
    for (const spec of specs) if (maps.has(spec.name)) putInnerMaps(spec, maps);
  } catch (error) {
    disposeMaps([...maps.values(), ...(options.ownMaps?.values() ?? [])]);
    throw error;
  }
  return maps;
}

/** A type of map that is not there is no error until a program needs the map: its verdict can be given all the same. */
function orMissing<T>(name: string, make: () => T, missing: Map<string, Error>): T | undefined {
  try {
    return make();
  } catch (error) {
    if (!isBpfkitError(error) || error.code !== "UNSUPPORTED_MAP_TYPE") throw error;
    missing.set(name, error);
    return undefined;
  }
}

export function disposeMaps(maps: Iterable<MapStorage>): void {
  for (const map of maps) map.dispose?.();
}

function createOne(spec: MapSpec, options: StorageOptions, number: number): MapStorage {
  const { memory, cpus, programId } = options;
  const id = mapId(number);
  const own = options.createMap?.(spec, { memory, id, cpus }) ?? options.ownMaps?.get(spec.name);
  if (own !== undefined) return own;
  return spec.type === "prog_array"
    ? createProgramArray(spec, { memory, id, programId })
    : createMap(spec, { memory, id, cpus });
}

function putInnerMaps(spec: MapSpec, maps: ReadonlyMap<string, MapStorage>): void {
  for (const { index, of, name } of spec.slots ?? []) {
    if (of !== "map") continue;
    const inner = maps.get(name);
    if (inner === undefined)
      throw new VmError(
        "NO_SUCH_MAP",
        `slot ${index} of map ${spec.name} names map ${name}, which the object does not have`,
      );
    const outer = maps.get(spec.name)!;
    if (isMapOfMaps(outer)) outer.setMap(u32Key(index), inner);
    else outer.set(u32Key(index), u32Key(inner.id));
  }
}

/** Puts the programs an object names (`.values`) into its program arrays. */
export function fillSlots(
  specs: readonly MapSpec[],
  maps: ReadonlyMap<string, MapStorage>,
  programs: readonly Program[],
): void {
  for (const spec of specs) {
    const array = maps.get(spec.name);
    for (const { index, of, name } of spec.slots ?? []) {
      if (of !== "program" || array === undefined || !isProgramArray(array)) continue;
      const program = programs.find((one) => one.name === name);
      if (program === undefined)
        throw new VmError(
          "NO_SUCH_PROGRAM",
          `slot ${index} of map ${spec.name} names program ${name}, which the object does not have`,
        );
      array.setProgram(index, program);
    }
  }
}
