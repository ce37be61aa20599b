import type { HelperTable, Place } from "@bpfkit/core";
import { isProgramArray, type MapStorage, type Program, type Reference, SLOT_BYTES, subprogramAt } from "@bpfkit/core";
import { ROW, ROWS, type Row, rowIndexAt, writtenField } from "@bpfkit/isa";
import { InterpreterError } from "./error.js";
import type { CalledHelper } from "./images.js";
import { CALL, KEYS, NO_INSTRUCTION, NOT_AVAILABLE, TAIL_CALL, WHOLE } from "./keys.js";
import { FUNCTION_BASE, STRIDE } from "./layout.js";

/** What preparing a program needs of the set it is linked into. */
export interface PrepareContext {
  readonly maps: ReadonlyMap<string, MapStorage>;
  readonly helpers: HelperTable;
  readonly helperName: (id: number) => string | undefined;
  /** Whether other threads may use the memory, too. */
  readonly shared: boolean;
  /** Where the program's first slot comes to lie in the set's code. */
  readonly base: number;
  /** Gives a function of the program, by the place of its first instruction, a number for its guest value. */
  functionNumber(pc: number): number;
  helperNumber(helper: CalledHelper): number;
  /** Keeps a text for a `NOT_AVAILABLE` instruction and gives its number. */
  reasonNumber(text: string): number;
}

/** A program under preparation. */
interface Preparation extends PrepareContext {
  readonly program: Program;
  readonly words: Int32Array;
  readonly view: DataView;
  /** Slots the code has. */
  readonly slots: number;
  /** By slot; an instruction takes out what it refers to. */
  readonly references: Map<number, Reference>;
}

/**
 * Translates a program to the dispatch loop's form: `STRIDE` words a slot, and one more slot that ends it.
 * @throws {InterpreterError} `BAD_INSTRUCTION`, `BAD_TARGET`, `BAD_MAP`, `BAD_REFERENCE`, with the place; and the program
 * array's own error where the program does not belong in an array it names.
 */
export function prepare(program: Program, context: PrepareContext): Int32Array {
  const { code } = program;
  const slots = Math.ceil(code.length / SLOT_BYTES);
  const preparation: Preparation = {
    ...context,
    program,
    slots,
    words: new Int32Array((slots + 1) * STRIDE),
    view: new DataView(code.buffer, code.byteOffset, code.byteLength),
    references: referencesOf(program),
  };
  const targets: number[] = [];
  for (let slot = 0; slot < slots; ) {
    const row = rowAt(preparation, slot);
    writeSlot(preparation, slot, row, targets);
    slot += row.slots;
  }
  for (let index = 0; index < targets.length; index += 2)
    checkTarget(preparation, targets[index]!, targets[index + 1]!);
  for (const [slot, reference] of preparation.references)
    throw badReference(program, slot, `no instruction here takes a reference to ${nameOf(reference)}`);
  return preparation.words;
}

function referencesOf(program: Program): Map<number, Reference> {
  const references = new Map<number, Reference>();
  for (const reference of program.references) {
    if (references.has(reference.slot))
      throw badReference(program, reference.slot, `a second reference, to ${nameOf(reference)}, at one slot`);
    references.set(reference.slot, reference);
  }
  return references;
}

function nameOf(reference: Reference): string {
  return reference.kind === "extern" ? `extern ${reference.symbol}` : `map ${reference.map}`;
}

function badReference(program: Program, slot: number, what: string): InterpreterError {
  return new InterpreterError("BAD_REFERENCE", what, placeOf(program, slot));
}

/** The reference at a slot, if it is of one of these kinds. */
function take<Kind extends Reference["kind"]>(
  { references }: Preparation,
  slot: number,
  kind: Kind,
): Extract<Reference, { kind: Kind }> | undefined {
  const reference = references.get(slot);
  if (reference?.kind !== kind) return undefined;
  references.delete(slot);
  return reference as Extract<Reference, { kind: Kind }>;
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

const FRAME_POINTER = 10;
const WRITTEN = ROWS.map(writtenField);

/** Fills one instruction's words; jump targets are noted to be checked once all instructions are known. */
function writeSlot(preparation: Preparation, slot: number, row: Row, targets: number[]): void {
  const { words, view, base } = preparation;
  const at = slot * SLOT_BYTES;
  const registers = view.getUint8(at + 1);
  const [dst, src] = [registers & 0x0f, registers >>> 4];
  const [offset, imm] = [view.getInt16(at + 2, true), view.getInt32(at + 4, true)];
  const word = slot * STRIDE;
  const key = KEYS[row.index]!;
  words[word] = (preparation.shared ? (WHOLE.get(key) ?? key) : key) | (dst << 17) | (src << 25);
  words[word + 1] = imm;
  words[word + 2] = offset;
  if (row.target !== undefined) {
    const target = slot + 1 + (row.target === "offset" ? offset : imm);
    targets.push(slot, target);
    words[word + 2] = base + target * STRIDE;
  }
  const written = WRITTEN[row.index];
  const register = written === "dst" ? dst : written === "src" ? src : 0;
  // The kernel takes such a program where nothing reaches the instruction.
  if (register === FRAME_POINTER) {
    preparation.references.delete(slot);
    unavailable(preparation, slot, "r10, the frame pointer, is read only");
  } else if (row.operation === "lddw") writeWide(preparation, slot, row, view.getInt32(at + 12, true));
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
  const { words, base, view } = preparation;
  const word = slot * STRIDE;
  const imm = view.getInt32(slot * SLOT_BYTES + 4, true);
  const set = (low: number, high = 0): void => {
    words[word + 1] = low;
    words[word + 2] = high;
  };
  const extern = take(preparation, slot, "extern");
  if (extern?.weak) {
    words[word] = KEYS[ROW.lddw.index]! | (words[word]! & 0xffff0000);
    set(0);
  } else if (extern !== undefined) unavailable(preparation, slot, `extern variable ${extern.symbol} is not defined`);
  else if (row.name === "lddwMap") set(headerOf(preparation, slot));
  else if (row.name === "lddwMapValue") set(valueAddress(preparation, slot));
  else if (row.name === "lddwCode") set(FUNCTION_BASE | preparation.functionNumber(base + (slot + 1 + imm) * STRIDE));
  else if (row.name === "lddw") set(imm, nextImm);
  else unavailable(preparation, slot, `${row.name} is not available in the interpreter`);
}

function badMap(program: Program, slot: number, what: string): InterpreterError {
  return new InterpreterError("BAD_MAP", what, placeOf(program, slot));
}

function headerOf(preparation: Preparation, slot: number): number {
  const reference = take(preparation, slot, "map");
  if (reference === undefined) throw unnamed(preparation.program, slot);
  return mapNamed(preparation, slot, reference.map).header;
}

function unnamed(program: Program, slot: number): InterpreterError {
  return badReference(program, slot, "the 64-bit load of a map has no reference that names one");
}

function mapNamed({ maps, program }: Preparation, slot: number, name: string): MapStorage {
  const map = maps.get(name);
  if (map === undefined) throw badMap(program, slot, `map ${name} is not in the link set`);
  if (isProgramArray(map)) map.bindOwner(program);
  return map;
}

/** Linux: array_map_direct_value_addr. */
function valueAddress(preparation: Preparation, slot: number): number {
  const { program } = preparation;
  const reference = take(preparation, slot, "mapValue");
  if (reference === undefined) throw unnamed(program, slot);
  const { map: name, offset } = reference;
  const { spec, layout } = mapNamed(preparation, slot, name);
  const whole = layout?.kind === "array" && layout.cpuStride === 0 && spec.maxEntries === 1;
  if (!whole)
    throw badMap(
      program,
      slot,
      `map ${name} is no array of one entry in guest memory; only of those a value's address is known`,
    );
  if (Number.isInteger(offset) && offset >= 0 && offset < spec.valueSize) return layout.data + offset;
  throw badMap(program, slot, `offset ${offset} is outside the value of map ${name} (${spec.valueSize} bytes)`);
}

function writeCall(preparation: Preparation, slot: number, row: Row, imm: number): void {
  const { words, helpers } = preparation;
  const word = slot * STRIDE;
  const extern = take(preparation, slot, "extern");
  if (extern !== undefined || row.name === "callKfunc") {
    const kfunc = extern === undefined ? undefined : helpers.get(extern.symbol);
    const symbol = extern?.symbol ?? `with BTF id ${imm}`;
    if (kfunc === undefined || kfunc.kind === "intrinsic")
      unavailable(preparation, slot, `kernel function ${symbol} is not available outside the kernel`);
    else {
      words[word] = CALL;
      words[word + 1] = preparation.helperNumber(kfunc);
    }
  } else if (row.name === "call") {
    const helper = helpers.get(imm);
    if (helper === undefined)
      unavailable(preparation, slot, `helper ${preparation.helperName(imm) ?? "?"}#${imm} is not available here`);
    else if (helper.kind === "intrinsic") words[word] = TAIL_CALL;
    else words[word + 1] = preparation.helperNumber(helper);
  }
}

function unavailable(preparation: Preparation, slot: number, text: string): void {
  const word = slot * STRIDE;
  preparation.words[word] = NOT_AVAILABLE;
  preparation.words[word + 1] = preparation.reasonNumber(text);
}
