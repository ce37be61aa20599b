import { type Instruction, imm64, type Row } from "@bpfkit/isa";
import type { Names } from "./names.js";

/** The operand of a 64-bit load that both syntaxes write alike; undefined for a plain number. */
export function referenceText(row: Row, instruction: Instruction, { reference, label }: Names): string | undefined {
  const { imm, nextImm = 0 } = instruction;
  const map = reference?.kind === "map" || reference?.kind === "mapValue" ? bracketed(reference.map) : undefined;
  switch (row.name) {
    case "lddwMap":
      return `map[${map ?? imm >>> 0}]`;
    case "lddwMapValue":
      return `mapval[${map ?? imm >>> 0}]${displacement(reference?.kind === "mapValue" ? reference.offset : nextImm)}`;
    case "lddwMapIndex":
      return `map_by_idx(${imm})`;
    case "lddwMapIndexValue":
      return `map_val(map_by_idx(${imm}))${displacement(nextImm)}`;
    case "lddwVariable":
      if (reference?.kind === "extern") return `var_addr(${reference.symbol})`;
      return `var_addr(${imm}${nextImm === 0 ? "" : `, ${nextImm}`})`;
    case "lddwCode":
      return `func ${label(imm) ?? signed(imm)}`;
    default:
      return undefined;
  }
}

/** A map's name where text can hold it. */
function bracketed(name: string): string | undefined {
  return /^[^\]\n]+$/.test(name) && name.trim() === name ? name : undefined;
}

function displacement(offset: number): string {
  return offset === 0 ? "" : offset < 0 ? ` - ${-offset}` : ` + ${offset}`;
}

/** A 64-bit number as both syntaxes write it. */
export function imm64Text(instruction: Instruction): string {
  return `0x${imm64(instruction).toString(16)}`;
}

/** A distance with its sign: `+5`, `-2`. */
export function signed(value: number): string {
  return value < 0 ? `${value}` : `+${value}`;
}
