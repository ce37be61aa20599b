import { type Btf, type BtfExt, fillDataSections, parseBtf, parseBtfExt, stringAt } from "@bpfkit/btf";
import { SLOT_BYTES } from "@bpfkit/core";
import { type ElfFile, type ElfSection, sectionBytes } from "./elf-file.js";
import type { Problems } from "./problems.js";
import { type ElfSymbol, STB_LOCAL } from "./symbols.js";

/** An object's BTF with its data sections filled in. */
export interface ObjectBtf {
  readonly btf: Btf;
  readonly ext: BtfExt | undefined;
}

/** Bytes of a function's or a line's row in a program's BTF, for the budget. */
export const LINE_BYTES = 16;

/**
 * Reads `.BTF` and `.BTF.ext`; undefined where there is none. Damage of either is a problem and leaves it out: programs run
 * without types, and types are of use without lines.
 */
export function readObjectBtf(
  elf: ElfFile,
  symbols: ReadonlyMap<number, readonly ElfSymbol[]>,
  problems: Problems,
): ObjectBtf | undefined {
  const section = elf.sections.find(({ name }) => name === ".BTF");
  const btf = section && problems.attempt(() => fillIn(elf, parseBtf(sectionBytes(elf, section)), symbols));
  if (btf === undefined) return undefined;
  const ext = elf.sections.find(({ name }) => name === ".BTF.ext");
  return { btf, ext: ext && problems.attempt(() => parseBtfExt(sectionBytes(elf, ext))) };
}

function fillIn(elf: ElfFile, btf: Btf, symbols: ReadonlyMap<number, readonly ElfSymbol[]>): Btf {
  const sections = new Map<string, ElfSection>();
  for (const section of elf.sections) if (!sections.has(section.name)) sections.set(section.name, section);
  const offsets = new Map<string, ReadonlyMap<string, number>>();
  const hidden = new Set<string>();
  for (const [index, list] of symbols) {
    const globals = list.filter(({ binding }) => binding !== STB_LOCAL);
    offsets.set(elf.sections[index]!.name, new Map(globals.map(({ name, value }) => [name, value])));
    for (const { name, visibility } of globals) if (visibility !== 0) hidden.add(name);
  }
  elf.budget.charge(btf.bytes.length);
  return fillDataSections(btf, {
    size: (section) => sections.get(section)?.size,
    offset: (section, variable) => offsets.get(section)?.get(variable),
    hidden: (name) => hidden.has(name),
  });
}

/** What `.BTF.ext` says of one section, by slot. */
export interface SectionLines {
  /** Id of the BTF function that begins at a slot. */
  readonly functions: ReadonlyMap<number, number>;
  /** Four words a row, ascending by the first: slot in the section, file name, text, line and column. */
  readonly lines: Uint32Array;
}

/** Function and line information by the name of the section. */
export function linesBySection(elf: ElfFile, { btf, ext }: ObjectBtf): ReadonlyMap<string, SectionLines> {
  const sections = new Map<string, { functions: Map<number, number>; rows: Uint32Array[] }>();
  const entry = (nameOffset: number): { functions: Map<number, number>; rows: Uint32Array[] } => {
    const name = stringAt(btf, nameOffset);
    elf.budget.charge(name.length);
    const known = sections.get(name) ?? { functions: new Map(), rows: [] };
    sections.set(name, known);
    return known;
  };
  for (const { nameOffset, records } of ext?.functions ?? []) {
    const { functions } = entry(nameOffset);
    for (const { offset, typeId } of records) functions.set(offset / SLOT_BYTES, typeId);
  }
  for (const { nameOffset, records } of ext?.lines ?? []) entry(nameOffset).rows.push(records);
  return new Map(
    [...sections].map(([name, { functions, rows }]) => [name, { functions, lines: sortRows(rows.map(inSlots)) }]),
  );
}

/** The rows with byte offsets turned into slots. */
function inSlots(rows: Uint32Array): Uint32Array {
  const result = rows.slice();
  for (let i = 0; i < result.length; i += 4) result[i] = result[i]! >>> 3;
  return result;
}

/** One table in ascending order; compilers write it so, and most often in one piece. */
function sortRows(parts: readonly Uint32Array[]): Uint32Array {
  const all = parts.length === 1 ? parts[0]! : concat(parts);
  if (isSorted(all)) return all;
  const order = Array.from({ length: all.length / 4 }, (_, i) => i);
  order.sort((a, b) => all[a * 4]! - all[b * 4]! || a - b);
  const result = new Uint32Array(all.length);
  order.forEach((row, i) => {
    result.set(all.subarray(row * 4, row * 4 + 4), i * 4);
  });
  return result;
}

function isSorted(rows: Uint32Array): boolean {
  for (let i = 4; i < rows.length; i += 4) if (rows[i]! < rows[i - 4]!) return false;
  return true;
}

function concat(parts: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The index of the first row (in rows, not words) whose slot is not below `slot`. */
export function firstRow(lines: Uint32Array, slot: number): number {
  let low = 0;
  let high = lines.length / 4;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (lines[middle * 4]! < slot) low = middle + 1;
    else high = middle;
  }
  return low;
}
