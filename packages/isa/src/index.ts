/** The eBPF instruction set (RFC 9669 and Linux 6.15) as one table: decode, encode, check, build. */

export type { Builder, Builders, Register } from "./build.js";
export { build } from "./build.js";
export { decode, decodeAt, encode, rowOf, validate } from "./codec.js";
export type { IsaErrorCode, IsaErrorFacts } from "./error.js";
export { IsaError } from "./error.js";
export type { Instruction } from "./instruction.js";
export { CALLX_OPCODE, imm64, slotsOf, WIDE_OPCODE } from "./instruction.js";
export { findRow, INVALID, rowIndexAt } from "./lookup.js";
export type { ConformanceGroup, Field, Form, InstructionName, Operation, Row } from "./row.js";
export { ROW, ROWS } from "./row.js";
export type { SlotTable } from "./slots.js";
export { decodeSlots, SECOND_SLOT } from "./slots.js";
export { writtenField } from "./written.js";
