import { type Reference, SLOT_BYTES, type SlotIndex, slotIndex } from "@bpfkit/core";
import { CALLX_OPCODE, decodeAt, findRow, INVALID, ROWS, type Row } from "@bpfkit/isa";
import { AsmError } from "./error.js";
import { kernelText } from "./kernel-print.js";
import type { Names } from "./names.js";
import type { Syntax } from "./parse.js";
import { ubpfText } from "./ubpf-print.js";

/** A `Program` of `@bpfkit/core` may stand for `subprograms` and `references`. */
export interface PrintOptions {
  /** `kernel` where left out. */
  readonly syntax?: Syntax;
  /** Whether jump targets get labels (`l12`) instead of distances (`+5`). Subprograms are named either way. */
  readonly labels?: boolean;
  readonly subprograms?: readonly { readonly name: string; readonly start: number }[];
  /** Maps and externs by name. */
  readonly references?: readonly Reference[];
  /** A helper's name by its id; undefined prints the id. */
  readonly helperName?: (id: number) => string | undefined;
}

/** One instruction as text. */
export interface PrintedLine {
  readonly slot: SlotIndex;
  /** Its bytes: 8, or 16 for a 64-bit immediate. */
  readonly bytes: Uint8Array;
  /** The label that stands before it. */
  readonly label: string | undefined;
  readonly text: string;
}

const PRINTERS = { kernel: kernelText, ubpf: ubpfText } as const;

/** Names that text can hold as labels or helpers, without being read as something else. */
const PLAIN_NAME = /^(?!r(?:\d|10)$)[A-Za-z_.$][\w.$]*$/;

interface Decoded {
  readonly slot: number;
  readonly slots: 1 | 2;
  /** Undefined where no valid instruction stands. */
  readonly row: Row | undefined;
}

function decodeAll(code: Uint8Array): Decoded[] {
  const all: Decoded[] = [];
  for (let slot = 0; slot * SLOT_BYTES < code.length; slot += all.at(-1)!.slots) {
    const index = findRow(code, slot);
    const row = index === INVALID ? undefined : ROWS[index]!;
    all.push({ slot, slots: row?.slots ?? 1, row });
  }
  return all;
}

/** A label for each slot that gets one. */
function labelSlots(code: Uint8Array, all: readonly Decoded[], options: PrintOptions): Map<number, string> {
  const begins = new Set(all.map(({ slot }) => slot));
  const labels = new Map<number, string>();
  const taken = new Set<string>();
  const name = (slot: number, label: string): void => {
    if (!begins.has(slot) || labels.has(slot) || taken.has(label) || !PLAIN_NAME.test(label)) return;
    labels.set(slot, label);
    taken.add(label);
  };
  for (const { start, name: label } of options.subprograms ?? []) name(start, label);
  if (options.labels !== true) return labels;
  for (const { slot, row } of all) {
    if (row?.target === undefined) continue;
    const target = slot + 1 + decodeAt(code, slot)[row.target];
    name(target, taken.has(`l${target}`) ? `l${target}_` : `l${target}`);
  }
  return labels;
}

/** A slot that holds no instruction. */
function invalidText(bytes: Uint8Array, syntax: Syntax): string {
  const [opcode, registers = 0, ...rest] = bytes;
  if (opcode === CALLX_OPCODE && registers <= 10 && rest.every((byte) => byte === 0)) {
    return syntax === "kernel" ? `callx r${registers}` : `call %r${registers}`;
  }
  return `.raw ${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/**
 * Prints wire bytes, one line an instruction. Slots that hold no valid instruction are printed as `.raw` with their bytes, so
 * any code prints, and `parse` of the text gives the same bytes (maps and externs named by `references` apart).
 * @throws {AsmError} `TRUNCATED` unless the code is whole slots.
 */
export function print(code: Uint8Array, options: PrintOptions = {}): PrintedLine[] {
  if (code.length % SLOT_BYTES !== 0) {
    const what = `the code ends after ${code.length % SLOT_BYTES} bytes of this slot, a slot is ${SLOT_BYTES} bytes`;
    throw new AsmError("TRUNCATED", what, { slot: Math.floor(code.length / SLOT_BYTES) });
  }
  const { syntax = "kernel", helperName = () => undefined } = options;
  const all = decodeAll(code);
  const labels = labelSlots(code, all, options);
  const taken = new Set(labels.values());
  const references = new Map(options.references?.map((reference) => [reference.slot as number, reference]));
  const helper = (id: number): string | undefined => {
    const name = helperName(id);
    return name === undefined || taken.has(name) || !PLAIN_NAME.test(name) ? undefined : name;
  };
  const textOf = ({ slot, row }: Decoded, bytes: Uint8Array): string => {
    if (row === undefined) return invalidText(bytes, syntax);
    const label = (distance: number): string | undefined => labels.get(slot + 1 + distance);
    const names: Names = { label, helper, reference: references.get(slot) };
    return PRINTERS[syntax](row, decodeAt(code, slot), names);
  };
  return all.map((one) => {
    const bytes = code.subarray(one.slot * SLOT_BYTES, (one.slot + one.slots) * SLOT_BYTES);
    return { slot: slotIndex(one.slot), bytes, label: labels.get(one.slot), text: textOf(one, bytes) };
  });
}

/** Printed lines as one text that `parse` takes, each label on a line of its own. */
export function toText(lines: readonly PrintedLine[]): string {
  return lines.map(({ label, text }) => `${label === undefined ? "" : `${label}:\n`}  ${text}\n`).join("");
}
