import { Budget } from "./budget.js";
import { ElfError } from "./error.js";

/** One row of the section header table. */
export interface ElfSection {
  readonly index: number;
  readonly name: string;
  /** `SHT_*`. */
  readonly type: number;
  /** `SHF_*`. */
  readonly flags: number;
  /** Byte offset in the file. */
  readonly offset: number;
  /** Bytes; of a `.bss` none are in the file. */
  readonly size: number;
  readonly link: number;
  readonly info: number;
}

/** An object's headers, read and checked. */
export interface ElfFile {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Its name for errors. */
  readonly file: string | undefined;
  readonly sections: readonly ElfSection[];
  readonly budget: Budget;
}

/** Options of `readElf` and `parseObject`. */
export interface ElfOptions {
  /** The file's name or path: errors name it, and maps of global data carry it as libbpf has it. */
  readonly file?: string;
}

/** `SHT_*` and `SHF_*` this package asks for (System V ABI, chapter 4). */
export const SHT_PROGBITS = 1;
export const SHT_SYMTAB = 2;
export const SHT_RELA = 4;
export const SHT_NOBITS = 8;
export const SHT_REL = 9;
export const SHF_EXECINSTR = 4;

const HEADER_BYTES = 64;
const SECTION_BYTES = 64;
const SHN_XINDEX = 0xffff;

/** `e_machine` by name, for what people hand in by mistake. */
const MACHINES: ReadonlyMap<number, string> = new Map([
  [3, "x86"],
  [40, "ARM"],
  [62, "x86-64"],
  [183, "AArch64"],
  [243, "RISC-V"],
  [263, "Solana's SBF"],
]);
const EM_BPF = 247;
/** LLVM before 3.9 left the machine 0. */
const EM_NONE = 0;

const FILE_TYPES: readonly string[] = [
  "no file type",
  "a relocatable object",
  "an executable",
  "a shared library",
  "a core file",
];

/**
 * Reads the ELF header and the section table. Bytes of sections are not looked at yet.
 * @throws {ElfError} `NOT_ELF`, `UNSUPPORTED` for any other than a 64-bit little-endian relocatable eBPF object,
 *   `DAMAGED` where the headers lead out of the file.
 */
export function readElf(object: Uint8Array, options: ElfOptions = {}): ElfFile {
  const { file } = options;
  const fail = (code: "NOT_ELF" | "UNSUPPORTED" | "DAMAGED", what: string): ElfError =>
    new ElfError(code, what, file === undefined ? {} : { file });
  const view = new DataView(object.buffer, object.byteOffset, object.byteLength);
  // A Node Buffer is a Uint8Array whose slice does not copy; from here on there are none.
  const bytes = new Uint8Array(object.buffer, object.byteOffset, object.byteLength);
  if (bytes.length < 4 || view.getUint32(0) !== 0x7f454c46) {
    throw fail("NOT_ELF", "not an ELF file: the first four bytes must be 7f 45 4c 46");
  }
  const wrong = bytes.length < HEADER_BYTES ? undefined : unsupported(view);
  if (wrong !== undefined) throw fail("UNSUPPORTED", wrong);
  if (bytes.length < HEADER_BYTES) throw fail("DAMAGED", `${bytes.length} bytes are less than an ELF header (64)`);
  const rows = sectionRows(view, fail);
  const budget = new Budget(bytes.length);
  const elf = { bytes, view, file, budget };
  const names = rows.sections[rows.nameTable];
  const sections = rows.sections.map(({ nameOffset, ...section }) => ({
    ...section,
    name: names === undefined ? "" : stringIn(elf, names, nameOffset),
  }));
  return { ...elf, sections };
}

/** Why an ELF file is not one of ours, in words; undefined where it is. */
function unsupported(view: DataView): string | undefined {
  if (view.getUint8(4) !== 2) return "a 32-bit ELF file; eBPF objects are 64-bit";
  if (view.getUint8(5) !== 1) return "a big-endian object; compile with -target bpfel";
  const type = view.getUint16(16, true);
  const machine = view.getUint16(18, true);
  if (machine !== EM_BPF && machine !== EM_NONE) {
    return `an ELF file for ${MACHINES.get(machine) ?? `machine ${machine}`}, not for eBPF; compile with -target bpf`;
  }
  if (type !== 1) return `${FILE_TYPES[type] ?? `file type ${type}`}, not a relocatable object; compile with -c`;
  return undefined;
}

type Row = Omit<ElfSection, "name"> & { readonly nameOffset: number };

function sectionRows(
  view: DataView,
  fail: (code: "DAMAGED", what: string) => ElfError,
): { sections: Row[]; nameTable: number } {
  const start = u64(view, 0x28);
  if (start === 0) return { sections: [], nameTable: 0 };
  if (view.getUint16(0x3a, true) !== SECTION_BYTES || start + SECTION_BYTES > view.byteLength) {
    throw fail("DAMAGED", `no section table of 64-byte rows at byte ${start} of ${view.byteLength}`);
  }
  // More sections than 16 bits hold: the count and the name table's index are in the first row.
  const count = view.getUint16(0x3c, true) || u64(view, start + 0x20);
  const index = view.getUint16(0x3e, true);
  if (start + count * SECTION_BYTES > view.byteLength) {
    throw fail("DAMAGED", `a table of ${count} sections at byte ${start} does not fit ${view.byteLength} bytes`);
  }
  const sections = Array.from({ length: count }, (_, i) => sectionRow(view, start + i * SECTION_BYTES, i));
  for (const { index, type, offset, size } of sections) {
    if (type !== 0 && type !== SHT_NOBITS && offset + size > view.byteLength) {
      throw fail(
        "DAMAGED",
        `section ${index} (${size} bytes at ${offset}) ends behind the file's ${view.byteLength} bytes`,
      );
    }
  }
  return { sections, nameTable: index === SHN_XINDEX ? view.getUint32(start + 0x28, true) : index };
}

function sectionRow(view: DataView, at: number, index: number): Row {
  return {
    index,
    nameOffset: view.getUint32(at, true),
    type: view.getUint32(at + 4, true),
    flags: u64(view, at + 8),
    offset: u64(view, at + 0x18),
    size: u64(view, at + 0x20),
    link: view.getUint32(at + 0x28, true),
    info: view.getUint32(at + 0x2c, true),
  };
}

/** Unsigned 64 bits as a number; past 2^53 inexact, which no check of a size lets through. */
export function u64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

/** The bytes of a section, as a view of the file; none for a `.bss`. */
export function sectionBytes(elf: Pick<ElfFile, "bytes">, section: Omit<ElfSection, "name">): Uint8Array {
  if (section.type === SHT_NOBITS || section.type === 0) return new Uint8Array(0);
  return elf.bytes.subarray(section.offset, section.offset + section.size);
}

const decoder = new TextDecoder();

/** The string at an offset of a string table; empty where the offset is outside of it. */
export function stringIn(
  elf: Pick<ElfFile, "bytes" | "budget">,
  table: Omit<ElfSection, "name">,
  offset: number,
): string {
  const bytes = sectionBytes(elf, table);
  if (offset === 0 || offset >= bytes.length) return "";
  const end = bytes.indexOf(0, offset);
  const text = bytes.subarray(offset, end < 0 ? bytes.length : end);
  elf.budget.charge(text.length);
  return decoder.decode(text);
}
