import { type HelperArgument, type HelperPrototype, helperById } from "@bpfkit/abi";
import { type Program, type Reference, slotIndex } from "@bpfkit/core";

/** The map that programs of `mapCall` name. */
export const MAP_NAME = "m";

/** Registers, as the second byte of a slot has them: destination low, source high. */
const FRAME_POINTER = 0xa0;
const CONTEXT = 0x60;
const KEY_AT = -16;
const MEMORY_AT = -64;
const MEMORY_BYTES = 8;
const F_SLEEPABLE = 16;

type Slot = [opcode: number, registers: number, off: number, imm: number];

/** What is built up: slots, and which of them name the map. */
interface Draft {
  readonly slots: Slot[];
  readonly references: Reference[];
}

/** A program that calls a helper once, with arguments of the kinds it wants where one can be made out of nothing. */
export function mapCall(helper: HelperPrototype, programType: string, number: number): Program {
  const draft: Draft = { slots: [], references: [] };
  draft.slots.push([0xbf, 0x16, 0, 0], [0xb7, 1, 0, 0]);
  for (let off = MEMORY_AT; off < 0; off += 8) draft.slots.push([0x7b, 0x1a, off, 0]);
  const { args } = helperById(helper.id, programType)!;
  for (const [index, argument] of args.entries()) setArgument(draft, index + 1, argument, number);
  draft.slots.push([0x85, 0, 0, helper.id], [0xb7, 0, 0, 0], [0x95, 0, 0, 0]);
  return finish(draft, programType, programType === "syscall" || helper.mightSleep);
}

function setArgument({ slots, references }: Draft, register: number, { kind }: HelperArgument, number: number): void {
  switch (kind) {
    case "map":
      references.push({ kind: "map", slot: slotIndex(slots.length), map: MAP_NAME });
      slots.push([0x18, 0x10 | register, 0, 0], [0, 0, 0, 0]);
      return;
    case "map_key":
    case "map_value":
    case "mem":
    case "stack":
    case "dynptr":
      slots.push([0xbf, FRAME_POINTER | register, 0, 0]);
      slots.push([0x07, register, 0, kind === "map_key" ? KEY_AT : MEMORY_AT]);
      return;
    case "ctx":
      slots.push([0xbf, CONTEXT | register, 0, 0]);
      return;
    case "func":
      slots.push([0x18, 0x40 | register, 0, 0], [0, 0, 0, 0]);
      return;
    default:
      slots.push([0xb7, register, 0, kind.includes("size") ? MEMORY_BYTES : number]);
  }
}

/** Puts the callback behind the program, if its address is taken. */
function finish({ slots, references }: Draft, type: string, sleeps: boolean): Program {
  const subprograms: Program["subprograms"][number][] = [{ name: "main", start: slotIndex(0), linkage: "global" }];
  const taken = slots.findIndex(([opcode, registers]) => opcode === 0x18 && (registers & 0xf0) === 0x40);
  if (taken >= 0) {
    slots[taken]![3] = slots.length - taken - 1;
    subprograms.push({ name: "callback", start: slotIndex(slots.length), linkage: "static" });
    slots.push([0xb7, 0, 0, 0], [0x95, 0, 0, 0]);
  }
  const code = new Uint8Array(slots.length * 8);
  const view = new DataView(code.buffer);
  for (const [index, [opcode, registers, off, imm]] of slots.entries()) {
    view.setUint8(index * 8, opcode);
    view.setUint8(index * 8 + 1, registers);
    view.setInt16(index * 8 + 2, off, true);
    view.setInt32(index * 8 + 4, imm, true);
  }
  return { name: "main", type, flags: sleeps ? F_SLEEPABLE : 0, license: "GPL", code, subprograms, references };
}
