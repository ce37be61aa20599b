import { keyOf, type Result, type Results, type Summary } from "./results.js";

/** Minimum, quartiles and median of samples, of which there is at least one. */
export function summarise(samples: readonly number[]): Summary {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (part: number): number => {
    const place = part * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
    return below + (above - below) * (place - Math.floor(place));
  };
  return { min: at(0), low: at(0.25), median: at(0.5), high: at(0.75), samples: sorted.length };
}

/** How far the middle half of the samples lies from the least, as a part of it. */
export function spreadOf({ min, high }: Summary): number {
  return min > 0 ? (high - min) / min : 0;
}

/** Samples that lie wider than this beside the least say too little for a ratio. */
const MEANINGLESS = 0.5;

/**
 * How many times `of` the least of `one` is; undefined where the spread of either makes it meaningless: least and median of
 * the two leave room for more than half as much again.
 */
export function ratioOf(one: Summary, of: Summary): number | undefined {
  if (!(one.min > 0 && of.min > 0)) return undefined;
  const uncertainty = (one.median / one.min) * (of.median / of.min) - 1;
  return uncertainty > MEANINGLESS ? undefined : one.min / of.min;
}

/** What is left of a time where that of the empty program is taken off; itself where too little would be left to tell. */
export function netOf(time: Summary, empty: Summary | undefined): Summary {
  if (empty === undefined || time.min < 2 * empty.min) return time;
  const off = empty.min;
  const { min, low, median, high, samples } = time;
  return { min: min - off, low: low - off, median: median - off, high: high - off, samples };
}

/** The geometric mean; undefined of nothing. */
export function geometricMean(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** One quantity in two runs of the benchmark. */
export interface Moved {
  readonly kind: "moved";
  readonly before: Result;
  readonly now: Result;
  /** `now` by `before`. */
  readonly ratio: number;
  readonly better: boolean;
}

/** Less than this is never called a move: as much may lie between two starts of the same code. */
const LEAST_MOVE = 0.05;

/** What moved beyond noise: by more than the spread of either, so far that neither's least lies in the other's middle half. */
export function movedBetween(before: Results, now: Results): Moved[] {
  const old = new Map(before.results.map((result) => [keyOf(result), result]));
  return now.results.flatMap((result) => {
    const other = old.get(keyOf(result));
    if (other === undefined || other.min <= 0 || result.min <= 0) return [];
    const apart = result.min > other.high || result.high < other.min;
    const ratio = result.min / other.min;
    const noise = Math.max(LEAST_MOVE, spreadOf(other), spreadOf(result));
    if (!apart || Math.abs(Math.log(ratio)) < Math.log1p(noise)) return [];
    const better = result.unit === "runs/s" ? ratio > 1 : ratio < 1;
    return [{ kind: "moved" as const, before: other, now: result, ratio, better }];
  });
}
