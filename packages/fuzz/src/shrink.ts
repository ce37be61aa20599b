import type { CaseRun, FuzzCase } from "./case.js";
import { isStep, layOut, type Source } from "./code.js";

export interface ShrinkOptions {
  /** Candidates to try, at most. */
  readonly attempts?: number;
}

const ATTEMPTS = 3000;

/**
 * Makes a case smaller as long as `differs` still holds for it: runs, members, instructions, then packets and numbers.
 * `differs` must be false for a candidate that is refused.
 */
export function shrinkCase(
  subject: FuzzCase,
  differs: (candidate: FuzzCase) => boolean,
  options: ShrinkOptions = {},
): FuzzCase {
  let left = options.attempts ?? ATTEMPTS;
  let best = subject;
  const attempt = (candidate: FuzzCase): boolean => {
    if (left-- <= 0 || !differs(candidate)) return false;
    best = candidate;
    return true;
  };
  for (let size = Number.POSITIVE_INFINITY; sizeOf(best) < size && left > 0; ) {
    size = sizeOf(best);
    reduce(best.runs, (runs) => runs.length > 0 && attempt({ ...best, runs }));
    reduce(best.slots, (slots) => attempt({ ...best, slots }));
    reduce(best.sources, (sources) => attempt(withSources(best, sources)));
    for (const { name } of best.sources) shrinkItems(() => best, name, attempt);
    shrinkRuns(() => best, attempt);
    shrinkNumbers(() => best, attempt);
  }
  return best;
}

function sizeOf(subject: FuzzCase): number {
  const items = subject.sources.reduce((sum, source) => sum + source.items.length, 0);
  const bytes = subject.runs.reduce(
    (sum, run) => sum + run.data.filter((byte) => byte !== 0).length + run.data.length,
    0,
  );
  return items * 1000 + bytes + subject.runs.length + subject.slots.length;
}

/** Takes out ever smaller stretches of a list; `keep` says whether a shorter list will do, and it then is the list. */
function reduce<T>(list: readonly T[], keep: (shorter: readonly T[]) => boolean): void {
  let current = list;
  for (let length = Math.ceil(current.length / 2); length >= 1; length = Math.floor(length / 2)) {
    for (let start = current.length - length; start >= 0; start -= length) {
      const shorter = current.toSpliced(start, length);
      if (keep(shorter)) current = shorter;
      start = Math.min(start, current.length);
    }
  }
}

/** The case with other sources. What named a program that is gone goes too. */
function withSources(subject: FuzzCase, sources: readonly Source[]): FuzzCase {
  const names = new Set(sources.map(({ name }) => name));
  const there = ({ program }: { program: string | null }): boolean => program === null || names.has(program);
  const runs = subject.runs.filter(there).map((run) => withSlots(run, run.slots?.filter(there)));
  return { ...subject, sources, programs: sources.map(tryLayOut), slots: subject.slots.filter(there), runs };
}

function withSlots(run: CaseRun, slots: CaseRun["slots"]): CaseRun {
  const { slots: _, ...rest } = run;
  return slots === undefined || slots.length === 0 ? rest : { ...rest, slots };
}

/** A source whose jumps lead nowhere becomes an empty program, which every engine refuses. */
function tryLayOut(source: Source): FuzzCase["programs"][number] {
  try {
    return layOut(source);
  } catch {
    return layOut({ ...source, items: [] });
  }
}

function shrinkItems(current: () => FuzzCase, name: string, attempt: (candidate: FuzzCase) => boolean): void {
  const source = current().sources.find((one) => one.name === name);
  if (source === undefined) return;
  const replaced = (items: Source["items"]): FuzzCase =>
    withSources(
      current(),
      current().sources.map((one) => (one.name === name ? { ...one, items } : one)),
    );
  reduce(source.items, (items) => attempt(replaced(items)));
}

function shrinkRuns(current: () => FuzzCase, attempt: (candidate: FuzzCase) => boolean): void {
  for (const index of current().runs.keys()) {
    const replaced = (change: (run: CaseRun) => CaseRun): FuzzCase => ({
      ...current(),
      runs: current().runs.map((run, i) => (i === index ? change(run) : run)),
    });
    const { data } = current().runs[index]!;
    attempt(replaced((run) => withSlots(run, undefined)));
    attempt(replaced(({ ctx: _, ...run }) => run));
    attempt(replaced(({ init: _, ...run }) => run));
    attempt(replaced((run) => ({ ...run, data: new Uint8Array(data.length) })));
    for (const length of [14, 20, 64]) {
      if (length < data.length) attempt(replaced((run) => ({ ...run, data: run.data.slice(0, length) })));
    }
  }
}

/** Sets immediates to 0 or 1 where that will do. */
function shrinkNumbers(current: () => FuzzCase, attempt: (candidate: FuzzCase) => boolean): void {
  for (const [at, source] of current().sources.entries()) {
    for (const index of source.items.keys()) {
      const item = current().sources[at]?.items[index];
      if (item === undefined || !isStep(item) || !item.row.fields.includes("imm")) continue;
      if (item.row.operation === "call" || item.imm === 0 || item.imm === 1 || item.target !== undefined) continue;
      for (const imm of [0, 1]) {
        const items = current().sources[at]!.items.with(index, { ...item, imm });
        const sources = current().sources.with(at, { ...current().sources[at]!, items });
        if (attempt(withSources(current(), sources))) break;
      }
    }
  }
}
