/** A section to be written; `data` is its bytes, `size` stands in for them where there are none in the file. */
export interface SectionInput {
  readonly name: string;
  readonly type?: number;
  readonly flags?: number;
  readonly data?: Uint8Array;
  readonly size?: number;
  readonly link?: number;
  readonly info?: number;
}

/** A symbol to be written. `section` is the index among the sections given, or an index of the format as is (`abs`). */
export interface SymbolInput {
  readonly name?: string;
  readonly type?: number;
  readonly binding?: number;
  readonly visibility?: number;
  readonly section?: number;
  readonly abs?: number;
  readonly value?: number;
  readonly size?: number;
}

/** A relocation to be written: `[offset, type, symbol]`, the symbol by its index among those given. */
export type RelocationInput = readonly [offset: number, type: number, symbol: number];

export interface ObjectInput {
  readonly sections: readonly SectionInput[];
  readonly symbols?: readonly SymbolInput[];
  /** Relocations by the index of the section they apply to. */
  readonly relocations?: ReadonlyMap<number, readonly RelocationInput[]>;
}

export const CODE = { type: 1, flags: 6 };
export const DATA = { type: 1, flags: 3 };
export const FUNC = 2;
export const OBJECT = 1;
export const SECTION = 3;
export const GLOBAL = 1;
export const WEAK = 2;

/**
 * Writes a 64-bit little-endian eBPF object: section 0, the sections given (index i becomes i + 1), their relocations,
 * the symbol table (index i becomes i + 1) and the string table.
 */
export function buildElf({ sections, symbols = [], relocations = new Map() }: ObjectInput): Uint8Array {
  const strings = stringTable([
    ...sections.map(({ name }) => name),
    ...symbols.map(({ name }) => name ?? ""),
    ".symtab",
  ]);
  const relTables = [...relocations].map(([section, rows]) => ({
    name: "",
    type: 9,
    data: relocationTable(rows),
    link: sections.length + relocations.size + 1,
    info: section + 1,
  }));
  const all: SectionInput[] = [
    ...sections,
    ...relTables,
    { name: ".symtab", type: 2, data: symbolTable(symbols, strings), link: sections.length + relocations.size + 2 },
    { name: "", type: 3, data: strings.bytes },
  ];
  return layOut(all, strings);
}

interface Strings {
  readonly bytes: Uint8Array;
  readonly at: ReadonlyMap<string, number>;
}

function stringTable(texts: readonly string[]): Strings {
  const at = new Map<string, number>([["", 0]]);
  let text = "\0";
  for (const name of texts) {
    if (at.has(name)) continue;
    at.set(name, text.length);
    text += `${name}\0`;
  }
  return { bytes: new TextEncoder().encode(text), at };
}

function symbolTable(symbols: readonly SymbolInput[], strings: Strings): Uint8Array {
  const bytes = new Uint8Array((symbols.length + 1) * 24);
  const view = new DataView(bytes.buffer);
  symbols.forEach((symbol, i) => {
    const at = (i + 1) * 24;
    view.setUint32(at, strings.at.get(symbol.name ?? "")!, true);
    view.setUint8(at + 4, (symbol.binding ?? 0) * 16 + (symbol.type ?? 0));
    view.setUint8(at + 5, symbol.visibility ?? 0);
    view.setUint16(at + 6, symbol.abs ?? (symbol.section === undefined ? 0 : symbol.section + 1), true);
    view.setBigUint64(at + 8, BigInt(symbol.value ?? 0), true);
    view.setBigUint64(at + 16, BigInt(symbol.size ?? 0), true);
  });
  return bytes;
}

function relocationTable(rows: readonly RelocationInput[]): Uint8Array {
  const bytes = new Uint8Array(rows.length * 16);
  const view = new DataView(bytes.buffer);
  rows.forEach(([offset, type, symbol], i) => {
    view.setBigUint64(i * 16, BigInt(offset), true);
    view.setUint32(i * 16 + 8, type, true);
    view.setUint32(i * 16 + 12, symbol + 1, true);
  });
  return bytes;
}

function layOut(sections: readonly SectionInput[], strings: Strings): Uint8Array {
  let end = 64;
  const offsets = sections.map(({ data }) => {
    const offset = end;
    end += Math.ceil((data?.length ?? 0) / 8) * 8;
    return offset;
  });
  const bytes = new Uint8Array(end + (sections.length + 1) * 64);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 1, true);
  view.setUint16(18, 247, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(40, BigInt(end), true);
  view.setUint16(52, 64, true);
  view.setUint16(58, 64, true);
  view.setUint16(60, sections.length + 1, true);
  view.setUint16(62, sections.length, true);
  sections.forEach((section, i) => {
    const at = end + (i + 1) * 64;
    if (section.data !== undefined) bytes.set(section.data, offsets[i]);
    view.setUint32(at, strings.at.get(section.name)!, true);
    view.setUint32(at + 4, section.type ?? 1, true);
    view.setBigUint64(at + 8, BigInt(section.flags ?? 0), true);
    view.setBigUint64(at + 24, BigInt(offsets[i]!), true);
    view.setBigUint64(at + 32, BigInt(section.size ?? section.data?.length ?? 0), true);
    view.setUint32(at + 40, section.link ?? 0, true);
    view.setUint32(at + 44, section.info ?? 0, true);
  });
  return bytes;
}

/** One slot: `[opcode, registers, offset, imm]`, or an opcode alone. */
export type SlotInput = number | readonly number[];

/** Slots from rows of `[opcode, registers, offset, imm]`; a number alone is an opcode. */
export function slots(...rows: readonly SlotInput[]): Uint8Array {
  const bytes = new Uint8Array(rows.length * 8);
  const view = new DataView(bytes.buffer);
  rows.forEach((row, i) => {
    const [opcode = 0, registers = 0, offset = 0, imm = 0] = typeof row === "number" ? [row] : row;
    bytes[i * 8] = opcode;
    bytes[i * 8 + 1] = registers;
    view.setInt16(i * 8 + 2, offset, true);
    view.setInt32(i * 8 + 4, imm, true);
  });
  return bytes;
}

/** Instructions the tests are made of. */
export const EXIT = 0x95;
export const MOV = (imm: number): readonly number[] => [0xb7, 0, 0, imm];
export const CALL = (imm: number): readonly number[] => [0x85, 0x10, 0, imm];
export const LOAD = (imm: number, selector = 0): readonly (readonly number[])[] => [
  [0x18, 1 + selector * 16, 0, imm],
  [0],
];

/** Words as bytes, little endian. */
export const words = (...values: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);

/** Byte strings one after another. */
export function join(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
