import type { Form } from "./form.js";
import type { Memory, Operand } from "./operand.js";

const BYTE = ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"];
const WORD = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
const SUFFIX: Readonly<Record<number, string>> = { 8: "b", 16: "w", 32: "d", 64: "" };
const SIZE: Readonly<Record<number, string>> = { 8: "byte ", 16: "word ", 32: "dword ", 64: "qword " };
const IMPLICIT: ReadonlySet<string> = new Set(["cl", "eax", "rax", "1"]);

/** A register's name at a width of 8, 16, 32 or 64 bits: `r10d`, `sil`. */
export function registerName(register: number, width: number): string {
  if (register >= 8) return `r${register}${SUFFIX[width]}`;
  if (width === 8) return BYTE[register]!;
  return `${width === 16 ? "" : width === 32 ? "e" : "r"}${WORD[register]}`;
}

function hex(value: number | bigint): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

function formatMemory(memory: Memory): string {
  const { base, index, scale = 1, displacement = 0, segment, address32, label } = memory;
  const width = address32 ? 32 : 64;
  const parts: string[] = [];
  if (label !== undefined) parts.push(`rip+L${label}`);
  if (base !== undefined) parts.push(registerName(base, width));
  if (index !== undefined) parts.push(`${registerName(index, width)}${scale === 1 ? "" : `*${scale}`}`);
  let text = parts.join("+");
  if (text === "") text = hex(displacement);
  else if (displacement !== 0) text += displacement < 0 ? hex(displacement) : `+${hex(displacement)}`;
  return `${segment === undefined ? "" : `${segment}:`}[${text}]`;
}

function formatOperand(kind: string, operand: Operand): string {
  const width = Number(/\d+$/.exec(kind)?.[0] ?? 64);
  if (typeof operand === "object") return `${kind === "m" ? "" : SIZE[width]}${formatMemory(operand)}`;
  if (kind.startsWith("imm") || kind.startsWith("moffs")) return hex(operand);
  return registerName(Number(operand), width);
}

/** An instruction as text in Intel's syntax: `mov rax, qword [r12+rdi+0x8]`. */
export function formatInstruction(form: Form, operands: readonly Operand[]): string {
  const [, mnemonic = "", rest = ""] = /^((?:lock |rep )?\S+) ?(.*)$/.exec(form.name)!;
  if (rest === "") return mnemonic;
  let next = 0;
  const texts = rest.split(", ").map((kind) => (IMPLICIT.has(kind) ? kind : formatOperand(kind, operands[next++]!)));
  return `${mnemonic} ${texts.join(", ")}`;
}
