import type { Lexer } from "./lexer.js";
import { takeDisplacement } from "./operand.js";

export interface Register {
  readonly number: number;
  /** `w` registers are the low 32 bits of `r` registers. */
  readonly width: 32 | 64;
  /** Where it stands in the text. */
  readonly at: number;
}

/** What a pointer or cast names: `u8` to `u64`, `s8` to `s32`. */
export interface Size {
  readonly bits: number;
  readonly signed: boolean;
}

export interface Memory {
  readonly base: number;
  readonly offset: number;
}

const REGISTER = /^([rw])(\d|10)$/;

export const UNSIGNED: readonly string[] = ["u8", "u16", "u32", "u64"];
export const SIGNED: readonly string[] = ["s8", "s16", "s32"];
export const ATOMIC: readonly string[] = ["u32", "u64"];

export function registerAhead(lexer: Lexer): boolean {
  return lexer.peek().kind === "name" && REGISTER.test(lexer.peek().text);
}

/** A register, of a certain width where one is asked for. */
export function takeRegister(lexer: Lexer, width?: 32 | 64): Register {
  const [, letter, digits] = REGISTER.exec(lexer.peek().text) ?? [];
  const found = letter === "w" ? 32 : 64;
  if (digits === undefined || (width ?? found) !== found) {
    const range = width === 32 ? "w0 to w10" : width === 64 ? "r0 to r10" : "r0 to r10, w0 to w10";
    lexer.fail(`a register (${range})`);
  }
  const { at } = lexer.take();
  return { number: Number(digits), width: found, at };
}

/** The register an instruction names twice. */
export function expectSame(lexer: Lexer, { number, width }: Register): void {
  lexer.expect(`${width === 32 ? "w" : "r"}${number}`);
}

/** The value of a memory access: `w` registers are as good as `r` for up to 32 bits. */
export function takeValueRegister(lexer: Lexer, bits: number): number {
  return takeRegister(lexer, bits === 64 ? 64 : undefined).number;
}

/** One of some sizes. */
export function takeSize(lexer: Lexer, sizes: readonly string[]): Size {
  const { text } = lexer.peek();
  if (!sizes.includes(text)) lexer.fail(`one of ${sizes.join(" ")}`);
  lexer.take();
  return { bits: Number(text.slice(1)), signed: text.startsWith("s") };
}

/** `(u32 *)`. */
export function takePointer(lexer: Lexer, sizes: readonly string[]): Size {
  lexer.expect("(");
  const size = takeSize(lexer, sizes);
  lexer.expect("*");
  lexer.expect(")");
  return size;
}

/** `r1 + 4`. */
export function takeAddress(lexer: Lexer): Memory {
  const base = takeRegister(lexer, 64).number;
  return { base, offset: takeDisplacement(lexer, 16) };
}

/** `(r1 + 4)`. */
export function takeMemory(lexer: Lexer): Memory {
  lexer.expect("(");
  const memory = takeAddress(lexer);
  lexer.expect(")");
  return memory;
}
