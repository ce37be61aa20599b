import type { Instruction, Row } from "@bpfkit/isa";
import type { Names } from "./names.js";
import { imm64Text, referenceText, signed } from "./reference-print.js";
import { ubpfMnemonic } from "./ubpf-name.js";

function memory(base: number, offset: number): string {
  return `[%r${base}${offset === 0 ? "" : signed(offset)}]`;
}

function callText({ name }: Row, { imm, offset }: Instruction, names: Names): string {
  if (name === "call") return `call ${names.helper(imm) ?? imm >>> 0}`;
  if (name === "callLocal") return `call local ${names.label(imm) ?? signed(imm)}`;
  if (names.reference?.kind === "extern") return `call runtime ${names.reference.symbol}`;
  return `call runtime ${imm}${offset === 0 ? "" : `, ${offset}`}`;
}

/** The operands of a form, as text. */
function operands(row: Row, instruction: Instruction, names: Names): string[] {
  const { dst, src, offset, imm } = instruction;
  const target = (): string => names.label(instruction[row.target!]) ?? signed(instruction[row.target!]);
  switch (row.form) {
    case "dst":
      return [`%r${dst}`];
    case "dst,imm":
      return [`%r${dst}`, `${imm}`];
    case "dst,src":
      return [`%r${dst}`, `%r${src}`];
    case "dst,imm,offset":
      return [`%r${dst}`, `${imm}`, target()];
    case "dst,src,offset":
      return [`%r${dst}`, `%r${src}`, target()];
    case "offset":
    case "imm":
      return [target()];
    case "dst,[src+offset]":
      return [`%r${dst}`, memory(src, offset)];
    case "[dst+offset],imm":
      return [memory(dst, offset), `${imm}`];
    case "[dst+offset],src":
      return [memory(dst, offset), `%r${src}`];
    case "skb[imm]":
      return [`${imm}`];
    case "skb[src+imm]":
      return [`%r${src}`, `${imm}`];
    case "":
    case "helper":
    case "kfunc":
      return [];
    default:
      return [`%r${dst}`, referenceText(row, instruction, names) ?? imm64Text(instruction)];
  }
}

/** One instruction in uBPF's syntax. */
export function ubpfText(row: Row, instruction: Instruction, names: Names): string {
  if (row.operation === "call") return callText(row, instruction, names);
  return `${ubpfMnemonic(row)} ${operands(row, instruction, names).join(", ")}`.trim();
}
