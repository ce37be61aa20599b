import { type Program, sourceLineAt } from "@bpfkit/core";
import { decodeSlots, ROWS, type Row, SECOND_SLOT, type SlotTable } from "@bpfkit/isa";
import { StackError } from "./error.js";

/** A subprogram's slots: `start` up to, not including, `end`. */
export interface CodeRange {
  readonly index: number;
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly global: boolean;
}

/** A program's code ready to be walked. */
export interface Code {
  readonly program: Program;
  readonly table: SlotTable;
  readonly subprograms: readonly CodeRange[];
  /** Map names by the slot of their 64-bit load. */
  readonly maps: ReadonlyMap<number, string>;
  readonly mapValues: ReadonlyMap<number, { readonly map: string; readonly offset: number }>;
}

/**
 * Reads a program.
 * @throws {StackError} `BAD_CODE` with the place.
 */
export function readCode(program: Program): Code {
  const table = decode(program);
  // Linkage is in the BTF: without it the kernel takes every function for static.
  const hasBtf = (program.btf?.functions.length ?? 0) > 0;
  const subprograms = program.subprograms.map((subprogram, index) => ({
    index,
    name: subprogram.name,
    start: subprogram.start as number,
    end: (program.subprograms[index + 1]?.start ?? table.length) as number,
    global: hasBtf && subprogram.linkage === "global",
  }));
  const bad = (slot: number, what: string): StackError =>
    new StackError("BAD_CODE", what, { program: program.name, slot });
  if (subprograms[0]?.start !== 0) throw bad(0, "the first subprogram must be the entry, at slot 0");
  for (const { start, end, name } of subprograms) {
    if (start >= end || end > table.length) throw bad(start, `subprogram ${name} has no code of its own`);
    if (table.row[start] === SECOND_SLOT) throw bad(start, `subprogram ${name} begins inside a 64-bit immediate`);
  }
  const maps = new Map<number, string>();
  const mapValues = new Map<number, { map: string; offset: number }>();
  for (const reference of program.references) {
    if (reference.kind === "map") maps.set(reference.slot, reference.map);
    if (reference.kind === "mapValue") mapValues.set(reference.slot, reference);
  }
  return { program, table, subprograms, maps, mapValues };
}

function decode(program: Program): SlotTable {
  try {
    return decodeSlots(program.code);
  } catch (error) {
    const slot = (error as { place?: { slot?: number } }).place?.slot;
    const place = { program: program.name, ...(slot === undefined ? {} : { slot }) };
    throw new StackError("BAD_CODE", (error as Error).message.replace(/^slot \d+: /, ""), place, { cause: error });
  }
}

export function rowAt({ table }: Code, slot: number): Row {
  return ROWS[table.row[slot]!]!;
}

/**
 * The slot a jump goes to, within its subprogram.
 * @throws {StackError} `BAD_CODE`
 */
export function jumpTarget(code: Code, range: CodeRange, slot: number): number {
  const row = rowAt(code, slot);
  const target = slot + 1 + (row.target === "imm" ? code.table.imm[slot]! : code.table.offset[slot]!);
  if (target >= range.start && target < range.end && code.table.row[target] !== SECOND_SLOT) return target;
  throw new StackError("BAD_CODE", `a jump to slot ${target}, where no instruction of ${range.name} begins`, {
    program: code.program.name,
    slot,
  });
}

/**
 * The subprogram a call or a function's address names.
 * @throws {StackError} `BAD_CODE`
 */
export function calleeAt(code: Code, slot: number): CodeRange {
  const target = slot + 1 + code.table.imm[slot]!;
  const callee = code.subprograms.find(({ start }) => start === target);
  if (callee !== undefined) return callee;
  throw new StackError("BAD_CODE", `a call to slot ${target}, where no subprogram begins`, {
    program: code.program.name,
    slot,
  });
}

/** `file.c:12`, or undefined where the program carries no lines. */
export function sourceText(program: Program, slot: number): string | undefined {
  const source = sourceLineAt(program, slot);
  return source === undefined ? undefined : `${source.file.split("/").at(-1)}:${source.line}`;
}
