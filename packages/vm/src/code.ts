import { type Program, type ProgramBtf, type Reference, SLOT_BYTES, type Subprogram, slotIndex } from "@bpfkit/core";
import { decodeAt, findRow, INVALID, type InstructionName, ROWS } from "@bpfkit/isa";

/** What bare code lacks that a program has. */
export interface CodeFacts {
  readonly name: string;
  readonly type: string;
  readonly expectedAttachType?: string;
  readonly attachTo?: string;
  readonly flags?: number;
  readonly license?: string;
  readonly references?: readonly Reference[];
  readonly btf?: ProgramBtf;
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

/** Slots that a call or a function's address leads to. Slots that hold no instruction are passed over: who runs them says why. */
function calledSlots(code: Uint8Array): number[] {
  const slots: number[] = [];
  const end = Math.floor(code.length / SLOT_BYTES);
  for (let slot = 0; slot < end; slot++) {
    const name = rowNameAt(code, slot);
    if (name !== "callLocal" && name !== "lddwCode") continue;
    const target = slot + 1 + decodeAt(code, slot).imm;
    if (target >= 0 && target < end) slots.push(target);
  }
  return slots;
}

/** The instruction form in a slot; undefined where there is none, as in the second slot of a 64-bit immediate. */
export function rowNameAt(code: Uint8Array, slot: number): InstructionName | undefined {
  const index = findRow(code, slot);
  return index === INVALID ? undefined : ROWS[index]!.name;
}
