import { ROWS, type Row, type SlotTable, writtenField } from "@bpfkit/isa";
import { endsBlock, type FunctionPlan, type ProgramPlan, targetOf } from "./plan.js";
import type { Scratch } from "./scratch.js";

const ARGUMENTS = 0b111110;
const EVERY = 0x7ff;

/** Which of its registers an instruction reads and writes. */
interface Effect {
  readonly readsDst: boolean;
  readonly readsSrc: boolean;
  readonly writesDst: boolean;
  readonly writesSrc: boolean;
  readonly readsR0: boolean;
  readonly writesR0: boolean;
}

function effectOf(row: Row): Effect {
  const { operation, fields } = row;
  const sets = operation === "mov" || operation === "movsx" || operation === "lddw" || operation.startsWith("load");
  const usesDst = fields.includes("dst");
  return {
    readsDst: usesDst && !sets,
    readsSrc: fields.includes("src"),
    writesDst: writtenField(row) === "dst",
    writesSrc: writtenField(row) === "src",
    readsR0: operation === "cmpxchg",
    writesR0: operation === "cmpxchg" || operation === "loadPacket",
  };
}

const EFFECTS: readonly Effect[] = ROWS.map(effectOf);

/** Registers live before an instruction, from those live after it. In verified programs calls take r1–r5 and leave r0. */
function before(table: SlotTable, slot: number, after: number, verified: boolean): number {
  const index = table.row[slot]!;
  const row = ROWS[index]!;
  if (row.operation === "call") return verified ? (after & ~0b111111) | ARGUMENTS : EVERY;
  if (row.operation === "exit") return verified ? 1 : EVERY;
  const effect = EFFECTS[index]!;
  const dst = 1 << table.dst[slot]!;
  const src = 1 << table.src[slot]!;
  let live = after;
  if (effect.writesDst) live &= ~dst;
  if (effect.writesSrc) live &= ~src;
  if (effect.writesR0) live &= ~1;
  if (effect.readsDst) live |= dst;
  if (effect.readsSrc) live |= src;
  if (effect.readsR0) live |= 1;
  return live;
}

/** For each slot of a function, the registers whose values are still wanted after it, as bits. */
export function liveAfter(
  { table }: ProgramPlan,
  fn: FunctionPlan,
  verified: boolean,
  { liveAfter: live, liveBefore }: Scratch,
): Uint16Array {
  for (let changed = true; changed; ) {
    changed = false;
    for (let at = fn.slots.length - 1; at >= 0; at--) {
      const slot = fn.slots[at]!;
      const row = ROWS[table.row[slot]!]!;
      let after = endsBlock(row) ? 0 : liveBefore[slot + row.slots]!;
      if (row.target !== undefined && row.operation !== "call" && row.operation !== "lddw") {
        after |= liveBefore[targetOf(table, row, slot)]!;
      }
      live[slot] = after;
      const now = before(table, slot, after, verified);
      if (now !== liveBefore[slot]) {
        liveBefore[slot] = now;
        changed = true;
      }
    }
  }
  return live;
}
