import { isBpfkitError, type MapSpec } from "@bpfkit/core";
import type { ElfFile } from "./elf-file.js";
import { ElfError } from "./error.js";
import { MAP_TYPES } from "./map-types.js";

/** A map as an object defines it, with its place, so that relocations find it. */
export interface MapDefinition {
  readonly name: string;
  /** Section index. */
  readonly section: number;
  /** Byte offset in the section. */
  readonly offset: number;
  /** Bytes of the definition; of the whole section for global data. */
  readonly size: number;
  /** The map, or why its definition makes no sense. */
  readonly spec: MapSpec | ElfError;
  /** Byte offset in the section where `.values` begins. */
  readonly values?: number;
  /** Number of the map for section names like `2/1` (iproute2). */
  readonly id?: number;
}

/** Reads one definition; what makes no sense becomes an error beside the others, since programs may not use it. */
export function specOrError(elf: ElfFile, name: string, section: string, read: () => MapSpec): MapSpec | ElfError {
  try {
    return read();
  } catch (error) {
    if (!isBpfkitError(error) || error.code === "TOO_LARGE") throw error;
    elf.budget.chargeProblem();
    return new ElfError("BAD_MAP", `map ${name}: ${error.message}`, { section }, { cause: error });
  }
}

/** The name of a map type. @throws {ElfError} `BAD_MAP` for a number no kernel has. */
export function mapType(id: number): string {
  const type = MAP_TYPES[id];
  if (type !== undefined && id !== 0) return type;
  throw new ElfError("BAD_MAP", `map type ${id} does not exist; they are 1 to ${MAP_TYPES.length - 1}`);
}
