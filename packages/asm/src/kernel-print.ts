import type { Instruction, Row } from "@bpfkit/isa";
import type { Names } from "./names.js";
import { ASSIGNMENTS, ATOMIC_ASSIGNMENTS, CONDITIONS, FETCHES } from "./operation.js";
import { imm64Text, referenceText, signed } from "./reference-print.js";

/** `(r1 + 4)` without its parentheses. */
function address(base: number, offset: number): string {
  return `r${base} ${offset < 0 ? "-" : "+"} ${Math.abs(offset)}`;
}

/** The source operand: a register as wide as the operation, or the immediate. */
function source({ width, fields }: Row, { src, imm }: Instruction): string {
  return fields.includes("src") ? `${width === 32 ? "w" : "r"}${src}` : `${imm}`;
}

function jumpTarget(row: Row, instruction: Instruction, { label }: Names): string {
  const distance = instruction[row.target!];
  return label(distance) ?? signed(distance);
}

function callText({ name }: Row, { imm, offset }: Instruction, names: Names): string {
  if (name === "call") return `call ${names.helper(imm) ?? imm >>> 0}`;
  if (name === "callLocal") return `call ${names.label(imm) ?? `pc${signed(imm)}`}`;
  if (names.reference?.kind === "extern") return `call kfunc ${names.reference.symbol}`;
  return `call kfunc ${imm}${offset === 0 ? "" : `, ${offset}`}`;
}

/** Atomics as LLVM writes them: registers of 32-bit operations are `w`. */
function atomicText({ operation, width }: Row, { dst, src, offset }: Instruction): string {
  const letter = width === 64 ? "r" : "w";
  const at = address(dst, offset);
  const fetch = FETCHES.get(operation);
  if (fetch !== undefined) return `${letter}${src} = atomic_fetch_${fetch}((u${width} *)(${at}), ${letter}${src})`;
  const suffix = width === 64 ? "_64" : "32_32";
  if (operation === "xchg") return `${letter}${src} = xchg${suffix}(${at}, ${letter}${src})`;
  if (operation === "cmpxchg") return `${letter}0 = cmpxchg${suffix}(${at}, ${letter}0, ${letter}${src})`;
  return `lock *(u${width} *)(${at}) ${ATOMIC_ASSIGNMENTS.get(operation)} ${letter}${src}`;
}

function wideText(row: Row, instruction: Instruction, names: Names): string {
  return `r${instruction.dst} = ${referenceText(row, instruction, names) ?? `${imm64Text(instruction)} ll`}`;
}

/** What moves between registers and memory. */
function memoryText(row: Row, instruction: Instruction): string | undefined {
  const { operation, width } = row;
  const { dst, src, offset, imm } = instruction;
  const letter = width === 64 ? "r" : "w";
  switch (operation) {
    case "load":
      return `r${dst} = *(u${width} *)(${address(src, offset)})`;
    case "loadSigned":
      return `r${dst} = *(s${width} *)(${address(src, offset)})`;
    case "store":
      return `*(u${width} *)(${address(dst, offset)}) = ${row.fields.includes("src") ? `r${src}` : imm}`;
    case "loadAcquire":
      return `${letter}${dst} = load_acquire((u${width} *)(${address(src, offset)}))`;
    case "storeRelease":
      return `store_release((u${width} *)(${address(dst, offset)}), ${letter}${src})`;
    case "loadPacket":
      return `r0 = *(u${width} *)skb[${row.form === "skb[imm]" ? imm : `${address(src, imm)}`}]`;
    default:
      return undefined;
  }
}

/** What computes within registers. */
function arithmeticText(row: Row, instruction: Instruction): string | undefined {
  const { operation, width, from, select } = row;
  const letter = width === 32 ? "w" : "r";
  const dst = `${letter}${instruction.dst}`;
  switch (operation) {
    case "neg":
      return `${dst} = -${dst}`;
    case "movsx":
      return `${dst} = (s${from})${letter}${instruction.src}`;
    case "le":
    case "be":
    case "bswap":
      return `r${instruction.dst} = ${operation}${width} r${instruction.dst}`;
    case "addrSpaceCast":
      return `${dst} = addr_space_cast(r${instruction.src}, ${select.imm! >>> 16}, ${select.imm! & 0xffff})`;
    default: {
      const assignment = ASSIGNMENTS.get(operation);
      return assignment === undefined ? undefined : `${dst} ${assignment} ${source(row, instruction)}`;
    }
  }
}

/** One instruction in the kernel's syntax. */
export function kernelText(row: Row, instruction: Instruction, names: Names): string {
  const condition = CONDITIONS.get(row.operation);
  if (condition !== undefined) {
    const dst = `${row.width === 32 ? "w" : "r"}${instruction.dst}`;
    return `if ${dst} ${condition} ${source(row, instruction)} goto ${jumpTarget(row, instruction, names)}`;
  }
  switch (row.operation) {
    case "exit":
      return "exit";
    case "ja":
      return `${row.target === "imm" ? "gotol" : "goto"} ${jumpTarget(row, instruction, names)}`;
    case "mayGoto":
      return `may_goto ${jumpTarget(row, instruction, names)}`;
    case "call":
      return callText(row, instruction, names);
    case "lddw":
      return wideText(row, instruction, names);
    default:
      return memoryText(row, instruction) ?? arithmeticText(row, instruction) ?? atomicText(row, instruction);
  }
}
