import { ROWS, type SlotTable } from "@bpfkit/isa";
import { type Intervals, setInterval, stepInterval, unknownIntervals } from "./interval.js";
import { endsBlock, type FunctionPlan, type ProgramPlan, targetOf } from "./plan.js";

/**
 * Values an address may take so that no access through it, with its 16-bit offset, leaves the reserved space: 2 GiB below
 * guest memory and 8 GiB from its start are inaccessible but for the memory itself.
 */
const SAFE_LOW = -(2 ** 30);
const SAFE_HIGH = 2 ** 32 + 2 ** 30;
/** Visits of a block after which what still changes is given up, so that loops end. */
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

interface Block {
  readonly state: Intervals;
  visits: number;
  /** It waits to be looked at. */
  listed: boolean;
}

/** Follows what registers may hold through one function. A mark once set stays: with more known of a way in, less is. */
function confineFunction({ table, leaders, references }: ProgramPlan, fn: FunctionPlan, confine: Uint8Array): void {
  const start = unknownIntervals();
  setInterval(start, 10, 0, 2 ** 32 - 1);
  const blocks = new Map<number, Block>([[fn.start, { state: start, visits: 0, listed: true }]]);
  const work = [fn.start];
  while (work.length > 0) {
    let slot = work.pop()!;
    const block = blocks.get(slot)!;
    block.listed = false;
    const state = copy(block.state);
    for (;;) {
      const row = ROWS[table.row[slot]!]!;
      mark(state, table, slot, confine);
      stepInterval(state, table, slot, references.has(slot) || row.name === "lddwCode");
      if (row.target !== undefined && row.operation !== "call" && row.operation !== "lddw") {
        flow(blocks, work, targetOf(table, row, slot), state);
      }
      if (endsBlock(row)) break;
      slot += row.slots;
      if (slot >= table.length) break;
      if (leaders[slot] !== 0) {
        flow(blocks, work, slot, state);
        break;
      }
    }
  }
}

/** Looks at an access: cut or not, its address is within reach afterwards. */
function mark(state: Intervals, table: SlotTable, slot: number, confine: Uint8Array): void {
  const row = ROWS[table.row[slot]!]!;
  const { form } = row;
  const base = form === "dst,[src+offset]" ? table.src[slot]! : form.startsWith("[dst") ? table.dst[slot]! : 10;
  if (base === 10 || (state.low[base]! >= SAFE_LOW && state.high[base]! <= SAFE_HIGH)) return;
  confine[slot] = 1;
  setInterval(state, base, 0, 2 ** 32 - 1);
}

/** Joins a state into a block's and lists it where that told anything new. */
function flow(blocks: Map<number, Block>, work: number[], slot: number, state: Intervals): void {
  const block = blocks.get(slot);
  if (block === undefined) {
    blocks.set(slot, { state: copy(state), visits: 1, listed: true });
    work.push(slot);
    return;
  }
  const { low, high } = block.state;
  let changed = false;
  for (let register = 0; register < 10; register++) {
    if (state.low[register]! >= low[register]! && state.high[register]! <= high[register]!) continue;
    changed = true;
    const giveUp = block.visits >= MAX_VISITS;
    low[register] = giveUp ? Number.NEGATIVE_INFINITY : Math.min(low[register]!, state.low[register]!);
    high[register] = giveUp ? Number.POSITIVE_INFINITY : Math.max(high[register]!, state.high[register]!);
  }
  if (!changed) return;
  block.visits++;
  if (!block.listed) work.push(slot);
  block.listed = true;
}

function copy({ low, high }: Intervals): Intervals {
  return { low: Float64Array.from(low), high: Float64Array.from(high) };
}
