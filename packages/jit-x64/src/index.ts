/** A JIT from eBPF to x86-64 machine code: images, calls and tail calls as Linux has them, listings anywhere. */

export type { AppliedFixup, CompiledProgram, PlacedImage } from "./compile.js";
export { compileProgram } from "./compile.js";
export type { JitEngine, JitOptions } from "./engine.js";
export { jitX64 } from "./engine.js";
export type { JitErrorCode } from "./error.js";
export { JitError } from "./error.js";
export type { LoopInput } from "./linked.js";
export { JitLinked } from "./linked.js";
export type { ImageListing, InstructionText, Listing, ListingRow, ListingSet, MachineLine } from "./listing.js";
export { formatListing, listProgram } from "./listing.js";
export type { Site, Sites } from "./sites.js";
export type { CompileContext, Safety } from "./unit.js";
export { STUBS } from "./unit.js";
export type { SharedJitCode } from "./units.js";
