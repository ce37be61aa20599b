/** eBPF assembly text: kernel and uBPF syntax, to wire bytes and back. */

export type { AsmErrorCode } from "./error.js";
export { AsmError } from "./error.js";
export type { Assembly } from "./output.js";
export type { ParseOptions, Syntax } from "./parse.js";
export { parse } from "./parse.js";
export type { PrintedLine, PrintOptions } from "./print.js";
export { print, toText } from "./print.js";
