import type { MapSpec, Program } from "@bpfkit/core";
import { MAPS_SECTION, readBtfMaps } from "./btf-maps.js";
import { isData, readDataMaps } from "./data-maps.js";
import type { ElfFile } from "./elf-file.js";
import type { FilledSlot } from "./entries.js";
import { ElfError } from "./error.js";
import { readLegacyMaps } from "./legacy-maps.js";
import type { MapDefinition } from "./map-definition.js";
import type { ObjectBtf } from "./object-btf.js";
import type { Problems } from "./problems.js";
import { type ElfSymbol, STT_OBJECT } from "./symbols.js";

/** A variable in a section of global data. */
export interface ObjectVariable {
  readonly name: string;
  /** The map that stands for its section. */
  readonly map: string;
  /** Byte offset in the map's value. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  readonly static: boolean;
}

/** All definitions; those that make no sense or whose name is taken hold an error, which programs that use them get. */
export function readMaps(
  elf: ElfFile,
  symbols: ReadonlyMap<number, readonly ElfSymbol[]>,
  btf: ObjectBtf | undefined,
  problems: Problems,
): MapDefinition[] {
  const fromBtf = (btf && problems.attempt(() => readBtfMaps(elf, btf.btf))) ?? [];
  const found = [...readLegacyMaps(elf, symbols), ...fromBtf, ...readDataMaps(elf, btf?.btf, problems)];
  const names = new Set<string>();
  const definitions = found.map((definition) => {
    const { name } = definition;
    const taken = names.has(name);
    names.add(name);
    return taken ? { ...definition, spec: new ElfError("DUPLICATE_NAME", `two maps are named ${name}`) } : definition;
  });
  for (const { name, spec } of definitions) if (spec instanceof ElfError) problems.add(spec, { map: name });
  if (btf === undefined && elf.sections.some(({ name, size }) => name === MAPS_SECTION && size > 0)) {
    const what = "maps in section .maps are described by BTF, which is missing or damaged; compile with -g";
    problems.add(new ElfError("BAD_MAP", what, { section: MAPS_SECTION }));
  }
  for (const { name } of elf.sections.filter((section) => section.name.startsWith(STRUCT_OPS))) {
    problems.add(new ElfError("UNSUPPORTED", "variables of struct_ops are not read", { section: name }));
  }
  return definitions;
}

/** Sections of kernel structures with functions of the object in them: `.struct_ops`, `.struct_ops.link`. */
const STRUCT_OPS = ".struct_ops";

/** The specs, with the slots that name programs and maps which are there. */
export function fillSlots(
  definitions: readonly MapDefinition[],
  slots: ReadonlyMap<string, readonly FilledSlot[]>,
  programs: readonly Program[],
  problems: Problems,
): MapSpec[] {
  const linked = new Set(programs.map(({ name }) => name));
  return definitions.flatMap(({ name, spec }) => {
    if (spec instanceof ElfError) return [];
    const filled = (slots.get(name) ?? []).filter((slot) => {
      if (slot.of === "map" || linked.has(slot.name)) return true;
      const what = `slot ${slot.index} of map ${name} stays empty: program ${slot.name} could not be linked`;
      problems.add(new ElfError("UNRESOLVED", what), { map: name });
      return false;
    });
    return [filled.length === 0 ? spec : { ...spec, slots: filled }];
  });
}

/** Named symbols of the sections with global data. */
export function readVariables(
  elf: ElfFile,
  definitions: readonly MapDefinition[],
  symbols: ReadonlyMap<number, readonly ElfSymbol[]>,
): ObjectVariable[] {
  return definitions.flatMap(({ name: map, section, spec }) => {
    if (spec instanceof ElfError || !isData(elf.sections[section]!)) return [];
    return (symbols.get(section) ?? [])
      .filter(({ type, name, value, size }) => type === STT_OBJECT && name !== "" && value + size <= spec.valueSize)
      .map(({ name, value: offset, size, binding }) => ({ name, map, offset, size, static: binding === 0 }))
      .sort((a, b) => a.offset - b.offset);
  });
}
