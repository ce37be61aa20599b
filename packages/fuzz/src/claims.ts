import type { FuzzCase } from "./case.js";
import { caseFile } from "./case-file.js";
import { CLASSES } from "./classes.js";
import { compareVerdicts, type Difference, saysNothing } from "./compare.js";
import { Coverage, type CoverageTable } from "./coverage.js";
import { type GenerateOptions, generateCase } from "./generate.js";
import { withInputs } from "./inputs.js";
import { mutateCase } from "./mutate.js";
import { programSeed, seededRandom } from "./random.js";
import { repairCase } from "./repair.js";
import type { ClaimChecker, ClaimOutcome, FuzzJudge, FuzzVerdict } from "./runner.js";
import { type Finding, verdictFile } from "./session.js";
import { shrinkCase } from "./shrink.js";

export interface ClaimOptions extends GenerateOptions {
  readonly seed: number;
  readonly checker: ClaimChecker;
  /** The kernel: what the checker accepts it must accept, too. */
  readonly judge?: FuzzJudge;
  /** Programs to judge, at least. */
  readonly programs?: number;
  /** When to stop, in milliseconds from now; nothing is begun after it. */
  readonly milliseconds?: number;
  /** Names of classes; all where left out. */
  readonly classes?: readonly string[];
  /** Told now and then how far it got. */
  readonly onProgress?: (progress: ClaimCounts) => void;
}

/** How much was done. A program is counted once, however often it was repaired. */
export interface ClaimCounts {
  /** Programs judged: generated ones, and their slightly wrong relatives. */
  programs: number;
  /** Of these, those that were accepted: they were run, and put to the kernel. */
  accepted: number;
  /** Instructions taken out of programs because they were refused for them. */
  repairs: number;
  runs: number;
  /** Instructions of all runs, each held against its claims. */
  instructions: number;
  /** Registers held against their ranges. */
  compared: number;
  /** Accepted programs the judge accepted as well. */
  confirmed: number;
  /** Accepted programs the judge could say nothing of: it stumbled, or gave no reason. */
  unjudged: number;
}

export interface ClaimReport {
  readonly seed: number;
  readonly counts: Readonly<ClaimCounts>;
  /** Of the generated cases; accepted are those whose programs all were. */
  readonly coverage: CoverageTable;
  /** What was found; the session stops at the first. */
  readonly finding?: Finding;
}

/** Runs of an entry. */
const INPUTS = 4;
/** Slightly wrong relatives of each case. */
const MUTANTS = 3;
/** Instructions that may be taken out of a program for it to be accepted. */
const MOST_REPAIRS = 8;
const PROGRESS_EVERY = 100;

/**
 * Makes programs, and holds what a verifier claims of those it accepts against runs on many inputs: no fault, every register
 * in its range, nothing reached that is dead. The kernel, where it is given, must accept them too. Stops at the first claim
 * that does not hold, with a shrunk case. The same seed, classes and helpers make the same programs.
 */
export function checkClaims(options: ClaimOptions): ClaimReport {
  const classes = options.classes ?? CLASSES.map(({ name }) => name);
  const session = new Session(options);
  const end = options.milliseconds === undefined ? Number.POSITIVE_INFINITY : performance.now() + options.milliseconds;
  const most = options.programs ?? Number.POSITIVE_INFINITY;
  let finding: Finding | undefined;
  for (let index = 0; finding === undefined && session.counts.programs < most && performance.now() < end; index++) {
    finding = session.examine(programSeed(options.seed, index), classes[index % classes.length]!);
    if (index % PROGRESS_EVERY === 0) options.onProgress?.(session.counts);
  }
  const { counts, coverage } = session;
  return { seed: options.seed, counts, coverage: coverage.table(), ...(finding === undefined ? {} : { finding }) };
}

class Session {
  readonly counts: ClaimCounts = {
    programs: 0,
    accepted: 0,
    repairs: 0,
    runs: 0,
    instructions: 0,
    compared: 0,
    confirmed: 0,
    unjudged: 0,
  };
  readonly coverage: Coverage = new Coverage();
  readonly #options: ClaimOptions;

  constructor(options: ClaimOptions) {
    this.#options = options;
  }

  /** Makes the case of a seed and its relatives, and says what was wrong with the first that was. */
  examine(seed: number, className: string): Finding | undefined {
    const random = seededRandom(~seed);
    const made = withInputs(generateCase(seed, className, this.#options), random.word(), INPUTS);
    const [right, verdicts] = this.#repaired(made, made.programs.keys());
    this.coverage.add(right, verdicts.every(isAccepted));
    let finding = this.#hold(right, verdicts, verdicts.keys());
    for (let i = 0; i < MUTANTS && finding === undefined; i++) {
      const mutant = mutateCase(right, random.word());
      const changed = mutant.programs.findIndex((program, at) => program !== right.programs[at]);
      if (changed < 0) continue;
      const [wrong, judged] = this.#repaired(mutant, [changed]);
      finding = this.#hold(wrong, judged, [changed]);
    }
    return finding;
  }

  /** Takes out of some programs what they are refused for, as long as that helps. */
  #repaired(subject: FuzzCase, which: Iterable<number>): [FuzzCase, readonly FuzzVerdict[]] {
    const { checker } = this.#options;
    let current = subject;
    let verdicts = checker.verdicts(current);
    for (const program of which) {
      for (let left = MOST_REPAIRS; left > 0 && !isAccepted(verdicts[program]!); left--) {
        const next = repairCase(current, program, verdicts[program]!.slot ?? -1);
        if (next === undefined) break;
        this.counts.repairs++;
        current = next;
        verdicts = checker.verdicts(current);
      }
    }
    return [current, verdicts];
  }

  /** Runs a case and asks the judge about those of its programs that are new. */
  #hold(subject: FuzzCase, verdicts: readonly FuzzVerdict[], which: Iterable<number>): Finding | undefined {
    const { checker, judge } = this.#options;
    const accepted = [...which].filter((program) => {
      this.counts.programs++;
      return isAccepted(verdicts[program]!);
    });
    this.counts.accepted += accepted.length;
    if (accepted.length === 0) return undefined;
    const outcome = checker.check(subject);
    this.#count(outcome);
    if (outcome.broken !== undefined) return brokenFinding(subject, checker, outcome.broken);
    if (judge === undefined) return undefined;
    const asked = { ...subject, programs: accepted.map((program) => subject.programs[program]!) };
    const theirs = judge.verdicts(asked);
    this.counts.confirmed += theirs.filter(isAccepted).length;
    this.counts.unjudged += theirs.filter(saysNothing).length;
    return refusedFinding(subject, checker, judge, asked, theirs);
  }

  #count({ runs, instructions, compared }: ClaimOutcome): void {
    this.counts.runs += runs;
    this.counts.instructions += instructions;
    this.counts.compared += compared;
  }
}

const isAccepted = ({ verdict }: FuzzVerdict): boolean => verdict === "accept";

/** Shrinks a case with a broken claim as long as some claim stays broken. */
function brokenFinding(subject: FuzzCase, checker: ClaimChecker, difference: Difference): Finding {
  const small = shrinkCase(subject, (candidate) => checker.check(candidate).broken !== undefined);
  const last = checker.check(small).broken ?? difference;
  const file = caseFile(small, { runs: [], maps: {} }, last);
  const verdicts = checker.verdicts(small);
  const programs = (file["programs"] as object[]).map((program, i) => ({
    ...program,
    expect: { verdict: verdicts[i]!.verdict },
  }));
  return { difference: last, subject: small, file: { ...file, programs, claims: true } };
}

/** What the checker accepts and the judge refuses, shrunk; its case expects what the judge says. */
function refusedFinding(
  subject: FuzzCase,
  checker: ClaimChecker,
  judge: FuzzJudge,
  asked: FuzzCase,
  theirs: readonly FuzzVerdict[],
): Finding | undefined {
  const unsound = (candidate: FuzzCase, answers: readonly FuzzVerdict[]): Difference | undefined => {
    const ours = checker.verdicts(candidate);
    const found = compareVerdicts(candidate, [checker.name, ours], [judge.name, answers]);
    return found?.unsound === true ? found : undefined;
  };
  if (unsound(asked, theirs) === undefined) return undefined;
  const small = shrinkCase(subject, (candidate) => unsound(candidate, judge.verdicts(candidate)) !== undefined);
  const difference = unsound(small, judge.verdicts(small))!;
  return { difference, subject: small, file: verdictFile(small, difference, judge) };
}
