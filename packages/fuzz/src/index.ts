/** Differential fuzzing of BPF engines: programs nobody wrote, held against each other and against the kernel. */

export type { CaseRun, FuzzCase, MapWrite, SlotChange } from "./case.js";
export { instructionCount } from "./case.js";
export type { CaseFile } from "./case-file.js";
export { caseFile } from "./case-file.js";
export type { ClaimCounts, ClaimOptions, ClaimReport } from "./claims.js";
export { checkClaims } from "./claims.js";
export type { ProgramClass } from "./classes.js";
export { CLASSES, classByName } from "./classes.js";
export type { Label, Mark, Source, Step } from "./code.js";
export { layOut } from "./code.js";
export type { Difference, VerdictDifference } from "./compare.js";
export { compareOutcomes, compareVerdicts } from "./compare.js";
export type { ClassCoverage, CoverageTable } from "./coverage.js";
export { Coverage } from "./coverage.js";
export { FuzzError } from "./error.js";
export type { GenerateOptions } from "./generate.js";
export { DEFAULT_HELPERS, generateCase } from "./generate.js";
export { withInputs } from "./inputs.js";
export { mutateCase } from "./mutate.js";
export { programSeed } from "./random.js";
export { repairCase } from "./repair.js";
export type {
  CaseOutcome,
  ClaimChecker,
  ClaimOutcome,
  FuzzJudge,
  FuzzRunner,
  FuzzVerdict,
  RunOutcome,
} from "./runner.js";
export type { Finding, FuzzOptions, FuzzReport, SkippedCases } from "./session.js";
export { fuzz, shrunkFinding } from "./session.js";
export { withFilledStack } from "./settled.js";
export type { ShrinkOptions } from "./shrink.js";
export { shrinkCase } from "./shrink.js";
