import type { MapSpec } from "@bpfkit/core";
import { type ElfFile, type ElfSection, SHT_PROGBITS } from "./elf-file.js";
import { ElfError } from "./error.js";
import { type MapDefinition, mapType, specOrError } from "./map-definition.js";
import { isMapInMap, MAP_TYPES } from "./map-types.js";
import type { ElfSymbol } from "./symbols.js";

/** Type, key size, value size, entries, flags: the words every loader's `struct bpf_map_def` begins with. */
const COMMON_BYTES = 20;
/** With two words more: index of the inner map and NUMA node (kernel samples), or id and pinning (iproute2). */
const LONG_BYTES = 28;
/** With two words more: id of the inner map, index in the outer one (iproute2 `struct bpf_elf_map`). */
const IPROUTE_BYTES = 36;

/** One definition's words, before inner maps are known. */
interface LegacyMap {
  readonly name: string;
  readonly section: ElfSection;
  readonly offset: number;
  readonly size: number;
  readonly words: readonly number[];
}

/** Whether a section holds map definitions from before BTF: `maps`, or one of several `maps/NAME`. */
const isLegacy = ({ name, type }: ElfSection): boolean =>
  type === SHT_PROGBITS && (name === "maps" || name.startsWith("maps/"));

/**
 * Reads maps defined by structures in the sections `maps` and `maps/…`: a symbol names each, and its structure goes on to
 * the next one. Loaders disagree about what follows the first five words; see the sizes above.
 */
export function readLegacyMaps(elf: ElfFile, symbols: ReadonlyMap<number, readonly ElfSymbol[]>): MapDefinition[] {
  const maps = elf.sections
    .filter(isLegacy)
    .flatMap((section) => mapsOf(elf, section, symbols.get(section.index) ?? []));
  const byId = new Map<number, LegacyMap>();
  for (const map of maps) {
    const id = idOf(map);
    if (id !== undefined && !byId.has(id)) byId.set(id, map);
  }
  return maps.map((map) => {
    const id = idOf(map);
    return {
      name: map.name,
      section: map.section.index,
      offset: map.offset,
      size: map.size,
      spec: specOrError(elf, map.name, map.section.name, () => toSpec(map, maps, byId)),
      ...(id === undefined ? {} : { id }),
    };
  });
}

function mapsOf(elf: ElfFile, section: ElfSection, symbols: readonly ElfSymbol[]): LegacyMap[] {
  const sorted = symbols
    .filter(({ value, name }) => value < section.size && name !== "")
    .toSorted((a, b) => a.value - b.value);
  return sorted.map(({ name, value: offset }, i) => {
    const end = sorted[i + 1]?.value ?? section.size;
    const count = Math.min(Math.floor((end - offset) / 4), IPROUTE_BYTES / 4);
    const words = Array.from({ length: count }, (_, word) =>
      elf.view.getUint32(section.offset + offset + word * 4, true),
    );
    return { name, section, offset, size: end - offset, words };
  });
}

/** The number iproute2 knows a map by; 0 is none. */
function idOf({ size, words }: LegacyMap): number | undefined {
  const hasId = size >= IPROUTE_BYTES || (size >= LONG_BYTES && !isMapInMap(MAP_TYPES[words[0]!] ?? ""));
  return hasId && words[5] !== 0 ? words[5] : undefined;
}

function toSpec(map: LegacyMap, all: readonly LegacyMap[], byId: ReadonlyMap<number, LegacyMap>): MapSpec {
  if (map.size < COMMON_BYTES) {
    throw new ElfError("BAD_MAP", `a definition of ${map.size} bytes; the shortest has ${COMMON_BYTES}`);
  }
  const spec = plainSpec(map);
  if (!isMapInMap(spec.type) || map.size < LONG_BYTES - 4) return spec;
  const inner = map.size >= IPROUTE_BYTES ? byId.get(map.words[7]!) : all[map.words[5]!];
  if (inner === undefined || inner === map) throw new ElfError("BAD_MAP", "its inner map is not defined");
  if (inner.size < COMMON_BYTES) throw new ElfError("BAD_MAP", `its inner map ${inner.name} is cut off`);
  const slots = map.size >= IPROUTE_BYTES ? [{ index: inner.words[8]!, of: "map" as const, name: inner.name }] : [];
  return { ...spec, inner: plainSpec(inner), ...(slots.length === 0 ? {} : { slots }) };
}

function plainSpec({ name, size, words }: LegacyMap): MapSpec {
  const type = mapType(words[0]!);
  const hasPinning = size >= IPROUTE_BYTES || (size >= LONG_BYTES && !isMapInMap(type) && words[5] !== 0);
  const pinning = hasPinning ? words[6]! : 0;
  return {
    name,
    type,
    keySize: words[1]!,
    valueSize: words[2]!,
    maxEntries: words[3]!,
    flags: words[4]!,
    ...(pinning === 0 ? {} : { pinning }),
  };
}
