import { type Form, type InstructionName, type Operation, ROWS, type Row } from "@bpfkit/isa";

/** How the kernel writes each arithmetic operation (kernel/bpf/disasm.c, bpf_alu_string). */
export const ASSIGNMENTS: ReadonlyMap<Operation, string> = new Map<Operation, string>([
  ["add", "+="],
  ["sub", "-="],
  ["mul", "*="],
  ["div", "/="],
  ["sdiv", "s/="],
  ["or", "|="],
  ["and", "&="],
  ["lsh", "<<="],
  ["rsh", ">>="],
  ["mod", "%="],
  ["smod", "s%="],
  ["xor", "^="],
  ["arsh", "s>>="],
  ["mov", "="],
]);

/** How the kernel writes each condition (kernel/bpf/disasm.c, bpf_jmp_string). */
export const CONDITIONS: ReadonlyMap<Operation, string> = new Map<Operation, string>([
  ["jeq", "=="],
  ["jgt", ">"],
  ["jge", ">="],
  ["jset", "&"],
  ["jne", "!="],
  ["jsgt", "s>"],
  ["jsge", "s>="],
  ["jlt", "<"],
  ["jle", "<="],
  ["jslt", "s<"],
  ["jsle", "s<="],
]);

/** How a `lock` statement writes each atomic operation that gives nothing back. */
export const ATOMIC_ASSIGNMENTS: ReadonlyMap<Operation, string> = new Map<Operation, string>([
  ["atomicAdd", "+="],
  ["atomicOr", "|="],
  ["atomicAnd", "&="],
  ["atomicXor", "^="],
]);

/** What each fetching atomic operation is called behind `atomic_fetch_` and `lock fetch`. */
export const FETCHES: ReadonlyMap<Operation, string> = new Map<Operation, string>([
  ["atomicFetchAdd", "add"],
  ["atomicFetchOr", "or"],
  ["atomicFetchAnd", "and"],
  ["atomicFetchXor", "xor"],
]);

/** The same map from text to operation. */
export function inverse(symbols: ReadonlyMap<Operation, string>): ReadonlyMap<string, Operation> {
  return new Map(Array.from(symbols, ([operation, symbol]) => [symbol, operation]));
}

const key = (operation: Operation, width: number | undefined, form: Form): string => `${operation} ${width} ${form}`;
const BY_KEY: ReadonlyMap<string, Row> = new Map(
  ROWS.map((row) => [key(row.operation, row.width, row.form), row] as const),
);

/** The row that does an operation on so many bits with such operands. Not for rows that differ in more (movsx, lddw). */
export function rowFor(operation: Operation, width: number, form: Form): InstructionName {
  return BY_KEY.get(key(operation, width, form))!.name;
}
