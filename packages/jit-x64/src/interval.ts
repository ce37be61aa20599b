import { ROWS, type Row, type SlotTable } from "@bpfkit/isa";

/**
 * What a register may hold as a signed number: from `low` to `high`, both inclusive and exact below 2^53; beyond that it is
 * unknown, which is minus infinity to infinity.
 */
export interface Intervals {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

const LIMIT = 2 ** 53;
const U32 = 2 ** 32 - 1;

export function unknownIntervals(): Intervals {
  return {
    low: new Float64Array(11).fill(Number.NEGATIVE_INFINITY),
    high: new Float64Array(11).fill(Number.POSITIVE_INFINITY),
  };
}

/** Sets a register; what is not exact becomes unknown. */
export function setInterval(state: Intervals, register: number, low: number, high: number): void {
  const exact = low >= -LIMIT && high <= LIMIT;
  state.low[register] = exact ? low : Number.NEGATIVE_INFINITY;
  state.high[register] = exact ? high : Number.POSITIVE_INFINITY;
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

function arithmetic(state: Intervals, row: Row, dst: number, src: number, imm: number): void {
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
export function stepInterval(state: Intervals, table: SlotTable, slot: number, isAddress: boolean): void {
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
      if (isAddress) setInterval(state, dst, 0, U32);
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
