import type { MapSpec, Program } from "@bpfkit/core";
import { isCode, readCode } from "./code-section.js";
import { type ElfFile, type ElfOptions, type ElfSection, readElf, SHT_RELA, sectionBytes } from "./elf-file.js";
import { findEntries, slotsBySection } from "./entries.js";
import { ElfError } from "./error.js";
import { type ElfFunction, findFunctions } from "./functions.js";
import { labeller } from "./labels.js";
import { type Linker, link } from "./link.js";
import { linesBySection, readObjectBtf } from "./object-btf.js";
import { fillSlots, type ObjectVariable, readMaps, readVariables } from "./object-maps.js";
import { type ObjectProblem, Problems } from "./problems.js";
import { programSection, sectionType } from "./program-types.js";
import { indexRelocations, relocationsOf } from "./relocations.js";
import { placesOf, Resolver } from "./resolve.js";
import { definedSymbols, symbolTable } from "./symbols.js";
import { readValues } from "./values.js";

/** What an object holds, as plain data: the same bytes and options give the same description on any machine. */
export interface ObjectSpec {
  /** As given to `parseObject`. */
  readonly file?: string;
  /** The text of section `license`. */
  readonly license?: string;
  /** The number in section `version`: a kernel version, `KERNEL_VERSION(a, b, c)`. */
  readonly version?: number;
  /** Every entry that could be linked, with the subprograms it uses; in order of sections and offsets. */
  readonly programs: readonly Program[];
  /** Every map that is defined, and one for each section with global data. */
  readonly maps: readonly MapSpec[];
  /** Global variables and constants, in order of their maps and offsets. */
  readonly variables: readonly ObjectVariable[];
  /** What could not be described. */
  readonly problems: readonly ObjectProblem[];
  readonly sections: readonly ElfSection[];
  /** `.BTF`, with the sizes and offsets of data sections filled in. */
  readonly btf?: Uint8Array;
  /** `.BTF.ext`, as it is. */
  readonly btfExt?: Uint8Array;
}

/**
 * Reads an eBPF object (ELF, 64-bit, little-endian, relocatable): its programs with their subprograms linked in, its maps
 * and global data, and what it refers to outside of itself. Pure; nothing is kept of `bytes`.
 *
 * What one program or map cannot have is listed in `problems` and leaves the others alone.
 * @throws {ElfError} `NOT_ELF`, `UNSUPPORTED`, `DAMAGED` where the headers make no sense, `TOO_LARGE` where the description
 *   would be out of proportion to the object.
 */
export function parseObject(bytes: Uint8Array, options: ElfOptions = {}): ObjectSpec {
  const elf = readElf(bytes, options);
  refuseAddends(elf);
  const problems = new Problems(elf.budget);
  const table = symbolTable(elf);
  const defined = definedSymbols(table);
  const btf = readObjectBtf(elf, defined, problems);
  const definitions = readMaps(elf, defined, btf, problems);
  const places = placesOf(definitions);
  const relocations = indexRelocations(elf);
  const resolver = new Resolver(elf, table, places, relocations, defined, btf?.btf);
  const code = elf.sections
    .filter(isCode)
    .map((section) => readCode(elf, section, relocationsOf(elf, relocations, section.index), resolver.target));
  for (const { section, stray } of code) {
    const what = `${stray} relocations behind the last instruction`;
    if (stray > 0) problems.add(new ElfError("BAD_RELOCATION", what, { section: section.name }));
  }
  const functions = findFunctions(code, defined, labeller(table));
  const entries = findEntries(code, functions);
  const lines = (btf && problems.attempt(() => linesBySection(elf, btf))) ?? new Map();
  const license = textSection(elf, "license");
  const programs = linkAll({ elf, functions, lines, types: btf?.btf.bytes }, entries, license, problems);
  const starts = new Map(entries.map((entry) => [`${entry.code.section.index}:${entry.start}`, entry]));
  const entryAt = (section: number, slot: number): ElfFunction | undefined => starts.get(`${section}:${slot}`);
  const values = readValues({ elf, relocations, places, resolver, entryAt }, problems);
  const slots = new Map([...slotsBySection(entries, definitions), ...values]);
  return {
    ...(options.file === undefined ? {} : { file: options.file }),
    ...(license === undefined ? {} : { license }),
    ...versionOf(elf),
    programs,
    maps: fillSlots(definitions, slots, programs, problems),
    variables: readVariables(elf, definitions, defined),
    problems: problems.list,
    sections: elf.sections,
    ...(btf === undefined ? {} : { btf: btf.btf.bytes, ...btfExtOf(elf) }),
  };
}

/** Links each entry; one that cannot be linked, or whose name is taken, becomes a problem. */
function linkAll(
  linker: Linker,
  entries: readonly ElfFunction[],
  license: string | undefined,
  problems: Problems,
): Program[] {
  const names = new Set<string>();
  return entries.flatMap((entry) => {
    const { name } = entry;
    const section = programSection(entry.code.section.name);
    const program = problems.attempt(
      () => {
        const taken = "another program has the same name";
        if (names.has(name)) throw new ElfError("DUPLICATE_NAME", taken, { program: name, section });
        names.add(name);
        return {
          name,
          section,
          ...sectionType(section),
          ...(license === undefined ? {} : { license }),
          ...link(linker, entry),
        };
      },
      { program: name },
    );
    return program === undefined ? [] : [program];
  });
}

/** Code whose relocations this package does not read would be taken for code without any. */
function refuseAddends({ sections, file }: ElfFile): void {
  const table = sections.find(({ type, info }) => type === SHT_RELA && sections[info] && isCode(sections[info]));
  if (table === undefined) return;
  const what = "relocations with addends (SHT_RELA) are not read; clang and libbpf use SHT_REL";
  throw new ElfError("UNSUPPORTED", what, { ...(file === undefined ? {} : { file }), section: table.name });
}

function textSection(elf: ElfFile, name: string): string | undefined {
  const section = elf.sections.find((candidate) => candidate.name === name);
  if (section === undefined) return undefined;
  const bytes = sectionBytes(elf, section);
  elf.budget.charge(bytes.length);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function versionOf(elf: ElfFile): { version?: number } {
  const section = elf.sections.find(({ name, size }) => name === "version" && size === 4);
  if (section === undefined || sectionBytes(elf, section).length < 4) return {};
  return { version: elf.view.getUint32(section.offset, true) };
}

function btfExtOf(elf: ElfFile): { btfExt?: Uint8Array } {
  const section = elf.sections.find(({ name }) => name === ".BTF.ext");
  if (section === undefined) return {};
  elf.budget.charge(section.size);
  return { btfExt: sectionBytes(elf, section).slice() };
}
