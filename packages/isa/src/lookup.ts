import { SLOT_BYTES } from "@bpfkit/core";
import { explain } from "./explain.js";
import { type Field, ROWS, type Row } from "./row.js";

/** What `findRow` gives for a slot that holds no valid instruction. */
export const INVALID = -1;

/*
 * The rows as numbers, sorted by opcode, so that a slot is checked with a few compares: its two 32-bit words, masked to what
 * selects a row or is reserved in it, must equal that row's.
 */
const SORTED: readonly Row[] = [...ROWS].sort((a, b) => a.opcode - b.opcode);
const FIRST: Int16Array = Int16Array.from({ length: 257 }, (_, opcode) => {
  const first = SORTED.findIndex((row) => row.opcode >= opcode);
  return first < 0 ? SORTED.length : first;
});
const uses = (row: Row, field: Field): boolean => row.fields.includes(field);
const INDEX: Int16Array = Int16Array.from(SORTED, (row) => row.index);
const WIDE: Uint8Array = Uint8Array.from(SORTED, (row) => row.slots - 1);
const HEAD_MASK: Int32Array = Int32Array.from(
  SORTED,
  (row) =>
    0xff | (uses(row, "dst") ? 0 : 0xf00) | (uses(row, "src") ? 0 : 0xf000) | (uses(row, "offset") ? 0 : -0x10000),
);
const HEAD: Int32Array = Int32Array.from(
  SORTED,
  ({ opcode, select }) => opcode | ((select.src ?? 0) << 12) | ((select.offset ?? 0) << 16),
);
const IMM_MASK: Int32Array = Int32Array.from(SORTED, (row) => (uses(row, "imm") ? 0 : -1));
const IMM: Int32Array = Int32Array.from(SORTED, (row) => row.select.imm ?? 0);
const NEXT_IMM_MASK: Int32Array = Int32Array.from(SORTED, (row) => (uses(row, "nextImm") ? 0 : -1));

function word(code: Uint8Array, at: number): number {
  return code[at]! | (code[at + 1]! << 8) | (code[at + 2]! << 16) | (code[at + 3]! << 24);
}

/** The `ROWS` index of the instruction that begins at a slot, with every field checked, or `INVALID`. */
export function findRow(code: Uint8Array, slot: number): number {
  const at = slot * SLOT_BYTES;
  // Not `at < 0 || …`: NaN must fail too.
  if (!(at >= 0 && at + SLOT_BYTES <= code.length)) return INVALID;
  const opcode = code[at]!;
  const registers = code[at + 1]!;
  if ((registers & 0x0f) > 10 || registers >>> 4 > 10) return INVALID;
  const head = word(code, at);
  const imm = word(code, at + 4);
  const end = FIRST[opcode + 1]!;
  for (let row = FIRST[opcode]!; row < end; row++) {
    if ((head & HEAD_MASK[row]!) !== HEAD[row]! || (imm & IMM_MASK[row]!) !== IMM[row]!) continue;
    return WIDE[row] === 0 || secondSlotFits(code, at + SLOT_BYTES, row) ? INDEX[row]! : INVALID;
  }
  return INVALID;
}

function secondSlotFits(code: Uint8Array, at: number, row: number): boolean {
  if (at + SLOT_BYTES > code.length) return false;
  return word(code, at) === 0 && (word(code, at + 4) & NEXT_IMM_MASK[row]!) === 0;
}

/**
 * The `ROWS` index of the instruction that begins at a slot, with every field checked. Allocates nothing.
 * @throws {IsaError} `UNKNOWN_OPCODE`, `UNKNOWN_FORM`, `RESERVED_FIELD`, `BAD_REGISTER`, `TRUNCATED`.
 */
export function rowIndexAt(code: Uint8Array, slot: number): number {
  const index = findRow(code, slot);
  if (index === INVALID) throw explain(code, slot, { slot });
  return index;
}
