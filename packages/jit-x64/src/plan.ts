import { type HelperTable, type Place, type Program, type Reference, subprogramAt } from "@bpfkit/core";
import { decodeSlots, ROWS, type Row, SECOND_SLOT, type SlotTable, writtenField } from "@bpfkit/isa";
import { JitError } from "./error.js";

/** One function of a program: the slots its image is made of. */
export interface FunctionPlan {
  readonly name: string;
  readonly start: number;
  /** Slots reached from the start, ascending. Functions of unverified programs may overlap. */
  readonly slots: Int32Array;
  /** Starts of functions it calls, or has called back. */
  readonly callees: readonly number[];
  /** It or something it calls may make a tail call; then its caller's count and limits must survive the call. */
  tailCalls: boolean;
  /** A tail call stands in it. */
  readonly ownTailCall: boolean;
  /** It reads r10. */
  readonly ownStack: boolean;
  /** It or something it calls does. */
  stack: boolean;
  /** Registers it writes, as bits. */
  readonly written: number;
  /** Frames on the longest chain from here; Infinity for recursion. */
  depth: number;
}

/** A program taken apart before translation. */
export interface ProgramPlan {
  readonly program: Program;
  readonly table: SlotTable;
  /** Where control may come from elsewhere than the slot before: 1, or `LOOP` where one jump comes back to it. */
  readonly leaders: Uint8Array;
  readonly references: ReadonlyMap<number, Reference>;
  /** 0 at accesses whose address needs no cutting; only where that was asked for. */
  confine?: Uint8Array;
  /** By start; the entry first. */
  readonly functions: ReadonlyMap<number, FunctionPlan>;
}

/** Functions that overlap may be translated more than once, up to this factor (and a little for small programs). */
const MAX_COPIES = 4;
const SMALL = 65_536;
/** In `ProgramPlan.leaders`. */
export const LOOP = 2;
const MEETING = 3;
/** A chain longer than this is taken for recursion; no profile allows a tenth of it. */
const MAX_DEPTH = 100;

/** The place of a slot for errors and faults. */
export function placeOf(program: Program, slot: number): Place {
  const subprogram = subprogramAt(program, slot)?.name;
  return { program: program.name, ...(subprogram === undefined ? {} : { subprogram }), slot };
}

/**
 * Finds functions, their slots and what they need.
 * @throws {JitError} `BAD_INSTRUCTION`, `BAD_TARGET`, `TOO_LARGE`, with the place.
 */
export function planProgram(program: Program, helpers: HelperTable): ProgramPlan {
  const table = decodeProgram(program);
  if (table.length === 0) throw new JitError("BAD_INSTRUCTION", "the program has no instruction", placeOf(program, 0));
  const leaders = new Uint8Array(table.length + 1);
  const starts = new Set<number>([0]);
  for (const { start } of program.subprograms) if (start < table.length) starts.add(start);
  for (let slot = 0; slot < table.length; slot++) {
    const index = table.row[slot]!;
    if (index === SECOND_SLOT) continue;
    const row = ROWS[index]!;
    // It ends the run, so nothing is translated together with it.
    if (writesFrame(table, slot)) leaders[slot] = Math.max(leaders[slot]!, 1);
    if (row.target === undefined) continue;
    const target = targetOf(table, row, slot);
    checkTarget(program, table, slot, target);
    if (row.operation === "call" || row.operation === "lddw") starts.add(target);
    else leaders[target] = leaderOf(leaders[target]!, target <= slot);
  }
  const functions = new Map<number, FunctionPlan>();
  const scratch: Scratch = { seen: new Uint8Array(table.length), found: new Int32Array(table.length) };
  let budget = table.length * MAX_COPIES + SMALL;
  for (const start of [...starts].sort((a, b) => a - b)) {
    const plan = planFunction(program, table, helpers, start, scratch);
    budget -= plan.slots.length;
    if (budget < 0) throw new JitError("TOO_LARGE", "its functions overlap too often", placeOf(program, start));
    functions.set(start, plan);
  }
  spread(functions);
  const references = new Map(program.references.map((reference) => [reference.slot as number, reference]));
  return { program, table, leaders, references, functions };
}

/** Places that several jumps come back to are where paths meet, not where a loop begins. */
function leaderOf(before: number, backward: boolean): number {
  if (!backward) return Math.max(before, 1);
  return before <= 1 ? LOOP : MEETING;
}

function decodeProgram(program: Program): SlotTable {
  try {
    return decodeSlots(program.code);
  } catch (cause) {
    const what = cause instanceof Error ? cause.message.replace(/^slot \d+: /, "") : String(cause);
    const slot = (cause as { place?: Place }).place?.slot ?? 0;
    throw new JitError("BAD_INSTRUCTION", what, placeOf(program, slot), { cause });
  }
}

/** The slot a jump, call or function reference leads to. */
export function targetOf(table: SlotTable, row: Row, slot: number): number {
  return slot + 1 + (row.target === "offset" ? table.offset[slot]! : table.imm[slot]!);
}

function checkTarget(program: Program, table: SlotTable, slot: number, target: number): void {
  const inside = target >= 0 && target < table.length;
  if (inside && table.row[target] !== SECOND_SLOT) return;
  const why = inside ? "the middle of a 64-bit immediate" : `outside the program (0 to ${table.length - 1})`;
  throw new JitError("BAD_TARGET", `the target, slot ${target}, is ${why}`, placeOf(program, slot));
}

/** Whether control never goes on to the next slot. */
export function endsBlock(row: Row): boolean {
  return row.operation === "exit" || row.operation === "ja";
}

/** Tables that finding one function's slots needs, made once for all of them. */
interface Scratch {
  /** By slot: 1 where it was reached; all 0 between functions. */
  readonly seen: Uint8Array;
  /** Slots in the order they were reached. */
  readonly found: Int32Array;
}

function planFunction(
  program: Program,
  table: SlotTable,
  helpers: HelperTable,
  start: number,
  { seen, found }: Scratch,
): FunctionPlan {
  const work = [start];
  const callees = new Set<number>();
  let count = 0;
  let ascending = true;
  let written = 0;
  let ownTailCall = false;
  let ownStack = false;
  while (work.length > 0) {
    for (let slot = work.pop()!; slot < table.length && seen[slot] === 0; ) {
      const row = ROWS[table.row[slot]!]!;
      seen[slot] = 1;
      ascending &&= count === 0 || found[count - 1]! < slot;
      found[count++] = slot;
      written |= 1 << writtenRegister(table, row, slot);
      ownStack ||= table.src[slot] === 10 || table.dst[slot] === 10;
      // A function whose address is taken may be called back, below this frame.
      if (row.name === "callLocal" || row.name === "lddwCode") callees.add(targetOf(table, row, slot));
      else if (row.name === "call" && helpers.get(table.imm[slot]!)?.kind === "intrinsic") ownTailCall = true;
      else if (row.target !== undefined && row.operation !== "lddw") work.push(targetOf(table, row, slot));
      if (endsBlock(row)) break;
      slot += row.slots;
    }
  }
  const slots = found.slice(0, count);
  if (!ascending) slots.sort();
  for (const slot of slots) seen[slot] = 0;
  const name = subprogramAt(program, start)?.name ?? program.name;
  return {
    name,
    start,
    slots,
    callees: [...callees],
    tailCalls: ownTailCall,
    ownTailCall,
    ownStack,
    // What a tail call leads to may use the stack.
    stack: ownStack || ownTailCall,
    written,
    depth: 1,
  };
}

const FRAME_POINTER = 10;
const WRITTEN = ROWS.map(writtenField);

/** Whether an instruction writes r10. Accesses to the frame are not tested, so it must stay where the call put it. */
export function writesFrame(table: SlotTable, slot: number): boolean {
  return writtenRegister(table, ROWS[table.row[slot]!]!, slot) === FRAME_POINTER;
}

/** The register an instruction's operands say it writes; r0 where they say none, which may be written anyhow. */
function writtenRegister(table: SlotTable, row: Row, slot: number): number {
  const field = WRITTEN[row.index];
  return field === undefined ? 0 : table[field][slot]!;
}

/** Hands what a function needs up to its callers, and theirs; finds the longest chains. */
function spread(functions: ReadonlyMap<number, FunctionPlan>): void {
  const callers = new Map<number, FunctionPlan[]>();
  for (const plan of functions.values()) {
    for (const start of plan.callees) {
      const known = callers.get(start);
      if (known === undefined) callers.set(start, [plan]);
      else known.push(plan);
    }
  }
  const work = [...functions.values()];
  for (let callee = work.pop(); callee !== undefined; callee = work.pop()) {
    for (const caller of callers.get(callee.start) ?? []) if (inherit(caller, callee)) work.push(caller);
  }
}

/** Whether a caller got anything new from what it calls. */
function inherit(caller: FunctionPlan, callee: FunctionPlan): boolean {
  let changed = false;
  if (callee.tailCalls && !caller.tailCalls) changed = caller.tailCalls = true;
  if (callee.stack && !caller.stack) changed = caller.stack = true;
  const depth = callee.depth + 1 > MAX_DEPTH ? Number.POSITIVE_INFINITY : callee.depth + 1;
  if (depth > caller.depth) {
    caller.depth = depth;
    changed = true;
  }
  return changed;
}
