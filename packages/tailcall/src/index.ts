/** Tail-call maps: the program array with its owner rules and live updates, and the rules of the tail-call count. */

export { attachProgramArray } from "./attached-array.js";
export type { ModelCounts, ModelStep, TailCallModel } from "./count.js";
export { countTailCalls } from "./count.js";
export type { TailcallErrorCode } from "./error.js";
export { TailcallError } from "./error.js";
export type { Owner } from "./owner.js";
export { ownerMismatch, ownerOf } from "./owner.js";
export type { ProgramArrayOptions } from "./program-array.js";
export { createProgramArray } from "./program-array.js";
