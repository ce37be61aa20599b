/** Contexts built from packets or raw memory, as a test run of Linux builds them, and read back. */
export type { ContextBuilder, ContextInput, ContextOutput } from "./builder.js";
export { CONTEXT_TYPES, createContext } from "./context.js";
export type { ProgramTypeErrorCode } from "./error.js";
export { ProgramTypeError } from "./error.js";
