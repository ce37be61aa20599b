import { helperById } from "@bpfkit/abi";
import type { Code } from "./code.js";
import * as op from "./opcode.js";

/** Text of instructions as the kernel's log has it (Linux kernel/bpf/disasm.c). */

const ALU_SIGNS: readonly string[] = [
  "+=",
  "-=",
  "*=",
  "/=",
  "|=",
  "&=",
  "<<=",
  ">>=",
  "neg",
  "%=",
  "^=",
  "=",
  "s>>=",
  "endian",
  "",
  "",
];
const JUMP_SIGNS: readonly string[] = [
  "jmp",
  "==",
  ">",
  ">=",
  "&",
  "!=",
  "s>",
  "s>=",
  "call",
  "exit",
  "<",
  "<=",
  "s<",
  "s<=",
  "",
  "",
];
const SIZES: readonly string[] = ["u32", "u16", "u8", "u64"];
const SIGNED_SIZES: readonly string[] = ["s32", "s16", "s8", ""];
const CLASSES: readonly string[] = ["ld", "ldx", "st", "stx", "alu", "jmp", "jmp32", "alu64"];

/** The sign of an arithmetic operation, as messages print it. */
export const aluSign = (operation: number): string => ALU_SIGNS[(operation & 0xf0) >> 4]!;

/** A helper's name and number: `bpf_map_lookup_elem#1`, `unknown#9999`. */
export function helperName(id: number): string {
  const helper = helperById(id);
  return helper === undefined ? `unknown#${id}` : `bpf_${helper.name}#${id}`;
}

const signed = (value: number): string => (value < 0 ? `${value}` : `+${value}`);
const sizeOf = (opcode: number): string => SIZES[(opcode >> 3) & 3]!;
const hex2 = (value: number): string => value.toString(16).padStart(2, "0");

function aluText(code: Code, slot: number, opcode: number): string {
  const is64 = (opcode & 7) === op.CLASS_ALU64;
  const letter = is64 ? "r" : "w";
  const dst = code.dst[slot]!;
  const imm = code.imm[slot]!;
  const off = code.off[slot]!;
  const operation = opcode & 0xf0;
  if (operation === op.END) {
    const name = is64 ? "bswap" : (opcode & op.SOURCE_REGISTER) !== 0 ? "be" : "le";
    return `r${dst} = ${name}${imm} r${dst}`;
  }
  if (operation === op.NEG) return `${letter}${dst} = -${letter}${dst}`;
  const isSigned = off === 1 && (operation === op.DIV || operation === op.MOD);
  const sign = isSigned ? `s${aluSign(operation)}` : aluSign(operation);
  if ((opcode & op.SOURCE_REGISTER) === 0) return `${letter}${dst} ${sign} ${imm}`;
  const extend = operation === op.MOV && (off === 8 || off === 16 || off === 32) ? `(s${off})` : "";
  return `${letter}${dst} ${sign} ${extend}${letter}${code.src[slot]}`;
}

const ATOMIC_NAMES: Readonly<Record<number, string>> = {
  [op.ADD]: "add",
  [op.AND]: "and",
  [op.OR]: "or",
  [op.XOR]: "xor",
};

function atomicText(code: Code, slot: number, opcode: number): string {
  const imm = code.imm[slot]!;
  const size = sizeOf(opcode);
  const width = size === "u64" ? "64" : "";
  const src = code.src[slot];
  const memory = (base: number): string => `(${size} *)(r${base} ${signed(code.off[slot]!)})`;
  const target = memory(code.dst[slot]!);
  if (ATOMIC_NAMES[imm] !== undefined) return `lock *${target} ${aluSign(imm)} r${src}`;
  const fetched = (imm & op.ATOMIC_FETCH) !== 0 ? ATOMIC_NAMES[imm & ~op.ATOMIC_FETCH] : undefined;
  if (fetched !== undefined) return `r${src} = atomic${width}_fetch_${fetched}(${target}, r${src})`;
  switch (imm) {
    case op.ATOMIC_CMPXCHG:
      return `r0 = atomic${width}_cmpxchg(${target}, r0, r${src})`;
    case op.ATOMIC_XCHG:
      return `r${src} = atomic${width}_xchg(${target}, r${src})`;
    case op.ATOMIC_LOAD_ACQUIRE:
      return `r${code.dst[slot]} = load_acquire(${memory(code.src[slot]!)})`;
    case op.ATOMIC_STORE_RELEASE:
      return `store_release(${target}, r${src})`;
    default:
      return `BUG_${hex2(opcode)}`;
  }
}

function storeText(code: Code, slot: number, opcode: number): string {
  const mode = opcode & 0xe0;
  const target = `*(${sizeOf(opcode)} *)(r${code.dst[slot]} ${signed(code.off[slot]!)})`;
  if ((opcode & 7) === op.CLASS_ST)
    return mode === op.MODE_MEM ? `${target} = ${code.imm[slot]}` : `BUG_st_${hex2(opcode)}`;
  return mode === op.MODE_MEM ? `${target} = r${code.src[slot]}` : atomicText(code, slot, opcode);
}

function loadText(code: Code, slot: number, opcode: number): string {
  const mode = opcode & 0xe0;
  if ((opcode & 7) === op.CLASS_LDX) {
    const sizes = mode === op.MODE_MEMSX ? SIGNED_SIZES : SIZES;
    return `r${code.dst[slot]} = *(${sizes[(opcode >> 3) & 3]} *)(r${code.src[slot]} ${signed(code.off[slot]!)})`;
  }
  if (mode === op.MODE_ABS) return `r0 = *(${sizeOf(opcode)} *)skb[${code.imm[slot]}]`;
  if (mode === op.MODE_IND) return `r0 = *(${sizeOf(opcode)} *)skb[r${code.src[slot]} + ${code.imm[slot]}]`;
  const high = BigInt(code.imm[slot + 1] ?? 0);
  const value = BigInt.asUintN(64, (high << 32n) | BigInt(code.imm[slot]! >>> 0));
  return `r${code.dst[slot]} = 0x${value.toString(16)}`;
}

function jumpText(code: Code, slot: number, opcode: number): string {
  const off = code.off[slot]!;
  const imm = code.imm[slot]!;
  switch (opcode & 0xf0) {
    case op.CALL:
      if (code.src[slot] === op.CALL_SUBPROGRAM) return `call pc${signed(imm)}`;
      // The kernel adds the function's BTF id, which is another in each of its builds.
      if (code.src[slot] === op.CALL_KFUNC) return `call ${code.kfuncs.get(slot)?.name ?? `kernel-function#${imm}`}`;
      return `call ${helperName(imm)}`;
    case op.EXIT:
      return "exit";
    case op.JA:
      return opcode === op.JA32_OPCODE ? `gotol pc${signed(imm)}` : `goto pc${signed(off)}`;
    case op.JCOND:
      return `may_goto pc${signed(off)}`;
  }
  const letter = (opcode & 7) === op.CLASS_JMP32 ? "w" : "r";
  const sign = JUMP_SIGNS[(opcode & 0xf0) >> 4];
  const right = (opcode & op.SOURCE_REGISTER) !== 0 ? `${letter}${code.src[slot]}` : `0x${(imm >>> 0).toString(16)}`;
  return `if ${letter}${code.dst[slot]} ${sign} ${right} goto pc${signed(off)}`;
}

/** One instruction: `(b7) r0 = 0`. `mapAddress` stands for a map, whose address is the kernel's own. */
export function instructionText(code: Code, slot: number): string {
  const opcode = code.opcode[slot]!;
  const head = `(${hex2(opcode)})`;
  switch (opcode & 7) {
    case op.CLASS_ALU:
    case op.CLASS_ALU64:
      return `${head} ${aluText(code, slot, opcode)}`;
    case op.CLASS_ST:
    case op.CLASS_STX:
      return `${head} ${storeText(code, slot, opcode)}`;
    case op.CLASS_LD:
    case op.CLASS_LDX:
      return `${head} ${loadText(code, slot, opcode)}`;
    case op.CLASS_JMP:
    case op.CLASS_JMP32:
      return `${head} ${jumpText(code, slot, opcode)}`;
    default:
      return `${head} ${CLASSES[opcode & 7]}`;
  }
}
