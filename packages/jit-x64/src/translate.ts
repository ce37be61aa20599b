import { ROWS, type Row, writtenField } from "@bpfkit/isa";
import type { Fixup, TextLine } from "@bpfkit/x64";
import { ARITHMETIC, type Translate } from "./arithmetic.js";
import { ATOMICS } from "./atomics.js";
import { CALLS, emitNotAvailable, emitPrologue } from "./calls.js";
import { type CallSite, type Current, Emitter, framePlus, type Known } from "./emitter.js";
import { IMMEDIATES } from "./immediates.js";
import { JUMPS } from "./jumps.js";
import { finishAccesses, MEMORY } from "./memory.js";
import { peephole } from "./peephole.js";
import { endsBlock, type FunctionPlan, type ProgramPlan, writesFrame } from "./plan.js";
import { type Scratch, wipe } from "./scratch.js";
import type { Sites } from "./sites.js";
import type { CompileContext } from "./unit.js";

/** Translation of every operation of the instruction table, by group. */
const OPERATIONS = { ...ARITHMETIC, ...JUMPS, ...CALLS, ...MEMORY, ...ATOMICS, ...IMMEDIATES };

/** The translation of each row, by the row's index. */
export const TRANSLATIONS: readonly (Translate | undefined)[] = ROWS.map((row) => OPERATIONS[row.operation]);

/** Machine code of one function, not yet at its place. */
export interface Image {
  readonly name: string;
  /** Slot it begins at. */
  readonly start: number;
  readonly bytes: Uint8Array;
  /** Calls of other images (target: the slot they begin at) and stubs (below 0). */
  readonly fixups: readonly Fixup[];
  /** Byte offset behind the prologue, where tail calls enter. */
  readonly afterPrologue: number;
  /** Bytes the prologue saves. */
  readonly savedBytes: number;
  /**
   * Byte offset of the code of each of the plan's slots, in their order; -1 where one has none of its own. Only where the
   * context asked to keep text.
   */
  readonly slotOffsets: Int32Array;
  readonly callSites: readonly (Omit<CallSite, "label"> & { readonly at: number })[];
  /** Bytes before what is out of line. */
  readonly bodyBytes: number;
  /** Its machine instructions, where the context asked to keep them. */
  readonly text: readonly TextLine[];
  readonly plan: FunctionPlan;
}

/** Translates one function. @throws {JitError} as the translation of its instructions. */
export function translate(
  plan: ProgramPlan,
  fn: FunctionPlan,
  context: CompileContext,
  sites: Sites,
  saves: readonly number[],
  scratch: Scratch,
): Image {
  const e = new Emitter(plan, fn, context, sites, saves, scratch);
  emitPrologue(e);
  const afterPrologue = e.code.mark();
  if (fn.slots[0] !== fn.start) e.jump(e.labelOf(fn.start));
  body(e);
  const end = e.code.mark();
  finishAccesses(e);
  e.finishCold();
  const code = e.code.finish();
  const kept = context.keepText === true ? fn.slots : new Int32Array(0);
  const slotOffsets = kept.map((slot) => code.labels[e.slotLabels[slot]!] ?? -1);
  wipe(scratch, fn);
  return {
    name: fn.name,
    start: fn.start,
    bytes: code.bytes,
    fixups: code.fixups,
    afterPrologue: code.labels[afterPrologue]!,
    savedBytes: saves.length * 8,
    slotOffsets,
    callSites: e.callSites.map(({ label, ...site }) => ({ ...site, at: code.labels[label]! })),
    bodyBytes: code.labels[end]!,
    text: code.text,
    plan: fn,
  };
}

function body(e: Emitter): void {
  const { slots } = e.fn;
  const { table, leaders } = e.plan;
  const current: Current = { row: ROWS[0]!, dst: 0, src: 0, offset: 0, imm: 0, nextImm: 0, slot: 0 };
  for (let at = 0; at < slots.length; ) {
    const slot = slots[at]!;
    e.beginSlot(slot, leaders[slot]!);
    const joined = writesFrame(table, slot) ? 0 : peephole(e, slot);
    if (joined > 0) {
      at += joined;
      continue;
    }
    read(e, slot, current);
    e.count(slot);
    if (writesFrame(table, slot)) emitNotAvailable(e, slot, "r10, the frame pointer, is read only");
    else TRANSLATIONS[current.row.index]!(e, current);
    learn(e, current);
    at++;
    const next = slot + current.row.slots;
    if (next >= table.length && !endsBlock(current.row)) runsOff(e, next);
  }
}

function read(e: Emitter, slot: number, current: Current): void {
  const { table } = e.plan;
  current.row = ROWS[table.row[slot]!]!;
  current.dst = table.dst[slot]!;
  current.src = table.src[slot]!;
  current.offset = table.offset[slot]!;
  current.imm = table.imm[slot]!;
  current.nextImm = current.row.slots === 2 ? table.imm[slot + 1]! : 0;
  current.slot = slot;
}

/** Behind the program's last instruction. */
function runsOff(e: Emitter, slot: number): void {
  e.beginSlot(slot, 1);
  e.count(slot);
  e.flushFuel();
  e.jumpToStub("badJump", e.site({ kind: "bad-jump", slot, start: e.fn.start }));
}

/** What registers hold after an instruction, as far as a tail call or lookup wants to know. */
function learn(e: Emitter, { row, dst, src, imm, slot }: Current): void {
  const { known } = e;
  if (row.operation === "call") known.length = 0;
  else if (row.operation === "lddw") {
    const reference = e.referenceAt(slot);
    known[dst] = reference?.kind === "map" ? { map: reference.map } : row.name === "lddw" ? imm >>> 0 : undefined;
  } else if (row.operation === "mov") known[dst] = row.form === "dst,imm" ? imm >>> 0 : moved(e, row, src);
  else if (row.name === "add64Imm") known[dst] = framePlus(known[dst], imm);
  else if (WRITTEN[row.index] === "src") known[src] = undefined;
  else if (row.operation === "cmpxchg" || row.operation === "loadPacket") known[0] = undefined;
  else if (WRITTEN[row.index] === "dst") known[dst] = undefined;
}

/** What a register copied from another holds. */
function moved(e: Emitter, row: Row, src: number): Known {
  if (src === 10) return row.width === 64 ? { frame: 0 } : undefined;
  return e.known[src];
}

const WRITTEN = ROWS.map(writtenField);
