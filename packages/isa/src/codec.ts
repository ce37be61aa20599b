import { type Place, SLOT_BYTES } from "@bpfkit/core";
import { IsaError } from "./error.js";
import { explain } from "./explain.js";
import { type Instruction, slotsOf } from "./instruction.js";
import { findRow, INVALID, rowIndexAt } from "./lookup.js";
import { ROWS, type Row } from "./row.js";

/** Reads the instruction at a byte offset that was checked. */
function read(view: DataView, at: number, row: Row): Instruction {
  const registers = view.getUint8(at + 1);
  const basic = {
    opcode: row.opcode,
    dst: registers & 0x0f,
    src: registers >>> 4,
    offset: view.getInt16(at + 2, true),
    imm: view.getInt32(at + 4, true),
  };
  return row.slots === 1 ? basic : { ...basic, nextImm: view.getInt32(at + SLOT_BYTES + 4, true) };
}

const viewOf = (code: Uint8Array): DataView => new DataView(code.buffer, code.byteOffset, code.byteLength);

/**
 * Decodes the one instruction that begins at a slot.
 * @throws {IsaError} as `rowIndexAt`.
 */
export function decodeAt(code: Uint8Array, slot: number): Instruction {
  return read(viewOf(code), slot * SLOT_BYTES, ROWS[rowIndexAt(code, slot)]!);
}

/**
 * Decodes wire bytes, little endian, 8 a slot. A 64-bit immediate is one instruction of two slots, so an instruction's index
 * is not its slot.
 * @throws {IsaError} at the first slot that is wrong, as `rowIndexAt`.
 */
export function decode(code: Uint8Array): Instruction[] {
  const view = viewOf(code);
  const instructions: Instruction[] = [];
  for (let at = 0; at < code.length; ) {
    const row = ROWS[rowIndexAt(code, at / SLOT_BYTES)]!;
    instructions.push(read(view, at, row));
    at += row.slots * SLOT_BYTES;
  }
  return instructions;
}

/**
 * Checks wire bytes as `decode` does, and makes nothing.
 * @throws {IsaError} at the first slot that is wrong, as `rowIndexAt`.
 */
export function validate(code: Uint8Array): void {
  for (let at = 0; at < code.length; ) at += ROWS[rowIndexAt(code, at / SLOT_BYTES)]!.slots * SLOT_BYTES;
}

/** Inclusive bounds of each field's value. */
const BOUNDS = {
  opcode: [0, 0xff],
  dst: [0, 10],
  src: [0, 10],
  offset: [-0x8000, 0x7fff],
  imm: [-0x8000_0000, 0x7fff_ffff],
  nextImm: [-0x8000_0000, 0x7fff_ffff],
} as const;

const FIELDS = Object.keys(BOUNDS) as readonly (keyof typeof BOUNDS)[];

/** `name` is of the row, where the caller knows it. */
function checkRanges(instruction: Instruction, place: Place, name?: string): void {
  for (const field of FIELDS) {
    const value = instruction[field];
    const [min, max] = BOUNDS[field];
    const wanted = field === "nextImm" ? slotsOf(instruction) === 2 : true;
    if (wanted ? Number.isInteger(value) && value! >= min && value! <= max : value === undefined) continue;
    const of = name ?? `opcode ${instruction.opcode}`;
    const range = wanted
      ? `an integer from ${min} to ${max}`
      : "left out, it belongs to 64-bit immediates (opcode 0x18)";
    const code = field === "dst" || field === "src" ? "BAD_REGISTER" : "BAD_OPERAND";
    throw new IsaError(code, `${of}: ${field} must be ${range}, not ${value}`, place);
  }
}

/** Writes one instruction, whose ranges and room were checked. */
function write({ opcode, dst, src, offset, imm, nextImm }: Instruction, view: DataView, at: number): void {
  view.setUint8(at, opcode);
  view.setUint8(at + 1, dst | (src << 4));
  view.setInt16(at + 2, offset, true);
  view.setInt32(at + 4, imm, true);
  if (nextImm === undefined) return;
  view.setUint32(at + SLOT_BYTES, 0, true);
  view.setInt32(at + SLOT_BYTES + 4, nextImm, true);
}

/**
 * Encodes instructions to wire bytes, little endian, 8 a slot. `decode` undoes it exactly.
 * @throws {IsaError} as `rowIndexAt`, and `BAD_OPERAND` where a value does not fit its field; `place.slot` says which.
 */
export function encode(instructions: readonly Instruction[]): Uint8Array {
  const slots = instructions.reduce((sum, instruction) => sum + slotsOf(instruction), 0);
  const code = new Uint8Array(slots * SLOT_BYTES);
  const view = viewOf(code);
  let slot = 0;
  for (const instruction of instructions) {
    checkRanges(instruction, { slot });
    write(instruction, view, slot * SLOT_BYTES);
    rowIndexAt(code, slot);
    slot += slotsOf(instruction);
  }
  return code;
}

const scratch = new Uint8Array(2 * SLOT_BYTES);
const scratchView = viewOf(scratch);

/** The row of an instruction, with every field checked; errors begin with `name`, if there is one. */
export function checkedRow(instruction: Instruction, name?: string): Row {
  checkRanges(instruction, {}, name);
  write(instruction, scratchView, 0);
  const index = findRow(scratch, 0);
  if (index === INVALID) throw explain(scratch.subarray(0, slotsOf(instruction) * SLOT_BYTES), 0, {});
  return ROWS[index]!;
}

/**
 * The row of an instruction, with every field checked.
 * @throws {IsaError} as `encode`, without a place.
 */
export function rowOf(instruction: Instruction): Row {
  return checkedRow(instruction);
}
