import { type ElfFile, type ElfSection, SHT_SYMTAB, stringIn, u64 } from "./elf-file.js";
import { ElfError } from "./error.js";

/** One row of the symbol table. */
export interface ElfSymbol {
  readonly index: number;
  readonly name: string;
  /** `STT_*`: 0 none, 1 object, 2 function, 3 section, 4 file. */
  readonly type: number;
  /** `STB_*`: 0 local, 1 global, 2 weak. */
  readonly binding: number;
  /** `STV_*`: 0 default, 2 hidden. */
  readonly visibility: number;
  /** Index of the section it is in; 0 where it is defined elsewhere. */
  readonly section: number;
  /** Byte offset in its section. */
  readonly value: number;
  /** Bytes; 0 where the compiler gave none. */
  readonly size: number;
}

/** `STT_*`, `STB_*`, `SHN_*`. */
export const STT_NOTYPE = 0;
export const STT_OBJECT = 1;
export const STT_FUNC = 2;
export const STT_SECTION = 3;
export const STB_LOCAL = 0;
export const STB_WEAK = 2;
export const SHN_UNDEF = 0;

const SYMBOL_BYTES = 24;

/** The symbol table, whose rows are decoded when asked for: most of them name debug strings. */
export interface SymbolTable {
  readonly elf: ElfFile;
  readonly count: number;
  /** Byte offset of the first row in the file. */
  readonly start: number;
  readonly names: ElfSection | undefined;
}

/** Finds an object's symbol table; empty where it has none. */
export function symbolTable(elf: ElfFile): SymbolTable {
  const section = elf.sections.find(({ type }) => type === SHT_SYMTAB);
  if (section === undefined) return { elf, count: 0, start: 0, names: undefined };
  const count = Math.floor(section.size / SYMBOL_BYTES);
  return { elf, count, start: section.offset, names: elf.sections[section.link] };
}

/** One symbol. @throws {ElfError} `DAMAGED` where the index is out of range. */
export function symbolAt(table: SymbolTable, index: number): ElfSymbol {
  const { elf, names } = table;
  if (index >= table.count) {
    const place = elf.file === undefined ? {} : { file: elf.file };
    throw new ElfError("DAMAGED", `symbol ${index} does not exist; the table has ${table.count}`, place);
  }
  const at = table.start + index * SYMBOL_BYTES;
  const info = elf.view.getUint8(at + 4);
  return {
    index,
    name: names === undefined ? "" : stringIn(elf, names, elf.view.getUint32(at, true)),
    type: info & 15,
    binding: info >>> 4,
    visibility: elf.view.getUint8(at + 5) & 3,
    section: elf.view.getUint16(at + 6, true),
    value: u64(elf.view, at + 8),
    size: u64(elf.view, at + 16),
  };
}

/** All symbols of an object, in order. */
export function symbols(elf: ElfFile): ElfSymbol[] {
  const table = symbolTable(elf);
  return Array.from({ length: table.count }, (_, index) => symbolAt(table, index));
}

/** Symbols that define something in a section, by section index; section and file symbols and labels are left out. */
export function definedSymbols(table: SymbolTable): ReadonlyMap<number, readonly ElfSymbol[]> {
  const bySection = new Map<number, ElfSymbol[]>();
  for (let index = 1; index < table.count; index++) {
    const at = table.start + index * SYMBOL_BYTES;
    const info = table.elf.view.getUint8(at + 4);
    const section = table.elf.view.getUint16(at + 6, true);
    // Old compilers give global functions and maps no type; a local one without a type is a label or a debug string.
    const defines =
      (info & 15) === STT_FUNC || (info & 15) === STT_OBJECT || ((info & 15) === STT_NOTYPE && info >= 16);
    if (!defines || section === SHN_UNDEF || section >= table.elf.sections.length) continue;
    const symbol = symbolAt(table, index);
    const list = bySection.get(section);
    if (list === undefined) bySection.set(section, [symbol]);
    else list.push(symbol);
  }
  return bySection;
}
