import { type Btf, type BtfDatasec, kindOf, typeById } from "@bpfkit/btf";
import type { MapSpec } from "@bpfkit/core";
import { type ElfFile, type ElfSection, SHT_NOBITS, SHT_PROGBITS, sectionBytes } from "./elf-file.js";
import { ElfError } from "./error.js";
import { type MapDefinition, specOrError } from "./map-definition.js";
import type { Problems } from "./problems.js";

/** `BPF_F_RDONLY_PROG` and `BPF_F_MMAPABLE`, as libbpf sets them for global data. */
const RDONLY_PROG = 1 << 7;
const MMAPABLE = 1 << 10;

/** Characters of a map's name in the kernel (`BPF_OBJ_NAME_LEN` without its zero byte). */
const NAME_LENGTH = 15;

/** Characters libbpf keeps for the section, which may be shorter (`.bss`). */
const SHORTEST_SECTION = 7;

/** Whether a section holds global variables or constants: `.data`, `.rodata`, `.bss`, each also with `.anything`. */
export function isData({ name, type, size }: ElfSection): boolean {
  if (size === 0) return false;
  if (type === SHT_NOBITS) return name === ".bss" || name.startsWith(".bss.");
  return type === SHT_PROGBITS && /^\.(data|rodata)(\.|$)/.test(name);
}

/** What BTF says of a section: its DATASEC, and whether user space may map it. */
interface SectionTypes {
  readonly typeId: number;
  readonly mmapable: boolean;
}

/** The maps libbpf makes of sections with global data: arrays of one entry, whose value is the section. */
export function readDataMaps(elf: ElfFile, btf: Btf | undefined, problems: Problems): MapDefinition[] {
  const types = (btf && problems.attempt(() => sectionTypes(btf))) ?? new Map<string, SectionTypes>();
  const names = new Set<string>();
  return elf.sections.filter(isData).map((section) => {
    const name = uniqueName(names, elf.file, section);
    const spec = specOrError(elf, name, section.name, () => dataSpec(elf, types.get(section.name), section, name));
    return { name, section: section.index, offset: 0, size: section.size, spec };
  });
}

function dataSpec(elf: ElfFile, types: SectionTypes | undefined, section: ElfSection, name: string): MapSpec {
  if (section.size >= 2 ** 32) {
    throw new ElfError("BAD_MAP", `a section of ${section.size} bytes; a map's value has at most 2^32 - 1`);
  }
  const readOnly = section.name.startsWith(".rodata");
  elf.budget.charge(section.type === SHT_NOBITS ? 0 : section.size);
  return {
    name,
    type: "array",
    keySize: 4,
    valueSize: section.size,
    maxEntries: 1,
    flags: (readOnly ? RDONLY_PROG : 0) | (types?.mmapable ? MMAPABLE : 0),
    section: section.name,
    ...(section.type === SHT_NOBITS ? {} : { contents: sectionBytes(elf, section).slice() }),
    ...(readOnly ? { frozen: true } : {}),
    ...(types === undefined ? {} : { btfValueTypeId: types.typeId }),
  };
}

/** The first DATASEC of each name. libbpf lets user space map those with a variable that is not static. */
function sectionTypes(btf: Btf): Map<string, SectionTypes> {
  const found = new Map<string, SectionTypes>();
  for (let typeId = 1; typeId < btf.typeCount; typeId++) {
    if (kindOf(btf, typeId) !== "datasec") continue;
    const { name, variables } = typeById(btf, typeId) as BtfDatasec;
    if (found.has(name)) continue;
    const mmapable = variables.some(({ type }) => {
      const variable = typeById(btf, type);
      return variable.kind === "var" && variable.linkage !== "static";
    });
    found.set(name, { typeId, mmapable });
  }
  return found;
}

function uniqueName(names: Set<string>, file: string | undefined, section: ElfSection): string {
  const name = mapName(file, section.name);
  const unique = names.has(name) ? `${section.name}#${section.index}` : name;
  names.add(unique);
  return unique;
}

/**
 * What libbpf calls a section's map (`internal_map_name`): the object's name and the section's share the kernel's 15
 * characters, of which the section takes at least 7. A custom section (`.data.x`) stands for itself, however long.
 */
function mapName(file: string | undefined, section: string): string {
  if (section.includes(".", 1)) return section;
  const object = (file ?? "").replace(/^.*[/\\]/, "").replace(/\..*$/, "");
  const room = NAME_LENGTH - Math.max(SHORTEST_SECTION, section.length);
  return `${object.slice(0, room)}${section}`.replace(/[^A-Za-z0-9_.]/g, "_");
}
