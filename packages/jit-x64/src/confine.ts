import { ROWS } from "@bpfkit/isa";
import {
  copyIntervals,
  type Intervals,
  refineInterval,
  setInterval,
  stepInterval,
  unknownIntervals,
} from "./interval.js";
import { endsBlock, type FunctionPlan, type ProgramPlan, targetOf } from "./plan.js";

/**
 * Values an address may take so that no access through it, with its 16-bit offset, leaves the reserved space: 2 GiB below
 * guest memory and 8 GiB from its start are inaccessible but for the memory itself.
 */
const SAFE_LOW = -(2 ** 30);
const SAFE_HIGH = 2 ** 32 + 2 ** 30;
/** Times what holds at a slot may change before whatever still does is given up, so that loops end. */
const MAX_VISITS = 3;

/**
 * For each slot, whether its access must cut its address to 32 bits (1), or cannot leave guest memory and its guard anyhow
 * (0). It trusts nothing but the instructions themselves: a wrong verdict changes none of it.
 */
export function planConfinement(plan: ProgramPlan): Uint8Array {
  const confine = new Uint8Array(plan.table.length);
  for (const fn of plan.functions.values()) confineFunction(plan, fn, confine);
  return confine;
}

/** Where control comes together in one function: what registers may hold there. */
interface Blocks {
  /** By slot: 1 + the number of the block that begins there; 0 where none was reached yet. */
  readonly at: Int32Array;
  readonly states: Intervals[];
  readonly visits: number[];
}

/** Which field has the base register of each row's access. */
const NO_ACCESS = 0;
const FROM_SRC = 1;
const FROM_DST = 2;
const BASES: readonly number[] = ROWS.map(({ form }) =>
  form === "dst,[src+offset]" ? FROM_SRC : form.startsWith("[dst") ? FROM_DST : NO_ACCESS,
);
const JUMPS: readonly boolean[] = ROWS.map(
  (row) => row.target !== undefined && row.operation !== "call" && row.operation !== "lddw",
);
const ENDS: readonly boolean[] = ROWS.map(endsBlock);

/**
 * Follows what registers may hold through one function, in the order of its slots, until no jump back tells anything new. A
 * mark once set stays.
 */
function confineFunction(plan: ProgramPlan, fn: FunctionPlan, confine: Uint8Array): void {
  const start = unknownIntervals();
  setInterval(start, 10, 0, 2 ** 32 - 1);
  const blocks: Blocks = { at: new Int32Array(plan.table.length + 1), states: [], visits: [] };
  flow(blocks, fn.start, start);
  while (pass(plan, fn, blocks, confine));
}

/** Once through all slots; whether a jump back changed what holds at its target. */
function pass(
  { table, leaders, references }: ProgramPlan,
  fn: FunctionPlan,
  blocks: Blocks,
  confine: Uint8Array,
): boolean {
  const state = unknownIntervals();
  const jumping = unknownIntervals();
  let reached = false;
  let again = false;
  for (const slot of fn.slots) {
    if (leaders[slot] !== 0 || slot === fn.start) {
      if (reached && flow(blocks, slot, state) && slot === fn.start) again = true;
      reached = blocks.at[slot] !== 0;
      if (reached) copyIntervals(state, blocks.states[blocks.at[slot]! - 1]!);
    }
    if (!reached) continue;
    const index = table.row[slot]!;
    const row = ROWS[index]!;
    if (BASES[index] !== NO_ACCESS) {
      mark(state, slot, BASES[index] === FROM_SRC ? table.src[slot]! : table.dst[slot]!, confine);
    }
    stepInterval(state, table, slot, references.has(slot) || row.name === "lddwCode");
    if (JUMPS[index]) {
      const target = targetOf(table, row, slot);
      copyIntervals(jumping, state);
      refineInterval(jumping, table, slot, true);
      if (flow(blocks, target, jumping) && target <= slot) again = true;
      refineInterval(state, table, slot, false);
    }
    if (ENDS[index]) reached = false;
  }
  return again;
}

/** Looks at an access: cut or not, its address is within reach afterwards. */
function mark(state: Intervals, slot: number, base: number, confine: Uint8Array): void {
  if (base === 10 || (state.low[base]! >= SAFE_LOW && state.high[base]! <= SAFE_HIGH)) return;
  confine[slot] = 1;
  setInterval(state, base, 0, 2 ** 32 - 1);
}

/** Joins a state into what holds at a slot; whether that told anything new. */
function flow({ at, states, visits }: Blocks, slot: number, state: Intervals): boolean {
  const known = at[slot]! - 1;
  if (known < 0) {
    at[slot] = states.push(unknownIntervals());
    visits.push(1);
    copyIntervals(states[at[slot]! - 1]!, state);
    return true;
  }
  const { low, high, origin, distance } = states[known]!;
  let changed = false;
  for (let register = 0; register < 10; register++) {
    if (
      origin[register]! >= 0 &&
      (state.origin[register] !== origin[register] || state.distance[register] !== distance[register])
    ) {
      changed = true;
      origin[register] = -1;
    }
    if (state.low[register]! >= low[register]! && state.high[register]! <= high[register]!) continue;
    changed = true;
    const giveUp = visits[known]! >= MAX_VISITS;
    low[register] = giveUp ? Number.NEGATIVE_INFINITY : Math.min(low[register]!, state.low[register]!);
    high[register] = giveUp ? Number.POSITIVE_INFINITY : Math.max(high[register]!, state.high[register]!);
  }
  if (changed) visits[known] = visits[known]! + 1;
  return changed;
}
