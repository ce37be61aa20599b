/** The running Linux kernel as an engine and as the judge of programs, through `bpf(2)`. Loads and test-runs; attaches nothing. */

export { kernelAvailability } from "./availability.js";
export type { KernelCode } from "./code.js";
export { programCode } from "./code.js";
export type { KernelEngineOptions } from "./engine.js";
export { kernelEngine, kernelSessionOf } from "./engine.js";
export { KernelError } from "./error.js";
export type { LogLevel } from "./load.js";
export { LOG_STATISTICS } from "./load.js";
export { KernelMap } from "./map.js";
export { KernelMapOfMaps } from "./map-of-maps.js";
export { KernelProgramArray } from "./program-array.js";
export type { FunctionInfo } from "./session.js";
export { KernelSession } from "./session.js";
export type { TestRunInput, TestRunOutput } from "./test-run.js";
export { testRun } from "./test-run.js";
export type { KernelVerdict } from "./verdict.js";
