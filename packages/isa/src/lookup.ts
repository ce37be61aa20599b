import { SLOT_BYTES } from "@bpfkit/core";
import { explain } from "./explain.js";
import { ROWS, type Row } from "./row.js";

/** What `findRow` gives for a slot that holds no valid instruction. */
export const INVALID = -1;

/**
 * A row as numbers, so that a slot is checked with a few compares: the slot's two 32-bit words, masked to the fields that
 * select the row or are reserved, must equal these.
 */
interface Pattern {
  readonly index: number;
  readonly wide: boolean;
  readonly headMask: number;
  readonly head: number;
  readonly immMask: number;
  readonly imm: number;
  readonly nextImmMask: number;
}

function toPattern(row: Row): Pattern {
  const { select, fields } = row;
  const used = (field: Row["fields"][number]): boolean => fields.includes(field);
  const headMask = 0xff | (used("dst") ? 0 : 0x0f00) | (used("src") ? 0 : 0xf000) | (used("offset") ? 0 : 0xffff0000);
  return {
    index: row.index,
    wide: row.slots === 2,
    headMask,
    head: row.opcode | ((select.src ?? 0) << 12) | ((select.offset ?? 0) << 16),
    immMask: used("imm") ? 0 : -1,
    imm: select.imm ?? 0,
    nextImmMask: used("nextImm") ? 0 : -1,
  };
}

const PATTERNS: readonly (readonly Pattern[])[] = Array.from({ length: 256 }, (_, opcode) =>
  ROWS.filter((row) => row.opcode === opcode).map(toPattern),
);

function word(code: Uint8Array, at: number): number {
  return code[at]! | (code[at + 1]! << 8) | (code[at + 2]! << 16) | (code[at + 3]! << 24);
}

/** The index of the row that the whole slots at `slot` hold, or `INVALID`. */
export function findRow(code: Uint8Array, slot: number): number {
  const at = slot * SLOT_BYTES;
  if (!(at >= 0 && at + SLOT_BYTES <= code.length)) return INVALID;
  const head = word(code, at);
  const registers = code[at + 1]!;
  if ((registers & 0x0f) > 10 || registers >>> 4 > 10) return INVALID;
  const imm = word(code, at + 4);
  for (const pattern of PATTERNS[code[at]!]!) {
    if ((head & pattern.headMask) === pattern.head && (imm & pattern.immMask) === pattern.imm) {
      return pattern.wide && !secondSlotFits(code, at + SLOT_BYTES, pattern) ? INVALID : pattern.index;
    }
  }
  return INVALID;
}

function secondSlotFits(code: Uint8Array, at: number, pattern: Pattern): boolean {
  if (at + SLOT_BYTES > code.length) return false;
  return word(code, at) === 0 && (word(code, at + 4) & pattern.nextImmMask) === 0;
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
