import { type Btf, dumpType, findByName, parseBtf, typeById, typeName } from "@bpfkit/btf";
import { isBpfkitError, type MapSpec, type Program } from "@bpfkit/core";
import { type ElfSection, type ObjectSpec, readElf, relocations, symbols } from "@bpfkit/elf";
import type { Format } from "../detect.js";
import type { Input } from "../input.js";
import { type SubprogramFacts, subprogramFacts } from "./code.js";
import { inlinedSlots } from "./inlined.js";

/** What a file holds: the object that `--json` prints, and what the tables are drawn from. */
export interface FileDescription {
  readonly file: string;
  readonly format: Format;
  /** Bytes of the file. */
  readonly size: number;
  readonly license?: string | undefined;
  readonly version?: number | undefined;
  readonly sections?: readonly SectionDescription[];
  readonly programs: readonly ProgramDescription[];
  readonly maps: readonly MapDescription[];
  readonly globals?: readonly GlobalDescription[];
  readonly relocations?: readonly RelocationDescription[] | undefined;
  readonly btf?: { readonly types: number; readonly functions: readonly string[] } | undefined;
  readonly callGraph: readonly CallDescription[];
  readonly problems: readonly {
    readonly message: string;
    readonly program?: string | undefined;
    readonly map?: string | undefined;
  }[];
}

export interface SectionDescription {
  readonly name: string;
  /** `SHT_*` without prefix. */
  readonly type: string;
  /** `SHF_*`. */
  readonly flags: number;
  readonly offset: number;
  readonly size: number;
}

export interface ProgramDescription
  extends Pick<Program, "name" | "section" | "type" | "expectedAttachType" | "flags"> {
  readonly slots: number;
  readonly bytes: number;
  /** Slots and bytes it would have if every call were inlined, by estimate; nothing where it calls nothing. */
  readonly inlined?: { readonly slots: number; readonly bytes: number };
  readonly subprograms: readonly SubprogramFacts[];
}

export interface MapDescription extends Omit<MapSpec, "inner" | "contents" | "btfKeyTypeId" | "btfValueTypeId"> {
  /** The key's and the value's type in C, where the object has it. */
  readonly key?: string | undefined;
  readonly value?: string | undefined;
  readonly inner?: MapDescription | undefined;
}

export interface GlobalDescription {
  readonly name: string;
  readonly section: string;
  readonly offset: number;
  readonly size: number;
  readonly static: boolean;
  /** In C, where the object has its type. */
  readonly declaration?: string | undefined;
}

export interface RelocationDescription {
  /** The section that is changed, and where in it, in bytes. */
  readonly section: string;
  readonly offset: number;
  readonly type: string;
  readonly symbol: string;
}

export interface CallDescription {
  readonly program: string;
  readonly from: string;
  /** Nothing for a tail call, whose target is decided when it is made. */
  readonly to?: string;
  readonly kind: "call" | "callback" | "tail call";
  /** Instructions that make it, or take the address that is called back. */
  readonly sites: number;
}

const SLOT_BYTES = 8;

/** Describes a program file. */
export function describe(file: string, { format, bytes, source, object }: Input): FileDescription {
  const programs = source.programs.map(describeProgram);
  const common = { file, format, size: bytes.length, programs, callGraph: programs.flatMap(callGraph) };
  if (object === undefined)
    return { ...common, maps: source.maps.map((map) => describeMap(map, undefined)), problems: [] };
  const btf = attempt(() => (object.btf === undefined ? undefined : parseBtf(object.btf)));
  return {
    ...common,
    license: object.license,
    version: object.version,
    sections: object.sections.map(describeSection),
    maps: object.maps.map((map) => describeMap(map, btf)),
    globals: describeGlobals(object, btf),
    relocations: attempt(() => describeRelocations(bytes)),
    btf: btf && { types: btf.typeCount - 1, functions: btfFunctions(btf) },
    problems: object.problems.map(({ message, program, map }) => ({ message, program, map })),
  };
}

/** Damaged types or relocations leave out what needs them; `problems` says so where a program or map does. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!isBpfkitError(error)) throw error;
    return undefined;
  }
}

function describeProgram(program: Program): ProgramDescription {
  const { code, subprograms: _, references: __, btf: ___, license: ____, ...facts } = program;
  const subprograms = subprogramFacts(program);
  return { ...facts, slots: code.length / 8, bytes: code.length, ...describeInlined(subprograms), subprograms };
}

/** What BPF-to-BPF calls save: the size without them. */
function describeInlined(subprograms: readonly SubprogramFacts[]): Pick<ProgramDescription, "inlined"> {
  if (subprograms.every(({ calls }) => calls.length === 0)) return {};
  const slots = inlinedSlots(subprograms);
  return Number.isFinite(slots) ? { inlined: { slots, bytes: slots * SLOT_BYTES } } : {};
}

function describeMap(map: MapSpec, btf: Btf | undefined): MapDescription {
  const { contents: _, btfKeyTypeId, btfValueTypeId, inner, ...facts } = map;
  const typeText = (id: number | undefined): string | undefined =>
    id && btf ? attempt(() => typeName(btf, id)) : undefined;
  const types = { key: typeText(btfKeyTypeId), value: typeText(btfValueTypeId) };
  return { ...facts, ...types, ...(inner === undefined ? {} : { inner: describeMap(inner, btf) }) };
}

function describeSection({ name, type, flags, offset, size }: ElfSection): SectionDescription {
  return { name, type: SECTION_TYPES[type] ?? `0x${type.toString(16)}`, flags, offset, size };
}

function describeGlobals({ variables, maps }: ObjectSpec, btf: Btf | undefined): GlobalDescription[] {
  const sections = new Map(maps.map(({ name, section }) => [name, section]));
  return variables.map(({ name, map, offset, size, static: isStatic }) => {
    const declaration = btf && attempt(() => declarationOf(btf, name));
    return { name, section: sections.get(map) ?? map, offset, size, static: isStatic, declaration };
  });
}

function declarationOf(btf: Btf, name: string): string | undefined {
  const id = findByName(btf, name, "var");
  return id === undefined ? undefined : dumpType(btf, id).replace(/;$/, "");
}

/** `R_BPF_*` (Documentation/bpf/llvm_reloc.rst). */
const RELOCATIONS: Readonly<Record<number, string>> = {
  1: "R_BPF_64_64",
  2: "R_BPF_64_ABS64",
  3: "R_BPF_64_ABS32",
  4: "R_BPF_64_NODYLD32",
  10: "R_BPF_64_32",
};

function describeRelocations(bytes: Uint8Array): RelocationDescription[] {
  const elf = readElf(bytes);
  const table = symbols(elf);
  return relocations(elf).flatMap(({ section, relocations: list }) =>
    list.map(({ offset, type, symbol }) => {
      const { name, section: home } = table[symbol] ?? { name: "", section: 0 };
      const symbolName = name || elf.sections[home]?.name || `symbol ${symbol}`;
      return { section: section.name, offset, type: RELOCATIONS[type] ?? `type ${type}`, symbol: symbolName };
    }),
  );
}

function btfFunctions(btf: Btf): string[] {
  const functions: string[] = [];
  for (let id = 1; id < btf.typeCount; id++) {
    const text = attempt(() => (typeById(btf, id).kind === "func" ? dumpType(btf, id) : undefined));
    if (text !== undefined) functions.push(text.replace(/;$/, ""));
  }
  return functions;
}

function callGraph({ name: program, subprograms }: ProgramDescription): CallDescription[] {
  return subprograms.flatMap(({ name: from, calls, callbacks, tailCalls }): CallDescription[] => [
    ...calls.map(({ to, sites }): CallDescription => ({ program, from, to, kind: "call", sites })),
    ...callbacks.map(({ to, sites }): CallDescription => ({ program, from, to, kind: "callback", sites })),
    ...(tailCalls === 0 ? [] : [{ program, from, kind: "tail call", sites: tailCalls } as const]),
  ]);
}

/** `SHT_*` (System V ABI, chapter 4). */
const SECTION_TYPES: Readonly<Record<number, string>> = {
  0: "NULL",
  1: "PROGBITS",
  2: "SYMTAB",
  3: "STRTAB",
  4: "RELA",
  8: "NOBITS",
  9: "REL",
  1879002115: "LLVM_ADDRSIG",
};
