/** Differential fuzzing of BPF engines. */
export type { CaseRun, FuzzCase, SlotChange } from "./case.js";
export { instructionCount } from "./case.js";
export { CLASSES, classByName, type ProgramClass } from "./classes.js";
export { layOut } from "./code.js";
export { DEFAULT_HELPERS, generateCase } from "./generate.js";
export { programSeed, seededRandom } from "./random.js";
