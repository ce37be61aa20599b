import { SLOT_BYTES } from "@bpfkit/core";
import { MAPS_SECTION } from "./btf-maps.js";
import { type ElfFile, type ElfSection, u64 } from "./elf-file.js";
import type { FilledSlot } from "./entries.js";
import { ElfError } from "./error.js";
import type { ElfFunction } from "./functions.js";
import type { MapDefinition } from "./map-definition.js";
import { isMapInMap } from "./map-types.js";
import type { Problems } from "./problems.js";
import { type ElfRelocation, type RelocationIndex, relocationsOf } from "./relocations.js";
import { definitionAt, type MapPlaces, type Resolver } from "./resolve.js";

/** Bytes of one element of `.values`. */
const POINTER_BYTES = 8;

/** What reading `.values` needs of its object. */
export interface ValuesReader {
  readonly elf: ElfFile;
  readonly relocations: RelocationIndex;
  readonly places: MapPlaces;
  readonly resolver: Resolver;
  /** The entry that begins at a slot of a section. */
  entryAt(section: number, slot: number): ElfFunction | undefined;
}

/** The slots that `.values` of BTF maps fill, by map; each comes from a relocation of `.maps` (libbpf `collect_map_relos`). */
export function readValues(reader: ValuesReader, problems: Problems): ReadonlyMap<string, readonly FilledSlot[]> {
  const slots = new Map<string, FilledSlot[]>();
  const section = reader.elf.sections.find(({ name }) => name === MAPS_SECTION);
  for (const relocation of section === undefined ? [] : relocationsOf(reader.elf, reader.relocations, section.index)) {
    const map = definitionAt(reader.places, section!.index, relocation.offset);
    if (map?.spec instanceof ElfError) continue;
    const slot = problems.attempt(
      () => readSlot(reader, section!, map, relocation),
      map === undefined ? {} : { map: map.name },
    );
    if (slot === undefined) continue;
    const list = slots.get(map!.name) ?? [];
    list.push(slot);
    slots.set(map!.name, list);
  }
  return slots;
}

function readSlot(
  reader: ValuesReader,
  section: ElfSection,
  map: MapDefinition | undefined,
  relocation: ElfRelocation,
): FilledSlot {
  const { offset } = relocation;
  const bad = (what: string): ElfError => new ElfError("BAD_MAP", what, { section: MAPS_SECTION, offset });
  const index = map?.values === undefined ? -1 : (offset - map.values) / POINTER_BYTES;
  if (map === undefined || !Number.isInteger(index) || index < 0 || offset + POINTER_BYTES > section.size) {
    throw bad(`an address outside of the values of map ${map?.name ?? "(none)"}`);
  }
  const spec = map.spec as Exclude<MapDefinition["spec"], ElfError>;
  const symbol = reader.resolver.symbol(relocation.symbol);
  const target = symbol.value + u64(reader.elf.view, section.offset + offset);
  if (isMapInMap(spec.type)) {
    const inner = definitionAt(reader.places, symbol.section, target);
    if (inner?.offset !== target || inner.spec instanceof ElfError || inner === map) {
      throw bad(`slot ${index} of map ${map.name} is no map of this object`);
    }
    return { index, of: "map", name: inner.name };
  }
  const entry = reader.entryAt(symbol.section, target / SLOT_BYTES);
  if (entry === undefined) throw bad(`slot ${index} of map ${map.name} is no program of this object`);
  return { index, of: "program", name: entry.name };
}
