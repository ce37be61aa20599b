import type { MapEntry, Outcome } from "@bpfkit/vm";
import { toHex } from "../hex.js";
import { toJson } from "../output.js";
import type { Run } from "../run/report.js";

/** What one engine made of everything. */
export interface Compared {
  readonly engine: string;
  /** Bits of r0 it tells. */
  readonly bits: number;
  /** Why nothing was run. */
  readonly refused?: string;
  readonly runs: readonly Run[];
  /** After the last run. */
  readonly maps: Readonly<Record<string, readonly MapEntry[]>>;
}

/** One thing in which two engines differ. */
export interface EngineDifference {
  /** `r0 of run 1`, `packet after run 1`, `map counters`. */
  readonly what: string;
  readonly left: { readonly engine: string; readonly value: string };
  readonly right: { readonly engine: string; readonly value: string };
}

/** In what two engines differ, in the order of what happened. Counts and times are no differences. */
export function differencesOf(one: Compared, other: Compared): EngineDifference[] {
  const found: EngineDifference[] = [];
  const compare = (what: string, left: string, right: string): void => {
    if (left === right) return;
    found.push({ what, left: { engine: one.engine, value: left }, right: { engine: other.engine, value: right } });
  };
  const accepted = ({ refused }: Compared): string => (refused === undefined ? "accepted" : `refused: ${refused}`);
  if (one.refused !== undefined || other.refused !== undefined) {
    if ((one.refused === undefined) !== (other.refused === undefined))
      compare("the program", accepted(one), accepted(other));
    return found;
  }
  const bits = Math.min(one.bits, other.bits);
  for (const [index, left] of one.runs.entries()) {
    const right = other.runs[index];
    const run = `run ${index + 1}`;
    compare(`acceptance of packet ${index + 1}`, inputOf(left), inputOf(right));
    if (!isRun(left) || !isRun(right)) continue;
    const [a, b] = [left.outcome, right.outcome];
    compare(`fault of ${run}`, a.fault?.kind ?? "none", b.fault?.kind ?? "none");
    compare(`r0 of ${run}`, r0Of(a, bits), r0Of(b, bits));
    if (a.dataOut !== undefined && b.dataOut !== undefined) {
      compare(`packet after ${run}`, toHex(a.dataOut), toHex(b.dataOut));
    }
  }
  for (const name of new Set([...Object.keys(one.maps), ...Object.keys(other.maps)])) {
    compare(`map ${name}`, entriesText(one.maps[name]), entriesText(other.maps[name]));
  }
  return found;
}

/** Entries as text. Which CPU a program ran on is no difference, so values of CPUs are sorted. */
function entriesText(entries: readonly MapEntry[] = []): string {
  return toJson(entries.map(({ key, value, values }) => ({ key, value, values: values?.toSorted() })));
}

const isRun = (run: Run | undefined): run is Extract<Run, { outcome: unknown }> =>
  run !== undefined && "outcome" in run;

const inputOf = (run: Run | undefined): string => (run === undefined ? "not run" : isRun(run) ? "run on" : "refused");

function r0Of(outcome: Outcome, bits: number): string {
  return outcome.fault === undefined ? String(BigInt.asUintN(bits, outcome.r0)) : "none";
}
