import { type Place, SLOT_BYTES } from "@bpfkit/core";
import { IsaError } from "./error.js";
import { CALLX_OPCODE } from "./instruction.js";
import { type Field, ROWS, type Row } from "./row.js";

/** How messages call each field. */
const FIELD_WORDS: { readonly [field in Field]: string } = {
  dst: "destination register",
  src: "source register",
  offset: "offset",
  imm: "immediate",
  nextImm: "second immediate",
};

const hex = (value: number): string => (value < 0 ? `-${hex(-value)}` : `0x${value.toString(16).padStart(2, "0")}`);

type Fields = { readonly [field in Field]: number };

function fieldsAt(code: Uint8Array, at: number): Fields {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const registers = code[at + 1]!;
  const second = at + SLOT_BYTES;
  return {
    dst: registers & 0x0f,
    src: registers >>> 4,
    offset: view.getInt16(at + 2, true),
    imm: view.getInt32(at + 4, true),
    nextImm: second + SLOT_BYTES <= code.length ? view.getInt32(second + 4, true) : 0,
  };
}

/**
 * Says why the slot holds no valid instruction: the slow path behind `findRow`, which says only that. Checks in the order
 * opcode, form, reserved fields, registers, second slot, and names the first that is wrong.
 */
export function explain(code: Uint8Array, slot: number, place: Place): IsaError {
  const at = slot * SLOT_BYTES;
  if (!(at >= 0 && at + SLOT_BYTES <= code.length)) return outside(code, slot, place);
  const opcode = code[at]!;
  const fields = fieldsAt(code, at);
  const candidates = ROWS.filter((row) => row.opcode === opcode);
  if (candidates.length === 0) return unknownOpcode(opcode, place);
  const row = candidates.find((candidate) => selected(candidate, fields));
  if (row === undefined) return unknownForm(opcode, candidates, fields, place);
  return (
    reservedField(row, fields, place) ??
    badRegister(row, fields, place) ??
    secondSlot(row, code, at + SLOT_BYTES, fields, place)
  );
}

function outside(code: Uint8Array, slot: number, place: Place): IsaError {
  const whole = Math.floor(code.length / SLOT_BYTES);
  const rest = code.length % SLOT_BYTES;
  const what =
    slot === whole && rest > 0
      ? `the code ends after ${rest} bytes of this slot, a slot is ${SLOT_BYTES} bytes`
      : `there is no slot ${slot}, the code has ${whole}`;
  return new IsaError("TRUNCATED", what, place);
}

function unknownOpcode(opcode: number, place: Place): IsaError {
  const what =
    opcode === CALLX_OPCODE
      ? "callx (call by register, opcode 0x8d) is not part of RFC 9669; call a helper by its id or a subprogram by its distance (opcode 0x85)"
      : `opcode ${hex(opcode)} is no instruction of RFC 9669`;
  return new IsaError("UNKNOWN_OPCODE", what, place, { opcode });
}

const SELECTORS = ["src", "offset", "imm"] as const;

function selected(row: Row, fields: Fields): boolean {
  return SELECTORS.every((field) => row.select[field] === undefined || row.select[field] === fields[field]);
}

function unknownForm(opcode: number, candidates: readonly Row[], fields: Fields, place: Place): IsaError {
  let left = candidates;
  for (const field of SELECTORS) {
    const fitting = left.filter((row) => row.select[field] === undefined || row.select[field] === fields[field]);
    if (fitting.length === 0) {
      const value = fields[field];
      const choices = left.map((row) => `${hex(row.select[field]!)} (${row.name})`).join(", ");
      const what = `opcode ${hex(opcode)} has no form with ${FIELD_WORDS[field]} ${hex(value)}; there are ${choices}`;
      return new IsaError("UNKNOWN_FORM", what, place, { opcode, field, value });
    }
    left = fitting;
  }
  return unknownOpcode(opcode, place);
}

function unused(row: Row, field: Field, value: number, place: Place): IsaError {
  const { name, opcode } = row;
  const what = `${name} (opcode ${hex(opcode)}) does not use its ${FIELD_WORDS[field]}, which must be 0, not ${hex(value)}`;
  return new IsaError("RESERVED_FIELD", what, place, { opcode, field, value });
}

function reservedField(row: Row, fields: Fields, place: Place): IsaError | undefined {
  const used: readonly string[] = [...row.fields, ...Object.keys(row.select)];
  const field = (["dst", "src", "offset", "imm"] as const).find((name) => fields[name] !== 0 && !used.includes(name));
  return field === undefined ? undefined : unused(row, field, fields[field], place);
}

function badRegister(row: Row, fields: Fields, place: Place): IsaError | undefined {
  const { name, opcode } = row;
  for (const field of ["dst", "src"] as const) {
    const value = fields[field];
    if (value <= 10) continue;
    const what = `${name} (opcode ${hex(opcode)}) has ${FIELD_WORDS[field]} r${value}; there are r0 to r10`;
    return new IsaError("BAD_REGISTER", what, place, { opcode, field, value });
  }
  return undefined;
}

/** What is wrong with the second slot, once all else is right. */
function secondSlot(row: Row, code: Uint8Array, at: number, fields: Fields, place: Place): IsaError {
  const { name, opcode } = row;
  if (at + SLOT_BYTES > code.length) {
    const what = `${name} (opcode ${hex(opcode)}) takes two slots, the code ends after its first`;
    return new IsaError("TRUNCATED", what, place, { opcode });
  }
  const value = fields.nextImm;
  const head = code.subarray(at, at + 4);
  if (head.every((byte) => byte === 0)) return unused(row, "nextImm", value, place);
  const bytes = Array.from(head, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const what = `the second slot of ${name} (opcode ${hex(opcode)}) must be 0 but for its immediate, it begins ${bytes}`;
  return new IsaError("RESERVED_FIELD", what, place, { opcode });
}
