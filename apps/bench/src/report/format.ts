import type { Result, Summary } from "../results.js";
import { spreadOf } from "../statistics.js";

/** A figure with three digits that count. */
export function figure(value: number): string {
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString("en-US", { minimumFractionDigits: 0, maximumFractionDigits: Math.min(digits, 3) });
}

/** A figure and how far the middle half of the samples reaches beyond it. */
export function withSpread(summary: Summary, scale = 1): string {
  const text = figure(summary.min / scale);
  return summary.samples < 2 ? text : `${text} +${Math.round(spreadOf(summary) * 100)}%`;
}

const ORDER = ["interpreter", "jit-x64 checked", "jit-x64 confined", "jit-x64 unchecked", "kernel", "native"];

/** The subjects that occur, the engines first and peers behind them. */
export function subjectsOf(results: readonly Result[]): string[] {
  const place = (subject: string): number => (ORDER.includes(subject) ? ORDER.indexOf(subject) : ORDER.length);
  return [...new Set(results.map(({ subject }) => subject))].sort((a, b) => place(a) - place(b));
}
