import type { HelperTable, Place } from "@bpfkit/core";
import { isProgramArray, type MapStorage, type Program, type Reference, SLOT_BYTES, subprogramAt } from "@bpfkit/core";
import { ROWS, type Row, rowIndexAt } from "@bpfkit/isa";
import { InterpreterError } from "./error.js";
import { KEYS, NO_INSTRUCTION, NOT_AVAILABLE, TAIL_CALL } from "./keys.js";
import { FUNCTION_BASE, STRIDE } from "./layout.js";

/** What preparing a program needs of the set it is linked into. */
export interface PrepareContext {
  readonly maps: ReadonlyMap<string, MapStorage>;
  readonly helpers: HelperTable;
  readonly helperName: (id: number) => string | undefined;
  /** Where the program's first slot comes to lie in the set's code. */
  readonly base: number;
  /** Gives a function of the program, by the place of its first instruction, a number for its guest value. */
  functionIndex(pc: number): number;
  /** Keeps a text for a `NOT_AVAILABLE` instruction and gives its number. */
  reason(text: string): number;
}

/** Mutable view of the program under preparation. */
interface Preparation extends PrepareContext {
  readonly program: Program;
  readonly words: Int32Array;
  readonly view: DataView;
  readonly slots: number;
  readonly references: ReadonlyMap<number, Reference>;
}

/**
 * Translates a program to the dispatch loop's form: `STRIDE` words a slot, and one more slot that ends it.
 * @throws {InterpreterError} `BAD_INSTRUCTION`, `BAD_TARGET`, `BAD_MAP`, with the place.
 */
export function prepare(program: Program, context: PrepareContext): Int32Array {
  const { code } = program;
  const slots = Math.floor(code.length / SLOT_BYTES);
  const preparation: Preparation = {
    ...context,
    program,
    slots,
    words: new Int32Array((slots + 1) * STRIDE),
    view: new DataView(code.buffer, code.byteOffset, code.byteLength),
    references: new Map(program.references.map((reference) => [reference.slot, reference])),
  };
  const targets: number[] = [];
  for (let slot = 0; slot < slots; ) {
    const row = rowAt(preparation, slot);
    writeSlot(preparation, slot, row, targets);
    slot += row.slots;
  }
  for (let index = 0; index < targets.length; index += 2)
    checkTarget(preparation, targets[index]!, targets[index + 1]!);
  return preparation.words;
}

function placeOf(program: Program, slot: number): Place {
  const subprogram = subprogramAt(program, slot)?.name;
  return { program: program.name, ...(subprogram === undefined ? {} : { subprogram }), slot };
}

function rowAt({ program }: Preparation, slot: number): Row {
  try {
    return ROWS[rowIndexAt(program.code, slot)]!;
  } catch (cause) {
    const what = cause instanceof Error ? cause.message.replace(/^slot \d+: /, "") : String(cause);
    throw new InterpreterError("BAD_INSTRUCTION", what, placeOf(program, slot), { cause });
  }
}

/** Fills one instruction's words; jump targets are noted to be checked once all instructions are known. */
function writeSlot(preparation: Preparation, slot: number, row: Row, targets: number[]): void {
  const { words, view, base } = preparation;
  const at = slot * SLOT_BYTES;
  const registers = view.getUint8(at + 1);
  const [dst, src] = [registers & 0x0f, registers >>> 4];
  const [offset, imm] = [view.getInt16(at + 2, true), view.getInt32(at + 4, true)];
  const word = slot * STRIDE;
  words[word] = KEYS[row.index]! | (dst << 17) | (src << 25);
  words[word + 1] = imm;
  words[word + 2] = offset;
  if (row.target !== undefined) {
    const target = slot + 1 + (row.target === "offset" ? offset : imm);
    targets.push(slot, target);
    words[word + 2] = base + target * STRIDE;
  }
  if (row.operation === "lddw") writeWide(preparation, slot, row, view.getInt32(at + 12, true));
  else if (row.operation === "call") writeCall(preparation, slot, row, imm);
  else if (KEYS[row.index] === NOT_AVAILABLE)
    unavailable(preparation, slot, `${row.name} is not available in the interpreter`);
}

/** A jump leads to an instruction of the same program; the slot behind the last one is none. */
function checkTarget({ program, words, slots }: Preparation, slot: number, target: number): void {
  const inside = target >= 0 && target < slots;
  if (inside && (words[target * STRIDE]! & 0xffff) !== NO_INSTRUCTION) return;
  const why = inside ? "the middle of a 64-bit immediate" : `outside the program (0 to ${slots - 1})`;
  throw new InterpreterError("BAD_TARGET", `the target, slot ${target}, is ${why}`, placeOf(program, slot));
}

/** A 64-bit immediate becomes its value: a number, a map's header, an address in a map's value, or a function's number. */
function writeWide(preparation: Preparation, slot: number, row: Row, nextImm: number): void {
  const { words, references, base } = preparation;
  const word = slot * STRIDE;
  const reference = references.get(slot);
  const set = (low: number, high: number): void => {
    words[word + 1] = low;
    words[word + 2] = high;
  };
  if (reference?.kind === "map") set(mapNamed(preparation, slot, reference.map).header, 0);
  else if (reference?.kind === "mapValue") set(valueAddress(preparation, slot, reference.map, reference.offset), 0);
  else if (reference?.kind === "extern" && reference.weak) {
    words[word] = 0x18 | (words[word]! & 0xffff0000);
    set(0, 0);
  } else if (reference?.kind === "extern")
    unavailable(preparation, slot, `extern variable ${reference.symbol} is not defined`);
  else if (row.name === "lddwCode")
    set(FUNCTION_BASE | preparation.functionIndex(base + (slot + 1 + words[word + 1]!) * STRIDE), 0);
  else if (row.name === "lddw") set(words[word + 1]!, nextImm);
  else if (row.name === "lddwMap" || row.name === "lddwMapValue") {
    throw new InterpreterError(
      "BAD_MAP",
      `the 64-bit load of a map has no reference that names one`,
      placeOf(preparation.program, slot),
    );
  } else unavailable(preparation, slot, `${row.name} is not available in the interpreter`);
}

function mapNamed({ maps, program }: Preparation, slot: number, name: string): MapStorage {
  const map = maps.get(name);
  if (map !== undefined) {
    if (isProgramArray(map)) map.bindOwner(program);
    return map;
  }
  throw new InterpreterError("BAD_MAP", `map ${name} is not in the link set`, placeOf(program, slot));
}

function valueAddress(preparation: Preparation, slot: number, name: string, offset: number): number {
  const map = mapNamed(preparation, slot, name);
  const size = map.spec.valueSize * map.spec.maxEntries;
  if (map.layout?.kind !== "array") {
    throw new InterpreterError(
      "BAD_MAP",
      `map ${name} is no array in guest memory, so its value has no address`,
      placeOf(preparation.program, slot),
    );
  }
  if (offset >= size) {
    throw new InterpreterError(
      "BAD_MAP",
      `offset ${offset} is past the end of map ${name} (${size} bytes)`,
      placeOf(preparation.program, slot),
    );
  }
  return map.layout.data + offset;
}

function writeCall(preparation: Preparation, slot: number, row: Row, imm: number): void {
  const { words, helpers, references } = preparation;
  const word = slot * STRIDE;
  const reference = references.get(slot);
  if (reference?.kind === "extern" || row.name === "callKfunc") {
    const symbol = reference?.kind === "extern" ? reference.symbol : `with BTF id ${imm}`;
    unavailable(preparation, slot, `kernel function ${symbol} is not available outside the kernel`);
  } else if (row.name === "call") {
    const helper = helpers.get(imm);
    if (helper === undefined)
      unavailable(preparation, slot, `helper ${preparation.helperName(imm) ?? "?"}#${imm} is not available here`);
    else if (helper.kind === "intrinsic") words[word] = TAIL_CALL;
  }
}

function unavailable(preparation: Preparation, slot: number, text: string): void {
  const word = slot * STRIDE;
  preparation.words[word] = NOT_AVAILABLE;
  preparation.words[word + 1] = preparation.reason(text);
}
