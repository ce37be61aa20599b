import { type Program, type Reference, SLOT_BYTES, type Subprogram, slotIndex } from "@bpfkit/core";
import { decodeAt, ROWS, rowIndexAt, slotsOf } from "@bpfkit/isa";

/** What bare code lacks that a program has. */
export interface CodeFacts {
  readonly name: string;
  readonly type: string;
  readonly expectedAttachType?: string;
  readonly flags?: number;
  readonly license?: string;
  readonly references?: readonly Reference[];
  /** Names and linkage of functions, by the slot they begin at; what is called and not named here is called `fN` by its slot. */
  readonly functions?: readonly {
    readonly slot: number;
    readonly name: string;
    readonly linkage?: "static" | "global";
  }[];
}

/** Makes a program of wire bytes without an object around them: functions are found by who calls them. */
export function programFromCode(code: Uint8Array, facts: CodeFacts): Program {
  const { functions = [], references = [], ...rest } = facts;
  const named = new Map(functions.map((one) => [one.slot, one]));
  const starts = new Set([0, ...named.keys(), ...calledSlots(code)]);
  const subprograms = [...starts]
    .sort((one, other) => one - other)
    .map((start): Subprogram => {
      const { name = start === 0 ? facts.name : `f${start}`, linkage = "static" } = named.get(start) ?? {};
      return { name, start: slotIndex(start), linkage: start === 0 ? "global" : linkage };
    });
  return { ...rest, code, subprograms, references };
}

/** Slots that a call or a function's address leads to. Stops at the first slot that holds no instruction: engines say why. */
function calledSlots(code: Uint8Array): number[] {
  const slots: number[] = [];
  const end = Math.floor(code.length / SLOT_BYTES);
  for (let slot = 0; slot < end; ) {
    try {
      const row = ROWS[rowIndexAt(code, slot)]!;
      const instruction = decodeAt(code, slot);
      const target = slot + 1 + instruction.imm;
      if ((row.name === "callLocal" || row.name === "lddwCode") && target >= 0 && target < end) slots.push(target);
      slot += slotsOf(instruction);
    } catch {
      break;
    }
  }
  return slots;
}
