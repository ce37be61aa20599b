import type { Lexer, Token } from "./lexer.js";
import type { Output } from "./output.js";

const INTEGER = /^(?:0[xX][0-9a-fA-F]{1,16}|\d{1,20})$/;

/** Takes an integer with an optional sign. */
function takeInteger(lexer: Lexer, expected: string): { value: bigint; at: number } {
  const { at } = lexer.peek();
  const negative = lexer.accept("-");
  if (!negative) lexer.accept("+");
  const { kind, text } = lexer.peek();
  if (kind !== "number" || !INTEGER.test(text)) lexer.fail(expected);
  lexer.take();
  return { value: negative ? -BigInt(text) : BigInt(text), at };
}

function inRange(lexer: Lexer, { value, at }: { value: bigint; at: number }, min: bigint, max: bigint): void {
  if (value >= min && value <= max) return;
  lexer.failAt("OUT_OF_RANGE", `${value} is out of range, expected ${min} to ${max}`, at);
}

/** A 64-bit immediate, signed or unsigned. */
export function takeImm64(lexer: Lexer, expected: string): bigint {
  const integer = takeInteger(lexer, expected);
  inRange(lexer, integer, -(1n << 63n), (1n << 64n) - 1n);
  return integer.value;
}

/** A 32-bit immediate, signed or unsigned; becomes signed, as the wire has it. */
export function takeImm32(lexer: Lexer, expected: string): number {
  const integer = takeInteger(lexer, expected);
  inRange(lexer, integer, -(1n << 31n), (1n << 32n) - 1n);
  return Number(BigInt.asIntN(32, integer.value));
}

/** A signed distance or displacement of so many bits, as the field that holds it. */
export function takeSigned(lexer: Lexer, bits: 16 | 32, expected: string): number {
  const integer = takeInteger(lexer, expected);
  const limit = 1n << BigInt(bits - 1);
  inRange(lexer, integer, -limit, limit - 1n);
  return Number(integer.value);
}

const isSign = ({ kind, text }: Token): boolean => kind === "symbol" && (text === "+" || text === "-");

/** Whether a number follows, with a sign or not. */
export function numberAhead(lexer: Lexer): boolean {
  const token = lexer.peek();
  return token.kind === "number" || isSign(token);
}

/** A displacement that may be left out: `+ 4`, `- 8`, nothing. */
export function takeDisplacement(lexer: Lexer, bits: 16 | 32): number {
  return isSign(lexer.peek()) ? takeSigned(lexer, bits, "an offset") : 0;
}

const TARGET_BITS = { offset: 16, imm: 32 } as const;

/**
 * Where a jump or local call goes: a label, `+5`, or `pc+5` as the kernel prints it. Gives the distance; for a label 0, which
 * `output` fills in later.
 */
export function takeTarget(lexer: Lexer, output: Output, field: "offset" | "imm"): number {
  const expected = "a label or a distance in slots such as `+5`";
  if (isSign(lexer.peek())) return takeSigned(lexer, TARGET_BITS[field], expected);
  const { kind, text, at } = lexer.peek();
  if (kind !== "name") lexer.fail(expected);
  lexer.take();
  if (text === "pc" && isSign(lexer.peek())) return takeSigned(lexer, TARGET_BITS[field], expected);
  output.await(field, text, at, "label");
  return 0;
}

/** Slots as hex digits, valid or not, behind `.raw`. */
export function takeRaw(lexer: Lexer): Uint8Array {
  const { at } = lexer.peek();
  let digits = "";
  while (lexer.peek().kind === "name" || lexer.peek().kind === "number") digits += lexer.take().text;
  if (!/^[0-9a-fA-F]+$/.test(digits) || digits.length % 16 !== 0) {
    lexer.failAt("SYNTAX", "expected slots of 16 hex digits each after `.raw`", at);
  }
  return Uint8Array.from({ length: digits.length / 2 }, (_, byte) =>
    Number.parseInt(digits.slice(byte * 2, byte * 2 + 2), 16),
  );
}
