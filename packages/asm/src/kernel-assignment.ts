import { type Operation, ROW, ROWS } from "@bpfkit/isa";
import { takeAtomicResult } from "./kernel-atomic.js";
import {
  expectSame,
  type Register,
  registerAhead,
  SIGNED,
  takeMemory,
  takePointer,
  takeRegister,
  takeSize,
  UNSIGNED,
} from "./kernel-operand.js";
import type { Lexer } from "./lexer.js";
import { numberAhead, takeDisplacement, takeImm32, takeImm64 } from "./operand.js";
import { ASSIGNMENTS, inverse, rowFor } from "./operation.js";
import type { Output } from "./output.js";
import { takeReference } from "./reference.js";
import { wire, wireImm64 } from "./wire.js";

const OPERATIONS: ReadonlyMap<string, Operation> = inverse(ASSIGNMENTS);

/** Reads a statement that begins with a register. */
export function takeAssignment(lexer: Lexer, output: Output): Uint8Array {
  const dst = takeRegister(lexer);
  const { kind, text } = lexer.peek();
  const operation = kind === "symbol" ? OPERATIONS.get(text) : undefined;
  if (operation === undefined) lexer.fail(`one of ${[...OPERATIONS.keys()].join(" ")}`);
  lexer.take();
  if (registerAhead(lexer)) {
    const src = takeRegister(lexer, dst.width).number;
    return wire(rowFor(operation, dst.width, "dst,src"), { dst: dst.number, src });
  }
  if (operation === "mov") return takeMove(lexer, output, dst);
  const imm = takeImm32(lexer, "a register or a number");
  return wire(rowFor(operation, dst.width, "dst,imm"), { dst: dst.number, imm });
}

/** What stands behind `=` and is no register. */
function takeMove(lexer: Lexer, output: Output, dst: Register): Uint8Array {
  if (lexer.negationAhead()) return takeNegation(lexer, dst);
  if (numberAhead(lexer)) return takeNumber(lexer, dst);
  if (lexer.accept("*")) return takeLoad(lexer, dst);
  if (lexer.accept("(")) return takeSignExtension(lexer, dst);
  const found =
    takeAtomicResult(lexer, dst) ??
    (dst.width === 64
      ? (takeSwap(lexer, dst) ?? takeCast(lexer, dst) ?? takeReference(lexer, output, dst.number))
      : undefined);
  return found ?? lexer.fail("a register, a number or a load");
}

/** `5`, `-5`, `5 ll`. */
function takeNumber(lexer: Lexer, dst: Register): Uint8Array {
  if (dst.width === 32) return wire("mov32Imm", { dst: dst.number, imm: takeImm32(lexer, "a number") });
  const { at } = lexer.peek();
  const value = takeImm64(lexer, "a number");
  if (lexer.accept("ll")) return wireImm64(dst.number, value);
  if (value < -(1n << 31n) || value >= 1n << 32n) {
    lexer.failAt("OUT_OF_RANGE", `${value} does not fit 32 bits, expected \`ll\` after it for a 64-bit load`, at);
  }
  return wire("mov64Imm", { dst: dst.number, imm: Number(BigInt.asIntN(32, value)) });
}

/** `-r1`. */
function takeNegation(lexer: Lexer, dst: Register): Uint8Array {
  lexer.expect("-");
  expectSame(lexer, dst);
  return wire(rowFor("neg", dst.width, "dst"), { dst: dst.number });
}

/** `(u32 *)(r1 + 4)`, `(u8 *)skb[r6 + 14]`. */
function takeLoad(lexer: Lexer, dst: Register): Uint8Array {
  const { bits, signed } = takePointer(lexer, [...UNSIGNED, ...SIGNED]);
  if (lexer.accept("skb")) return takePacketLoad(lexer, dst, signed || bits === 64 ? undefined : bits);
  if (dst.width === 32 && (signed || bits === 64)) {
    lexer.failAt("SYNTAX", `expected r${dst.number}, a load that fills 64 bits does not go to w${dst.number}`, dst.at);
  }
  const { base, offset } = takeMemory(lexer);
  const row = rowFor(signed ? "loadSigned" : "load", bits, "dst,[src+offset]");
  return wire(row, { dst: dst.number, src: base, offset });
}

function takePacketLoad(lexer: Lexer, dst: Register, bits: number | undefined): Uint8Array {
  if (bits === undefined) lexer.failAt("SYNTAX", "expected u8, u16 or u32 for a packet load", dst.at);
  if (dst.number !== 0) lexer.failAt("SYNTAX", `expected r0, a packet load does not go to r${dst.number}`, dst.at);
  lexer.expect("[");
  const src = registerAhead(lexer) ? takeRegister(lexer, 64).number : undefined;
  const imm = src === undefined ? takeImm32(lexer, "a register or a byte offset") : takeDisplacement(lexer, 32);
  lexer.expect("]");
  if (src === undefined) return wire(rowFor("loadPacket", bits, "skb[imm]"), { imm });
  return wire(rowFor("loadPacket", bits, "skb[src+imm]"), { src, imm });
}

/** `s8)r2`, behind its parenthesis. */
function takeSignExtension(lexer: Lexer, dst: Register): Uint8Array {
  const { bits } = takeSize(lexer, dst.width === 64 ? SIGNED : SIGNED.slice(0, 2));
  lexer.expect(")");
  const src = takeRegister(lexer, dst.width).number;
  const row = ROWS.find(({ operation, width, from }) => operation === "movsx" && width === dst.width && from === bits);
  return wire(row!.name, { dst: dst.number, src });
}

/** `be16 r1`. */
function takeSwap(lexer: Lexer, dst: Register): Uint8Array | undefined {
  const [, operation, bits] = /^(le|be|bswap)(16|32|64)$/.exec(lexer.peek().text) ?? [];
  if (operation === undefined) return undefined;
  lexer.take();
  expectSame(lexer, dst);
  return wire(rowFor(operation as Operation, Number(bits), "dst"), { dst: dst.number });
}

/** `addr_space_cast(r1, 0, 1)`: to address space 0 from 1, or to 1 from 0 (arenas). */
function takeCast(lexer: Lexer, dst: Register): Uint8Array | undefined {
  if (!lexer.accept("addr_space_cast")) return undefined;
  lexer.expect("(");
  const src = takeRegister(lexer, 64).number;
  lexer.expect(",");
  const { at } = lexer.peek();
  const to = takeImm32(lexer, "an address space");
  lexer.expect(",");
  const from = takeImm32(lexer, "an address space");
  lexer.expect(")");
  const row = [ROW.addrSpaceCastKernel, ROW.addrSpaceCastUser].find(({ select }) => select.imm === ((to << 16) | from));
  if (row === undefined) lexer.failAt("SYNTAX", "expected a cast to address space 0 from 1 or to 1 from 0", at);
  return wire(row.name, { dst: dst.number, src });
}
