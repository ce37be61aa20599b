import type { FuzzCase } from "./case.js";
import { type CaseFile, caseFile } from "./case-file.js";
import { CLASSES } from "./classes.js";
import { compareOutcomes, compareVerdicts, type Difference } from "./compare.js";
import { Coverage, type CoverageTable } from "./coverage.js";
import { type GenerateOptions, generateCase } from "./generate.js";
import { mutateCase } from "./mutate.js";
import { programSeed, seededRandom } from "./random.js";
import type { CaseOutcome, FuzzJudge, FuzzRunner } from "./runner.js";
import { withFilledStack } from "./settled.js";
import { shrinkCase } from "./shrink.js";

export interface FuzzOptions extends GenerateOptions {
  readonly seed: number;
  /** Engines to be held against each other; the first is the measure. */
  readonly runners: readonly FuzzRunner[];
  /** Ours, then the kernel's: slightly wrong programs are put to both. */
  readonly judges?: readonly [FuzzJudge, FuzzJudge];
  /**
   * Whether engines may differ on a case and all be right, as where it compares addresses. Generated cases are not like
   * that; what they are shrunk to may be.
   */
  readonly isOpen?: (candidate: FuzzCase) => boolean;
  /** Programs to make, at least. */
  readonly programs?: number;
  /** When to stop, in milliseconds from now; nothing is begun after it. */
  readonly milliseconds?: number;
  /** Names of classes; where left out, all whose programs are good without a verdict. */
  readonly classes?: readonly string[];
  /** Told now and then how far it got. */
  readonly onProgress?: (progress: { readonly cases: number; readonly programs: number }) => void;
}

/** A difference, and the smallest case that shows it. */
export interface Finding {
  readonly difference: Difference;
  readonly subject: FuzzCase;
  readonly file: CaseFile;
}

/** Cases that one engine was not asked about, and why the first of them was not. */
export interface SkippedCases {
  readonly engine: string;
  readonly cases: number;
  readonly first: { readonly seed: number; readonly class: string; readonly program: string; readonly reason: string };
}

export interface FuzzReport {
  readonly seed: number;
  readonly coverage: CoverageTable;
  /** Slightly wrong programs whose verdicts were compared, and how many of them the kernel accepted. */
  readonly verdicts: { readonly compared: number; readonly accepted: number };
  /** Cases the measure took and an engine was not asked about, by engine. */
  readonly skipped: readonly SkippedCases[];
  /** What was found; the session stops at the first. */
  readonly finding?: Finding;
}

const PROGRESS_EVERY = 100;

/**
 * Makes programs class by class, carries each out on every engine, and stops at the first difference with a shrunk case.
 * The same seed, classes and helpers make the same programs.
 */
export function fuzz(options: FuzzOptions): FuzzReport {
  const classes = options.classes ?? CLASSES.filter(({ needsVerdict }) => !needsVerdict).map(({ name }) => name);
  const coverage = new Coverage();
  const verdicts = { compared: 0, accepted: 0 };
  const skipped = new Map<string, SkippedCases>();
  const end = options.milliseconds === undefined ? Number.POSITIVE_INFINITY : performance.now() + options.milliseconds;
  let programs = 0;
  let finding: Finding | undefined;
  for (let index = 0; programs < (options.programs ?? Number.POSITIVE_INFINITY) && performance.now() < end; index++) {
    const seed = programSeed(options.seed, index);
    const subject = generateCase(seed, classes[index % classes.length]!, options);
    programs += subject.programs.length;
    finding = examine(subject, options, coverage, skipped) ?? examineVerdicts(subject, options.judges, verdicts);
    if (finding !== undefined) break;
    if (index % PROGRESS_EVERY === 0) options.onProgress?.({ cases: index + 1, programs });
  }
  return {
    seed: options.seed,
    coverage: coverage.table(),
    verdicts,
    skipped: [...skipped.values()],
    ...(finding === undefined ? {} : { finding }),
  };
}

/**
 * Holds every other engine against the first one and, where that tells only half of r0, against the first of the others
 * that tells all of it.
 */
function examine(
  subject: FuzzCase,
  { runners, isOpen }: Pick<FuzzOptions, "runners" | "isOpen">,
  coverage: Coverage,
  skipped: Map<string, SkippedCases>,
): Finding | undefined {
  const [measure, ...others] = runners;
  const outcome = measure!.run(subject);
  countSkipped(skipped, measure!, subject, outcome);
  const taken = outcome.rejection === undefined && outcome.skipped === undefined;
  coverage.add(subject, taken);
  if (!taken) return undefined;
  const measures: [FuzzRunner, CaseOutcome][] = [[measure!, outcome]];
  for (const other of others) {
    const answer = other.run(subject);
    countSkipped(skipped, other, subject, answer);
    for (const [by, wanted] of measures) {
      const difference = compareOutcomes(subject, [other, answer], [by, wanted]);
      if (difference === undefined) continue;
      const shrunk = shrunkFinding(subject, other, by, isOpen);
      return shrunk ?? { difference, subject, file: caseFile(subject, wanted, difference) };
    }
    const half = measures.every(([{ returnBits }]) => returnBits !== undefined);
    if (half && other.returnBits === undefined && answer.skipped === undefined) measures.push([other, answer]);
  }
  return undefined;
}

function countSkipped(
  skipped: Map<string, SkippedCases>,
  { name }: FuzzRunner,
  { seed, class: kind }: FuzzCase,
  outcome: CaseOutcome,
): void {
  if (outcome.skipped === undefined) return;
  const { cases, first } = skipped.get(name) ?? { cases: 0, first: { seed, class: kind, ...outcome.skipped } };
  skipped.set(name, { engine: name, cases: cases + 1, first });
}

/**
 * Shrinks what differs between two engines, and says in which way the small case differs. A smaller case may read stack it
 * never wrote, or let an address out: it only counts if it differs with a filled stack, too, answers the same twice, and is
 * not open. Undefined where the whole case does not.
 */
export function shrunkFinding(
  subject: FuzzCase,
  runner: FuzzRunner,
  measure: FuzzRunner,
  isOpen: FuzzOptions["isOpen"],
): Finding | undefined {
  const differenceOf = (candidate: FuzzCase): [Difference | undefined, CaseOutcome] => {
    const expected = measure.run(candidate);
    // What the measure refuses or faults on is no program that could tell anything.
    if (expected.rejection !== undefined || expected.runs.some(({ fault }) => fault !== undefined)) {
      return [undefined, expected];
    }
    return [compareOutcomes(candidate, [runner, runner.run(candidate)], [measure, expected]), expected];
  };
  const differs = (candidate: FuzzCase): boolean => differenceOf(candidate)[0] !== undefined;
  const counts = (candidate: FuzzCase): boolean =>
    differs(candidate) &&
    isOpen?.(candidate) !== true &&
    differs(withFilledStack(candidate)) &&
    isRepeatable(candidate, runner) &&
    isRepeatable(candidate, measure);
  if (!counts(subject)) return undefined;
  const small = shrinkCase(subject, counts);
  const [difference, expected] = differenceOf(small);
  return difference && { difference, subject: small, file: caseFile(small, expected, difference) };
}

/** Whether an engine gives the same answer twice, the second time with everything at other addresses. */
function isRepeatable(subject: FuzzCase, runner: FuzzRunner): boolean {
  const again = runner.runElsewhere?.(subject) ?? runner.run(subject);
  return compareOutcomes(subject, [runner, runner.run(subject)], [runner, again]) === undefined;
}

function examineVerdicts(
  subject: FuzzCase,
  judges: FuzzOptions["judges"],
  counts: { compared: number; accepted: number },
): Finding | undefined {
  if (judges === undefined) return undefined;
  const [ours, theirs] = judges;
  const differenceOf = (candidate: FuzzCase): Difference | undefined =>
    compareVerdicts(candidate, [ours.name, ours.verdicts(candidate)], [theirs.name, theirs.verdicts(candidate)]);
  const wrong = mutateCase(subject, seededRandom(subject.seed).word());
  counts.compared += wrong.programs.length;
  counts.accepted += theirs.verdicts(wrong).filter(({ verdict }) => verdict === "accept").length;
  if (differenceOf(wrong) === undefined) return undefined;
  const small = shrinkCase(wrong, (candidate) => differenceOf(candidate) !== undefined);
  const difference = differenceOf(small)!;
  return { difference, subject: small, file: verdictFile(small, difference, theirs) };
}

/** The same format; it expects verdicts and no runs. */
export function verdictFile(subject: FuzzCase, difference: Difference, judge: FuzzJudge): CaseFile {
  const verdicts = judge.verdicts(subject);
  const file = caseFile({ ...subject, slots: [], runs: [] }, { runs: [], maps: {} }, difference);
  const programs = (file["programs"] as object[]).map((program, i) => ({ ...program, expect: verdicts[i] }));
  return { ...file, programs };
}
