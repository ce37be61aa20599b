import type { Row } from "@bpfkit/isa";
import { takeCall } from "./call.js";
import type { Lexer } from "./lexer.js";
import { numberAhead, takeDisplacement, takeImm32, takeImm64, takeRaw, takeTarget } from "./operand.js";
import type { Output } from "./output.js";
import { takeReference } from "./reference.js";
import { MNEMONICS } from "./ubpf-name.js";
import { wire, wireCallx, wireImm64 } from "./wire.js";

/*
 * uBPF's syntax, as the public bpf_conformance suite has it: `add %r0, %r1`, `ldxdw %r0, [%r1+2]`, `jeq %r0, 5, label`,
 * `lock fetch add [%r10-8], %r1`, `call local func1`.
 */

const REGISTER = /^%?r(\d|10)$/;

function registerAhead(lexer: Lexer): boolean {
  return lexer.peek().kind === "name" && REGISTER.test(lexer.peek().text);
}

function takeRegister(lexer: Lexer): number {
  const found = REGISTER.exec(lexer.peek().text);
  if (found === null) lexer.fail("a register (%r0 to %r10)");
  lexer.take();
  return Number(found[1]);
}

/** `[%r1+2]`. */
function takeMemory(lexer: Lexer): { base: number; offset: number } {
  lexer.expect("[");
  const base = takeRegister(lexer);
  const offset = takeDisplacement(lexer, 16);
  lexer.expect("]");
  return { base, offset };
}

/** Arithmetic and conditional jumps: destination, then an immediate or a register, which chooses the row, then where to jump. */
function takeTwoForms(lexer: Lexer, output: Output, rows: readonly Row[]): Uint8Array {
  const dst = takeRegister(lexer);
  lexer.expect(",");
  const register = registerAhead(lexer);
  const row = rows.find(({ fields }) => fields.includes("src") === register);
  if (row === undefined) return lexer.fail("a register (%r0 to %r10)");
  const value = register ? { src: takeRegister(lexer) } : { imm: takeImm32(lexer, "a register or a number") };
  if (row.target === undefined) return wire(row.name, { dst, ...value });
  lexer.expect(",");
  return wire(row.name, { dst, ...value, offset: takeTarget(lexer, output, "offset") });
}

function takeWide(lexer: Lexer, output: Output): Uint8Array {
  const dst = takeRegister(lexer);
  lexer.expect(",");
  const reference = takeReference(lexer, output, dst);
  if (reference !== undefined) return reference;
  if (!numberAhead(lexer)) lexer.fail("a number, map[…], mapval[…] or func");
  return wireImm64(dst, takeImm64(lexer, "a number"));
}

/** `call %r2` is a call by register, which no kernel takes: its bytes, so that their refusal can be seen. */
function takeCallOrCallx(lexer: Lexer, output: Output): Uint8Array {
  return registerAhead(lexer) ? wireCallx(takeRegister(lexer)) : takeCall(lexer, output);
}

/** Operands by the form of the first row of a mnemonic. */
function takeOperands(lexer: Lexer, output: Output, rows: readonly Row[]): Uint8Array {
  const row = rows[0]!;
  switch (row.form) {
    case "":
      return wire(row.name);
    case "dst":
      return wire(row.name, { dst: takeRegister(lexer) });
    case "offset":
      return wire(row.name, { offset: takeTarget(lexer, output, "offset") });
    case "imm":
      return wire(row.name, { imm: takeTarget(lexer, output, "imm") });
    case "skb[imm]":
      return wire(row.name, { imm: takeImm32(lexer, "a byte offset") });
    case "skb[src+imm]": {
      const src = takeRegister(lexer);
      lexer.expect(",");
      return wire(row.name, { src, imm: takeImm32(lexer, "a byte offset") });
    }
    case "dst,[src+offset]": {
      const dst = takeRegister(lexer);
      lexer.expect(",");
      const { base, offset } = takeMemory(lexer);
      return wire(row.name, { dst, src: base, offset });
    }
    case "[dst+offset],imm":
    case "[dst+offset],src": {
      const { base, offset } = takeMemory(lexer);
      lexer.expect(",");
      const value =
        row.form === "[dst+offset],src" ? { src: takeRegister(lexer) } : { imm: takeImm32(lexer, "a number") };
      return wire(row.name, { dst: base, offset, ...value });
    }
    default:
      return takeTwoForms(lexer, output, rows);
  }
}

/** `lock [fetch] add`: the words of an atomic operation, as one mnemonic. */
function takeMnemonic(lexer: Lexer): string {
  let mnemonic = lexer.take().text;
  for (let word = "lock"; mnemonic.endsWith(word) && lexer.peek().kind === "name"; word = "fetch") {
    mnemonic += ` ${lexer.take().text}`;
  }
  return mnemonic;
}

/** Reads one statement of uBPF's syntax. */
export function takeUbpfStatement(lexer: Lexer, output: Output): Uint8Array {
  const { kind, text, at } = lexer.peek();
  if (kind !== "name") lexer.fail("an instruction");
  // The suite jumps to `exit` without a label of that name: it means the first exit.
  if (text === "exit") output.defaultLabel("exit");
  if (lexer.accept(".raw")) return takeRaw(lexer);
  if (lexer.accept("call")) return takeCallOrCallx(lexer, output);
  if (lexer.accept("lddw")) return takeWide(lexer, output);
  const mnemonic = takeMnemonic(lexer);
  const rows = MNEMONICS.get(mnemonic);
  if (rows === undefined) lexer.failAt("SYNTAX", `expected an instruction, found \`${mnemonic.slice(0, 24)}\``, at);
  return takeOperands(lexer, output, rows);
}
