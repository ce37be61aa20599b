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
  const blocks: Blocks = {
    at: new Int32Array(plan.table.length + 1),
    states: new Float64Array(0),
    count: 0,
    state: unknownIntervals(),
    jumping: unknownIntervals(),
  };
  for (const fn of plan.functions.values()) confineFunction(plan, fn, blocks, confine);
  return confine;
}

/** Where control comes together in one function: what registers may hold there. Used again for the next function. */
interface Blocks {
  /** By slot: 1 + the number of the block that begins there; 0 where none was reached yet. */
  readonly at: Int32Array;
  /** `BLOCK` numbers for each: `low`, `high`, `origin` and `distance` of r0–r9, and how often it was visited. */
  states: Float64Array;
  count: number;
  /** What registers hold where the pass is, and on the way to a jump's target. */
  readonly state: Intervals;
  readonly jumping: Intervals;
}

/** What holds where a function begins. */
const START = unknownIntervals();
const REGISTERS = 10;
const [LOW, HIGH, ORIGIN, DISTANCE, VISITS, BLOCK] = [0, 10, 20, 30, 40, 41];

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
function confineFunction(plan: ProgramPlan, fn: FunctionPlan, blocks: Blocks, confine: Uint8Array): void {
  blocks.count = 0;
  flow(blocks, fn.start, START);
  while (pass(plan, fn, blocks, confine));
  for (const slot of fn.slots) blocks.at[slot] = 0;
  blocks.at[plan.table.length] = 0;
}

/** Once through all slots; whether a jump back changed what holds at its target. */
function pass(
  { table, leaders, references }: ProgramPlan,
  fn: FunctionPlan,
  blocks: Blocks,
  confine: Uint8Array,
): boolean {
  const { state, jumping } = blocks;
  let reached = false;
  let again = false;
  for (const slot of fn.slots) {
    if (leaders[slot] !== 0 || slot === fn.start) {
      if (reached && flow(blocks, slot, state) && slot === fn.start) again = true;
      reached = blocks.at[slot] !== 0;
      if (reached) takeState(state, blocks, blocks.at[slot]! - 1);
    }
    if (!reached) continue;
    const index = table.row[slot]!;
    const row = ROWS[index]!;
    if (BASES[index] !== NO_ACCESS) {
      mark(state, slot, BASES[index] === FROM_SRC ? table.src[slot]! : table.dst[slot]!, confine);
    }
    stepInterval(state, table, slot, references);
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

/** What holds at a block. */
function takeState({ low, high, origin, distance }: Intervals, { states }: Blocks, block: number): void {
  const from = block * BLOCK;
  for (let register = 0; register < REGISTERS; register++) {
    low[register] = states[from + LOW + register]!;
    high[register] = states[from + HIGH + register]!;
    origin[register] = states[from + ORIGIN + register]!;
    distance[register] = states[from + DISTANCE + register]!;
  }
}

/** Joins a state into what holds at a slot; whether that told anything new. */
function flow(blocks: Blocks, slot: number, state: Intervals): boolean {
  const known = blocks.at[slot]! - 1;
  if (known < 0) {
    begin(blocks, slot, state);
    return true;
  }
  const { states } = blocks;
  const block = known * BLOCK;
  const giveUp = states[block + VISITS]! >= MAX_VISITS;
  let changed = false;
  for (let register = 0; register < REGISTERS; register++) {
    const [low, high, origin, distance] = [block + LOW, block + HIGH, block + ORIGIN, block + DISTANCE];
    const same =
      state.origin[register] === states[origin + register] && state.distance[register] === states[distance + register];
    if (states[origin + register]! >= 0 && !same) {
      changed = true;
      states[origin + register] = -1;
    }
    const [least, most] = [states[low + register]!, states[high + register]!];
    if (state.low[register]! >= least && state.high[register]! <= most) continue;
    changed = true;
    states[low + register] = giveUp ? Number.NEGATIVE_INFINITY : Math.min(least, state.low[register]!);
    states[high + register] = giveUp ? Number.POSITIVE_INFINITY : Math.max(most, state.high[register]!);
  }
  if (changed) states[block + VISITS]!++;
  return changed;
}

/** A new block. */
function begin(blocks: Blocks, slot: number, { low, high, origin, distance }: Intervals): void {
  const block = blocks.count * BLOCK;
  if (block + BLOCK > blocks.states.length) {
    const larger = new Float64Array(Math.max(64 * BLOCK, blocks.states.length * 2));
    larger.set(blocks.states);
    blocks.states = larger;
  }
  const { states } = blocks;
  for (let register = 0; register < REGISTERS; register++) {
    states[block + LOW + register] = low[register]!;
    states[block + HIGH + register] = high[register]!;
    states[block + ORIGIN + register] = origin[register]!;
    states[block + DISTANCE + register] = distance[register]!;
  }
  states[block + VISITS] = 1;
  blocks.at[slot] = ++blocks.count;
}
