/** An encoder for x86-64 machine code: forms as data, labels, branches that choose their size, fixups. */

export type { Code, Fixup, TextLine } from "./assembler.js";
export { Assembler } from "./assembler.js";
export type { X64ErrorCode, X64Place } from "./error.js";
export { X64Error } from "./error.js";
export type { Encoding, Form, OperandKind } from "./form.js";
export { form } from "./form.js";
export { formatInstruction, registerName } from "./format.js";
export type { FormName } from "./forms.js";
export { FORMS } from "./forms.js";
export type { Condition, Label, Memory, Operand, Register } from "./operand.js";
export {
  CONDITIONS,
  inverse,
  R8,
  R9,
  R10,
  R11,
  R12,
  R13,
  R14,
  R15,
  RAX,
  RBP,
  RBX,
  RCX,
  RDI,
  RDX,
  RSI,
  RSP,
} from "./operand.js";
