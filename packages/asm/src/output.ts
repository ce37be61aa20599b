import { type Reference, SLOT_BYTES, type SlotIndex, slotIndex } from "@bpfkit/core";
import type { Lexer } from "./lexer.js";

/** What assembling text gives. */
export interface Assembly {
  /** Wire bytes, little endian, 8 a slot. */
  readonly code: Uint8Array;
  /** Maps and externs named in the text, ascending by slot. A map named by its index keeps the index in its immediate. */
  readonly references: readonly Reference[];
  /** The slot each label stands before, in order of the text. */
  readonly labels: ReadonlyMap<string, SlotIndex>;
  /** The 1-based line of text each slot came from. */
  readonly lines: Uint32Array;
}

/** What a name may mean: a label, a helper, or whichever of the two there is, the label first. */
export type NameKind = "label" | "helper" | "label or helper";

/** A field that waits for a name. */
interface Pending {
  readonly slot: number;
  readonly field: "offset" | "imm";
  readonly name: string;
  /** Where the name stands in the text. */
  readonly at: number;
  readonly kind: NameKind;
}

type ReferenceWithoutSlot = Reference extends infer R ? (R extends Reference ? Omit<R, "slot"> : never) : never;

/** Collects what statements assemble to. */
export class Output {
  readonly labels: Map<string, SlotIndex> = new Map();
  private readonly defaults: Map<string, number> = new Map();
  private readonly references: Reference[] = [];
  private readonly bytes: number[] = [];
  private readonly lines: number[] = [];
  private readonly pending: Pending[] = [];
  private readonly lexer: Lexer;

  constructor(lexer: Lexer) {
    this.lexer = lexer;
  }

  /** The slot that comes next. */
  get slot(): number {
    return this.bytes.length / SLOT_BYTES;
  }

  /** Adds whole slots, valid or not, that a line of text stands for. */
  append(bytes: Uint8Array, line: number): void {
    for (const byte of bytes) this.bytes.push(byte);
    while (this.lines.length < this.slot) this.lines.push(line);
  }

  /** Names what the next instruction refers to. */
  refer(reference: ReferenceWithoutSlot): void {
    this.references.push({ ...reference, slot: slotIndex(this.slot) } as Reference);
  }

  /** Leaves a field of the next instruction to be filled once all labels are known. */
  await(field: Pending["field"], name: string, at: number, kind: NameKind): void {
    this.pending.push({ slot: this.slot, field, name, at, kind });
  }

  label(name: string, at: number): void {
    const earlier = this.labels.get(name);
    if (earlier !== undefined) {
      this.lexer.failAt("DUPLICATE_LABEL", `label \`${name}\` stands before slot ${earlier} already`, at);
    }
    this.labels.set(name, slotIndex(this.slot));
  }

  /** A label that holds unless the text has one of its own of that name. */
  defaultLabel(name: string): void {
    if (!this.defaults.has(name)) this.defaults.set(name, this.slot);
  }

  /** Fills what waits for names. */
  finish(helperId: (name: string) => number | undefined): Assembly {
    const code = Uint8Array.from(this.bytes);
    const view = new DataView(code.buffer);
    for (const one of this.pending) this.fill(view, one, helperId);
    return { code, references: this.references, labels: this.labels, lines: Uint32Array.from(this.lines) };
  }

  private fill(view: DataView, one: Pending, helperId: (name: string) => number | undefined): void {
    const { slot, name, at, kind } = one;
    const target = kind === "helper" ? undefined : (this.labels.get(name) ?? this.defaults.get(name));
    const id = target === undefined && kind !== "label" ? helperId(name) : undefined;
    if (target !== undefined) this.fillDistance(view, one, target - slot - 1);
    else if (id !== undefined) {
      // The call was written as a local one, source register 1.
      view.setUint8(slot * SLOT_BYTES + 1, 0);
      view.setInt32(slot * SLOT_BYTES + 4, id, true);
    } else this.lexer.failAt("UNKNOWN_NAME", `\`${name}\` is no ${kind} known here`, at);
  }

  private fillDistance(view: DataView, { slot, field, name, at }: Pending, distance: number): void {
    if (field === "imm") view.setInt32(slot * SLOT_BYTES + 4, distance, true);
    else if (distance >= -0x8000 && distance <= 0x7fff) view.setInt16(slot * SLOT_BYTES + 2, distance, true);
    else {
      const what = `\`${name}\` is ${distance} slots away, this jump reaches -32768 to 32767; \`gotol\` or \`ja32\` reach any`;
      this.lexer.failAt("OUT_OF_RANGE", what, at);
    }
  }
}
