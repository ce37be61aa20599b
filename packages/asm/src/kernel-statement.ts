import type { Operation } from "@bpfkit/isa";
import { takeCall } from "./call.js";
import { takeAssignment } from "./kernel-assignment.js";
import { takeLock, takeRelease } from "./kernel-atomic.js";
import { registerAhead, takeMemory, takePointer, takeRegister, takeValueRegister, UNSIGNED } from "./kernel-operand.js";
import type { Lexer } from "./lexer.js";
import { takeImm32, takeRaw, takeTarget } from "./operand.js";
import { CONDITIONS, inverse, rowFor } from "./operation.js";
import type { Output } from "./output.js";
import { wire, wireCallx } from "./wire.js";

/*
 * The kernel's and LLVM's syntax: `r1 += r2`, `w1 = 5`, `r0 = *(u32 *)(r1 + 4)`, `if r1 s> 5 goto l`. Where kernel and LLVM
 * differ (atomics), both are read.
 */

/** Statements by their first word, which was taken. */
const STATEMENTS: ReadonlyMap<string, (lexer: Lexer, output: Output) => Uint8Array> = new Map([
  ["*", takeStore],
  ["lock", takeLock],
  ["store_release", takeRelease],
  ["if", takeBranch],
  ["goto", (lexer: Lexer, output: Output) => wire("ja", { offset: takeTarget(lexer, output, "offset") })],
  ["gotol", (lexer: Lexer, output: Output) => wire("ja32", { imm: takeTarget(lexer, output, "imm") })],
  ["may_goto", (lexer: Lexer, output: Output) => wire("mayGoto", { offset: takeTarget(lexer, output, "offset") })],
  ["call", takeCall],
  ["callx", (lexer: Lexer) => wireCallx(takeRegister(lexer, 64).number)],
  ["exit", () => wire("exit")],
  [".raw", takeRaw],
]);

/** Reads one statement of the kernel's syntax. */
export function takeKernelStatement(lexer: Lexer, output: Output): Uint8Array {
  if (registerAhead(lexer)) return takeAssignment(lexer, output);
  const statement = STATEMENTS.get(lexer.peek().text);
  if (statement === undefined) return lexer.fail("an instruction");
  lexer.take();
  return statement(lexer, output);
}

/** `(u32 *)(r1 + 4) = r2`, behind `*`. */
function takeStore(lexer: Lexer): Uint8Array {
  const { bits } = takePointer(lexer, UNSIGNED);
  const { base, offset } = takeMemory(lexer);
  lexer.expect("=");
  if (registerAhead(lexer)) {
    const src = takeValueRegister(lexer, bits);
    return wire(rowFor("store", bits, "[dst+offset],src"), { dst: base, offset, src });
  }
  const imm = takeImm32(lexer, "a register or a number");
  return wire(rowFor("store", bits, "[dst+offset],imm"), { dst: base, offset, imm });
}

const CONDITION_OPERATIONS: ReadonlyMap<string, Operation> = inverse(CONDITIONS);

/** `r1 == 5 goto l`, behind `if`. */
function takeBranch(lexer: Lexer, output: Output): Uint8Array {
  const dst = takeRegister(lexer);
  const { kind, text } = lexer.peek();
  const operation = kind === "symbol" ? CONDITION_OPERATIONS.get(text) : undefined;
  if (operation === undefined) lexer.fail(`one of ${[...CONDITION_OPERATIONS.keys()].join(" ")}`);
  lexer.take();
  const register = registerAhead(lexer);
  const value = register
    ? { src: takeRegister(lexer, dst.width).number }
    : { imm: takeImm32(lexer, "a register or a number") };
  lexer.expect("goto");
  const offset = takeTarget(lexer, output, "offset");
  const row = rowFor(operation, dst.width, register ? "dst,src,offset" : "dst,imm,offset");
  return wire(row, { dst: dst.number, ...value, offset });
}
