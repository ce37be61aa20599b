/** The reference engine: calls mixed with tail calls as Linux has them. */

export type { InterpreterErrorCode } from "./error.js";
export { InterpreterError } from "./error.js";
export { InterpreterLinked, interpreter } from "./interpreter.js";
export { Stepper } from "./stepper.js";
