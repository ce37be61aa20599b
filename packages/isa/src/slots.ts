import { SLOT_BYTES } from "@bpfkit/core";
import { rowIndexAt } from "./lookup.js";
import { ROWS } from "./row.js";

/** What `row` of a `SlotTable` holds for the second slot of a 64-bit immediate, where no instruction begins. */
export const SECOND_SLOT = -1;

/**
 * A program as columns, an element for each slot: what an engine or an analysis reads when an object for each instruction is
 * too slow. The second slot of a 64-bit immediate has `row` `SECOND_SLOT` and its immediate in `imm`.
 */
export interface SlotTable {
  readonly length: number;
  /** Index in `ROWS`, or `SECOND_SLOT`. */
  readonly row: Int16Array;
  readonly dst: Uint8Array;
  readonly src: Uint8Array;
  readonly offset: Int16Array;
  readonly imm: Int32Array;
}

/**
 * Decodes wire bytes to columns.
 * @throws {IsaError} at the first slot that is wrong, as `rowIndexAt`.
 */
export function decodeSlots(code: Uint8Array): SlotTable {
  const length = Math.ceil(code.length / SLOT_BYTES);
  const row = new Int16Array(length);
  const dst = new Uint8Array(length);
  const src = new Uint8Array(length);
  const offset = new Int16Array(length);
  const imm = new Int32Array(length);
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  for (let slot = 0; slot < length; slot++) {
    const at = slot * SLOT_BYTES;
    const index = rowIndexAt(code, slot);
    row[slot] = index;
    dst[slot] = code[at + 1]! & 0x0f;
    src[slot] = code[at + 1]! >>> 4;
    offset[slot] = view.getInt16(at + 2, true);
    imm[slot] = view.getInt32(at + 4, true);
    if (ROWS[index]!.slots === 1) continue;
    slot++;
    row[slot] = SECOND_SLOT;
    imm[slot] = view.getInt32(at + SLOT_BYTES + 4, true);
  }
  return { length, row, dst, src, offset, imm };
}
