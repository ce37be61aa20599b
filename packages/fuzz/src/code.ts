import { type Program, type Reference, SLOT_BYTES, type Subprogram, slotIndex } from "@bpfkit/core";
import { type InstructionName, ROW, type Row } from "@bpfkit/isa";
import { FuzzError } from "./error.js";

/** A place jumps and calls go to; its number is unique within a program. */
export type Label = number;

/** An instruction whose targets are labels and whose map is a name, so that it can be moved and taken out. */
export interface Step {
  readonly row: Row;
  readonly dst: number;
  readonly src: number;
  readonly offset: number;
  readonly imm: number;
  readonly nextImm?: number;
  readonly target?: Label;
  readonly map?: string;
}

/** A label on the instruction behind it; a named one begins a subprogram. */
export interface Mark {
  readonly label: Label;
  readonly subprogram?: string;
  /** Bytes of stack the subprogram may use. */
  readonly stackBytes?: number;
}

/** A program before it is laid out. */
export interface Source {
  readonly name: string;
  readonly type: string;
  /** Bytes of stack the entry may use. */
  readonly stackBytes: number;
  readonly items: readonly (Step | Mark)[];
}

export const isStep = (item: Step | Mark): item is Step => "row" in item;

/** What a step may say; the rest is 0 or what selects its row. */
export type Operands = Partial<Omit<Step, "row">>;

export function step(name: InstructionName, operands: Operands = {}): Step {
  const row = ROW[name];
  const { src = 0, offset = 0, imm = 0 } = row.select;
  const wide = row.slots === 2 ? { nextImm: 0 } : {};
  return { row, dst: 0, src, offset, imm, ...wide, ...operands };
}

/** Lays a source out as a program. @throws {FuzzError} `BAD_CODE` for a jump to a label that is not there. */
export function layOut(source: Source): Program {
  const labels = new Map<Label, number>();
  const subprograms: Subprogram[] = [{ name: source.name, start: slotIndex(0), linkage: "global" }];
  let slots = 0;
  for (const item of source.items) {
    if (isStep(item)) slots += item.row.slots;
    else {
      labels.set(item.label, slots);
      if (item.subprogram !== undefined) {
        subprograms.push({ name: item.subprogram, start: slotIndex(slots), linkage: "static" });
      }
    }
  }
  const code = new Uint8Array(slots * SLOT_BYTES);
  const view = new DataView(code.buffer);
  const references: Reference[] = [];
  let slot = 0;
  for (const item of source.items) {
    if (!isStep(item)) continue;
    writeStep(view, slot, withDistance(item, slot, labels, source.name));
    if (item.map !== undefined) references.push(mapReference(item, slot, item.map));
    slot += item.row.slots;
  }
  return { name: source.name, type: source.type, license: "GPL", code, subprograms, references };
}

function mapReference(item: Step, slot: number, map: string): Reference {
  if (item.row.name === "lddwMap") return { kind: "map", slot: slotIndex(slot), map };
  return { kind: "mapValue", slot: slotIndex(slot), map, offset: item.nextImm ?? 0 };
}

function withDistance(item: Step, slot: number, labels: ReadonlyMap<Label, number>, name: string): Step {
  if (item.target === undefined) return item;
  const to = labels.get(item.target);
  if (to === undefined || item.row.target === undefined) {
    throw new FuzzError("BAD_CODE", `${item.row.name} goes to label ${item.target}, which is not there`, {
      program: name,
      slot,
    });
  }
  return { ...item, [item.row.target]: to - slot - 1 };
}

function writeStep(view: DataView, slot: number, { row, dst, src, offset, imm, nextImm }: Step): void {
  const at = slot * SLOT_BYTES;
  view.setUint8(at, row.opcode);
  view.setUint8(at + 1, dst | (src << 4));
  view.setInt16(at + 2, offset, true);
  view.setInt32(at + 4, imm, true);
  if (nextImm !== undefined) view.setInt32(at + SLOT_BYTES + 4, nextImm, true);
}
