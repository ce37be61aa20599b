import { type LinkSet, type Program, type SourceLine, sourceLineAt } from "@bpfkit/core";
import { type AppliedFixup, type CompiledProgram, compileProgram, type PlacedImage } from "./compile.js";
import { type CompileContext, type Safety, STUBS } from "./unit.js";

/** One machine instruction of a listing. */
export interface MachineLine {
  /** Byte offset in the program's code. */
  readonly at: number;
  /** As the last pass left them. */
  readonly bytes: Uint8Array;
  /** Intel's syntax. */
  readonly text: string;
  /** Its call or jump out of the image, where it has one: the field before and after the last pass. */
  readonly fixup?: AppliedFixup & { readonly name: string };
}

/** A BPF instruction (or several that were translated as one) and its machine code. */
export interface ListingRow {
  /** Undefined for the prologue and for code out of line. */
  readonly slot: number | undefined;
  readonly source?: SourceLine;
  readonly machine: readonly MachineLine[];
}

/** One subprogram. */
export interface ImageListing {
  readonly subprogram: string;
  /** Slot it begins at. */
  readonly start: number;
  /** Byte offset in the program's code, and bytes. */
  readonly at: number;
  readonly size: number;
  readonly instructions: number;
  readonly rows: readonly ListingRow[];
}

/** What a program becomes; made anywhere, also where it cannot run. */
export interface Listing {
  readonly program: string;
  /** Bytes of all code, the stubs included. */
  readonly size: number;
  readonly images: readonly ImageListing[];
  readonly fixups: readonly (AppliedFixup & { readonly name: string })[];
}

/** What a listing needs of the set its program belongs to. */
export interface ListingSet extends Pick<LinkSet, "maps" | "helpers"> {
  readonly profile: CompileContext["profile"];
  readonly effects: Pick<LinkSet["effects"], "cells">;
}

/**
 * Compiles a program and lists it, BPF beside machine code, calls before and after the last pass. Addresses that only a
 * process has (of program arrays' jump slots) are 0.
 * @throws {JitError} as `compileProgram`.
 */
export function listProgram(program: Program, set: ListingSet, safety: Safety = "confined"): Listing {
  const compiled = compileProgram(program, listingContext(set, safety));
  const names = new Map<number, string>(STUB_NAMES);
  for (const { start, name } of compiled.images) names.set(start, name);
  const fixups = compiled.fixups.map((fixup) => ({ ...fixup, name: names.get(fixup.target)! }));
  return {
    program: program.name,
    size: compiled.bytes.length,
    images: compiled.images.map((image) => listImage(compiled, image, fixups)),
    fixups,
  };
}

function listingContext({ maps, helpers, profile, effects }: ListingSet, safety: Safety): CompileContext {
  const functions = new Map<number, number>();
  return {
    safety,
    maps,
    helpers,
    profile,
    cells: effects.cells,
    id: 0,
    bmi2: true,
    keepText: true,
    jumpSlots: () => 0n,
    functionIndex(start) {
      const index = functions.get(start) ?? functions.size;
      functions.set(start, index);
      return index;
    },
  };
}

const STUB_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(STUBS).map(([name, target]) => [target, name]));

function listImage(compiled: CompiledProgram, image: PlacedImage, fixups: Listing["fixups"]): ImageListing {
  const lines = machineLines(compiled, image, fixups);
  const rows: ListingRow[] = [];
  let next = 0;
  /** Lines and rows are in the order of the code. */
  const put = (slot: number | undefined, to: number): void => {
    const first = next;
    while (next < lines.length && lines[next]!.at < to) next++;
    if (first === next && slot === undefined) return;
    const source = slot === undefined ? undefined : sourceLineAt(compiled.program, slot);
    rows.push({ slot, ...(source === undefined ? {} : { source }), machine: lines.slice(first, next) });
  };
  const ends = endsOf(image);
  put(undefined, image.at + ends[0]!);
  for (const [index, slot] of image.plan.slots.entries()) put(slot, image.at + ends[index + 1]!);
  put(undefined, image.at + image.bytes.length);
  const { name, start, at, plan } = image;
  return { subprogram: name, start, at, size: image.bytes.length, instructions: plan.slots.length, rows };
}

/**
 * Byte offsets in an image: where its prologue ends, then where the code of each slot does. What was translated with the
 * instruction before has no code of its own, and that one has it all.
 */
function endsOf({ slotOffsets, bodyBytes }: PlacedImage): number[] {
  const ends = new Array<number>(slotOffsets.length + 1).fill(bodyBytes);
  for (let index = slotOffsets.length - 1; index >= 0; index--) {
    const own = slotOffsets[index]!;
    ends[index] = own < 0 ? ends[index + 1]! : own;
  }
  return ends;
}

function machineLines({ bytes }: CompiledProgram, image: PlacedImage, fixups: Listing["fixups"]): MachineLine[] {
  const end = image.at + image.bytes.length;
  let next = firstFrom(fixups, image.at);
  return image.text.map(({ at, text, target }, index) => {
    const from = image.at + at;
    const to = index + 1 < image.text.length ? image.at + image.text[index + 1]!.at : end;
    const fixup = next < fixups.length && fixups[next]!.at < to ? fixups[next++] : undefined;
    return {
      at: from,
      bytes: bytes.slice(from, to),
      text: fixup !== undefined ? `${text.split(" ")[0]} ${fixup.name}` : textOf(text, image.at, target),
      ...(fixup === undefined ? {} : { fixup }),
    };
  });
}

/** The first of the fixups, which are in the order of the code, at an offset or behind it. */
function firstFrom(fixups: Listing["fixups"], offset: number): number {
  let [low, high] = [0, fixups.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fixups[middle]!.at < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function textOf(text: string, imageAt: number, target: number | undefined): string {
  return target === undefined ? text : `${text} 0x${(imageAt + target).toString(16)}`;
}

/** Words a BPF instruction for a listing: `@bpfkit/asm` prints them. */
export type InstructionText = (slot: number) => string;

const HEX_COLUMN = 30;
const BPF_COLUMN = 36;

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

function fieldText(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}

/** A listing as lines of text: slot and BPF instruction, byte offset, bytes, machine instruction, and the last pass. */
export function formatListing(listing: Listing, instruction: InstructionText): string[] {
  const lines: string[] = [];
  for (const image of listing.images) {
    const each = (image.size / Math.max(image.instructions, 1)).toFixed(1);
    lines.push(
      `${image.subprogram}: ${image.instructions} instructions, ${image.size} bytes (${each} each), at 0x${image.at.toString(16)}`,
    );
    let source = "";
    for (const row of image.rows) {
      const line = row.source === undefined ? "" : `; ${row.source.file}:${row.source.line} ${row.source.text}`;
      if (line !== "" && line !== source) lines.push(`  ${line}`);
      source = line === "" ? source : line;
      lines.push(...rowLines(row, instruction));
    }
    lines.push("");
  }
  return lines;
}

function rowLines({ slot, machine }: ListingRow, instruction: InstructionText): string[] {
  const left = slot === undefined ? "" : `${String(slot).padStart(4)}: ${instruction(slot)}`;
  if (machine.length === 0) return [`  ${left.padEnd(BPF_COLUMN)} (with the one before)`];
  return machine.map(({ at, bytes, text, fixup }, index) => {
    const pass = fixup === undefined ? "" : `  [${fieldText(fixup.before)} -> ${fieldText(fixup.after)}]`;
    const columns = [
      (index === 0 ? left : "").padEnd(BPF_COLUMN),
      at.toString(16).padStart(4),
      hex(bytes).padEnd(HEX_COLUMN),
    ];
    return `  ${columns.join(" ")} ${text}${pass}`;
  });
}
