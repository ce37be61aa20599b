/** The Linux verifier in a process: verdicts, words and facts for BPF programs, without a kernel. */

export type { RejectionErrno, VerifierErrorCode } from "./error.js";
export { VerifierError } from "./error.js";
export { explain } from "./explain.js";
export type { Facts, InstructionFact, RegisterFact } from "./facts.js";
export { factAt } from "./facts.js";
export type { MapField } from "./map-info.js";
export type { Digests, Statistics, Verdict } from "./verdict.js";
export type { VerifyOptions } from "./verify.js";
export { verify } from "./verify.js";
