/** The front door of bpfkit: object to maps to engine to result, in one call. */
export type { Case, CaseVerdict, ObjectCase, SingleCase } from "./cases/case.js";
export type { Verdict } from "./cases/compare.js";
export { idOf } from "./cases/plan.js";
export type { CaseOptions, CaseResult } from "./cases/run-case.js";
export { runCase } from "./cases/run-case.js";
export type { AnyCase } from "./cases/schema.js";
export { parseCase } from "./cases/schema.js";
export type { CodeFacts } from "./code.js";
export { programFromCode } from "./code.js";
export type { DumpOptions, MapEntry } from "./contents.js";
export { dumpMap, seedMap } from "./contents.js";
export type { VmErrorCode } from "./error.js";
export { VmError } from "./error.js";
export { fromHex, toHex } from "./hex.js";
export { VmProgram } from "./program.js";
export type { MapEnvironment, Outcome, RunInput, VmOptions, VmRunOptions, VmSource } from "./types.js";
export { load, Vm } from "./vm.js";
