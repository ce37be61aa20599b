import { ROWS, type Row, type SlotTable } from "@bpfkit/isa";

/**
 * What a register may hold as a signed number: from `low` to `high`, both inclusive and exact below 2^53; beyond that it is
 * unknown, which is minus infinity to infinity.
 */
export interface Intervals {
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** A register that this one was made from by adding `distance`, so that a bound on it bounds the other; -1 for none. */
  readonly origin: Int8Array;
  readonly distance: Float64Array;
}

const LIMIT = 2 ** 53;
const U32 = 2 ** 32 - 1;

/** Nothing known but r10, which is always an address. */
export function unknownIntervals(): Intervals {
  const state: Intervals = {
    low: new Float64Array(11).fill(Number.NEGATIVE_INFINITY),
    high: new Float64Array(11).fill(Number.POSITIVE_INFINITY),
    origin: new Int8Array(11).fill(-1),
    distance: new Float64Array(11),
  };
  setInterval(state, 10, 0, U32);
  return state;
}

export function copyIntervals(into: Intervals, from: Intervals): void {
  into.low.set(from.low);
  into.high.set(from.high);
  into.origin.set(from.origin);
  into.distance.set(from.distance);
}

/** Sets a register; what is not exact becomes unknown. */
export function setInterval(state: Intervals, register: number, low: number, high: number): void {
  const exact = low >= -LIMIT && high <= LIMIT;
  state.low[register] = exact ? low : Number.NEGATIVE_INFINITY;
  state.high[register] = exact ? high : Number.POSITIVE_INFINITY;
  state.origin[register] = -1;
  for (let other = 0; other < 10; other++) if (state.origin[other] === register) state.origin[other] = -1;
}

function setUnknown(state: Intervals, register: number): void {
  setInterval(state, register, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
}

/** What an arithmetic operation on non-negative numbers gives at most; undefined where nothing is known. */
function highOf(row: Row, high: number, other: number): number | undefined {
  switch (row.operation) {
    case "and":
      return Math.min(high, other);
    case "lsh":
      return high * 2 ** other;
    case "mul":
      return high * other;
    case "div":
      return high;
    case "or":
    case "xor":
      return high <= U32 && other <= U32 ? U32 : undefined;
    default:
      return undefined;
  }
}

/** Arithmetic on 64 bits, with the other operand's interval. */
function wide(state: Intervals, row: Row, dst: number, otherLow: number, otherHigh: number, constant: boolean): void {
  const before = state.low[dst]!;
  let [low, high] = [before, state.high[dst]!];
  const positive = low >= 0 && otherLow >= 0;
  if (row.operation === "mov") [low, high] = [otherLow, otherHigh];
  else if (row.operation === "add") [low, high] = [low + otherLow, high + otherHigh];
  else if (row.operation === "sub") [low, high] = [low - otherHigh, high - otherLow];
  else if (row.operation === "rsh" && constant) {
    [low, high] = [0, low >= 0 ? Math.floor(high / 2 ** otherLow) : 2 ** (64 - otherLow) - 1];
  } else if (row.operation === "rsh" && low >= 0) low = 0;
  // A mask that is not negative bounds whatever it is applied to.
  else if (row.operation === "and" && otherLow >= 0 && low < 0) [low, high] = [0, otherHigh];
  else if (row.operation === "and" && otherLow < 0 && low >= 0) low = 0;
  else if (row.operation === "mod" && constant && otherLow > 0) [low, high] = [0, otherLow - 1];
  else {
    const most = positive && (constant || row.operation !== "lsh") ? highOf(row, high, otherHigh) : undefined;
    [low, high] = most === undefined ? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] : [0, most];
  }
  setInterval(state, dst, low, high);
}

/** Arithmetic on 32 bits, whose result is cut to them. */
function narrow(state: Intervals, row: Row, dst: number, otherLow: number, otherHigh: number, constant: boolean): void {
  const fits = (low: number, high: number): boolean => low >= 0 && high <= U32;
  const before = fits(state.low[dst]!, state.high[dst]!) ? state.high[dst]! : U32;
  const other = fits(otherLow, otherHigh) ? otherHigh : U32;
  let most: number | undefined = U32;
  if (row.operation === "mov") most = other;
  else if (row.operation === "rsh" && constant) most = Math.floor(before / 2 ** (otherLow & 31));
  else if (row.operation === "add") most = before + other;
  else if (row.operation === "mod" && constant && otherLow > 0) most = otherLow - 1;
  else if (row.operation !== "lsh" || constant)
    most = highOf(row, before, row.operation === "lsh" ? otherLow & 31 : other);
  setInterval(state, dst, 0, most === undefined || most > U32 ? U32 : most);
}

/** `d = s`, and `d += k` after it, keep what d was made from. */
function arithmetic(state: Intervals, row: Row, dst: number, src: number, imm: number): void {
  const origin = state.origin[dst]!;
  const distance = state.distance[dst]!;
  compute(state, row, dst, src, imm);
  if (row.name === "mov64Reg" && dst !== src) {
    state.origin[dst] = src;
    state.distance[dst] = 0;
  } else if (row.name === "add64Imm" && origin >= 0) {
    state.origin[dst] = origin;
    state.distance[dst] = distance + imm;
  }
}

function compute(state: Intervals, row: Row, dst: number, src: number, imm: number): void {
  const constant = row.form === "dst,imm";
  const shift = row.operation === "lsh" || row.operation === "rsh";
  if (row.width === 64) {
    const value = shift ? imm & 63 : imm;
    // An unsigned division takes a negative immediate for a large number.
    if (constant) wide(state, row, dst, value, value, true);
    else wide(state, row, dst, state.low[src]!, state.high[src]!, false);
  } else if (constant) narrow(state, row, dst, imm >>> 0, imm >>> 0, true);
  else narrow(state, row, dst, state.low[src]!, state.high[src]!, false);
}

/** What an instruction does to intervals, told from its row once. */
const NOTHING = 0;
const ARITHMETIC = 1;
const LOAD = 2;
const WIDE_IMMEDIATE = 3;
const CALL = 4;
const R0 = 5;
const SOURCE = 6;
const OTHER_32 = 7;
const OTHER_64 = 8;

const BINARY = new Set(["add", "sub", "mul", "div", "mod", "or", "and", "xor", "lsh", "rsh", "mov"]);
const ZERO_EXTENDING = new Set(["load", "loadAcquire", "le", "be", "bswap"]);

function kindOf(row: Row): number {
  const { operation } = row;
  if (BINARY.has(operation)) return ARITHMETIC;
  if (ZERO_EXTENDING.has(operation)) return row.width === 64 ? OTHER_64 : LOAD;
  if (operation === "lddw") return WIDE_IMMEDIATE;
  if (operation === "call") return CALL;
  if (operation === "cmpxchg" || operation === "loadPacket") return R0;
  if (operation.startsWith("atomicFetch") || operation === "xchg") return SOURCE;
  if (!row.fields.includes("dst") || row.target !== undefined || row.form.startsWith("[")) return NOTHING;
  return row.width === 32 ? OTHER_32 : OTHER_64;
}

const KINDS: readonly number[] = ROWS.map(kindOf);

/** What an instruction does to intervals. Memory accesses are the caller's to look at first. */
export function stepInterval(
  state: Intervals,
  table: SlotTable,
  slot: number,
  references: ReadonlyMap<number, unknown>,
): void {
  const index = table.row[slot]!;
  const dst = table.dst[slot]!;
  switch (KINDS[index]) {
    case ARITHMETIC:
      arithmetic(state, ROWS[index]!, dst, table.src[slot]!, table.imm[slot]!);
      break;
    case LOAD:
      setInterval(state, dst, 0, 2 ** ROWS[index]!.width! - 1);
      break;
    case WIDE_IMMEDIATE:
      // An address where it refers to something; else a number.
      if (references.has(slot) || ROWS[index]!.name === "lddwCode") setInterval(state, dst, 0, U32);
      else setConstant(state, dst, table.imm[slot]!, table.imm[slot + 1]!);
      break;
    case CALL:
      for (let register = 0; register <= 5; register++) setUnknown(state, register);
      break;
    case R0:
      setUnknown(state, 0);
      break;
    case SOURCE:
      setUnknown(state, table.src[slot]!);
      break;
    case OTHER_32:
      setInterval(state, dst, 0, U32);
      break;
    case OTHER_64:
      setUnknown(state, dst);
      break;
  }
}

function setConstant(state: Intervals, register: number, low: number, high: number): void {
  const value = high * 2 ** 32 + (low >>> 0);
  setInterval(state, register, value, value);
}

/** What a comparison that held says of its operands: the first is at most the second minus `by`, unsigned. */
interface Bound {
  readonly below: "dst" | "src";
  readonly by: number;
}

/** For each unsigned comparison, what is known where it jumps and where it goes on. */
const BOUNDS: Readonly<Record<string, { readonly taken: Bound; readonly next: Bound }>> = {
  jgt: { taken: { below: "src", by: 1 }, next: { below: "dst", by: 0 } },
  jge: { taken: { below: "src", by: 0 }, next: { below: "dst", by: 1 } },
  jlt: { taken: { below: "dst", by: 1 }, next: { below: "src", by: 0 } },
  jle: { taken: { below: "dst", by: 0 }, next: { below: "src", by: 1 } },
};

/** Narrows a state by an unsigned comparison that was, or was not, so. */
export function refineInterval(state: Intervals, table: SlotTable, slot: number, taken: boolean): void {
  const row = ROWS[table.row[slot]!]!;
  const bounds = BOUNDS[row.operation];
  if (bounds === undefined) return;
  const dst = table.dst[slot]!;
  const src = row.form === "dst,src,offset" ? table.src[slot]! : -1;
  const imm = table.imm[slot]!;
  // On 32 bits only what fits them compares as it is.
  if (row.width === 32 && !(isU32(state, dst) && (src < 0 || isU32(state, src)))) return;
  const { below, by } = taken ? bounds.taken : bounds.next;
  if (below === "src") {
    if (src >= 0 && state.low[dst]! >= 0) bound(state, src, state.high[dst]! - by);
  } else if (src >= 0) {
    if (state.low[src]! >= 0) bound(state, dst, state.high[src]! - by);
  } else if (imm >= 0) bound(state, dst, imm - by);
}

function isU32(state: Intervals, register: number): boolean {
  return state.low[register]! >= 0 && state.high[register]! <= U32;
}

/** A register is at most `high` as an unsigned number, which is not negative as a signed one then; so is what it was made from. */
function bound(state: Intervals, register: number, high: number): void {
  if (!(high >= 0 && high <= LIMIT)) return;
  state.low[register] = Math.max(state.low[register]!, 0);
  state.high[register] = Math.min(state.high[register]!, high);
  const origin = state.origin[register]!;
  if (origin < 0 || origin === 10) return;
  const [low, most] = [state.low[origin]!, state.high[origin]!];
  const distance = state.distance[register]!;
  // Only where both are exact did the addition not wrap.
  if (low < -LIMIT || most > LIMIT) return;
  state.low[origin] = Math.max(low, -distance);
  state.high[origin] = Math.min(most, high - distance);
}
