import type { Instruction, Row } from "@bpfkit/isa";

/*
 * RFC 9669 once more, in bigints and as plainly as it can be said: what one instruction does to registers and memory.
 * Nothing of it is taken from an engine, so that engines can be held against it. Calls and exits are not in it.
 */

/** What an instruction can see. Memory is one readable and writable piece; everything around it is invalid. */
export interface ModelState {
  /** r0–r10, unsigned 64 bits. */
  readonly registers: bigint[];
  readonly memory: Uint8Array;
  /** Guest address of `memory`. */
  readonly base: bigint;
}

/** What became of an instruction: on to the next, a jump that was taken, or the access that failed. */
export type ModelOutcome = "next" | "taken" | "read fault" | "write fault";

const unsigned = (bits: number, value: bigint): bigint => BigInt.asUintN(bits, value);
const signed = (bits: number, value: bigint): bigint => BigInt.asIntN(bits, value);
/** Zero where the divisor is: `otherwise` (§4.1). */
const unlessZero = (divisor: bigint, otherwise: bigint, result: () => bigint): bigint =>
  divisor === 0n ? otherwise : result();

/** §4.1: `a` is the destination, `b` the source; both unsigned, of `bits`. The result is cut to `bits`. */
const ARITHMETIC: Readonly<Record<string, (a: bigint, b: bigint, bits: number) => bigint>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => unlessZero(b, 0n, () => a / b),
  mod: (a, b) => unlessZero(b, a, () => a % b),
  sdiv: (a, b, bits) => unlessZero(b, 0n, () => signed(bits, a) / signed(bits, b)),
  smod: (a, b, bits) => unlessZero(b, a, () => signed(bits, a) % signed(bits, b)),
  or: (a, b) => a | b,
  and: (a, b) => a & b,
  xor: (a, b) => a ^ b,
  lsh: (a, b, bits) => a << (b & BigInt(bits - 1)),
  rsh: (a, b, bits) => a >> (b & BigInt(bits - 1)),
  arsh: (a, b, bits) => signed(bits, a) >> (b & BigInt(bits - 1)),
  mov: (_, b) => b,
  neg: (a) => -a,
};

/** §4.3. */
const JUMPS: Readonly<Record<string, (a: bigint, b: bigint, bits: number) => boolean>> = {
  jeq: (a, b) => a === b,
  jne: (a, b) => a !== b,
  jset: (a, b) => (a & b) !== 0n,
  jgt: (a, b) => a > b,
  jge: (a, b) => a >= b,
  jlt: (a, b) => a < b,
  jle: (a, b) => a <= b,
  jsgt: (a, b, bits) => signed(bits, a) > signed(bits, b),
  jsge: (a, b, bits) => signed(bits, a) >= signed(bits, b),
  jslt: (a, b, bits) => signed(bits, a) < signed(bits, b),
  jsle: (a, b, bits) => signed(bits, a) <= signed(bits, b),
};

/** §5.3: what memory becomes, from what it was and the source. */
const ATOMICS: Readonly<Record<string, (old: bigint, source: bigint) => bigint>> = {
  atomicAdd: (old, source) => old + source,
  atomicOr: (old, source) => old | source,
  atomicAnd: (old, source) => old & source,
  atomicXor: (old, source) => old ^ source,
  atomicFetchAdd: (old, source) => old + source,
  atomicFetchOr: (old, source) => old | source,
  atomicFetchAnd: (old, source) => old & source,
  atomicFetchXor: (old, source) => old ^ source,
  xchg: (_, source) => source,
};

function reverseBytes(value: bigint, bits: number): bigint {
  let result = 0n;
  for (let bit = 0n; bit < bits; bit += 8n) result = (result << 8n) | ((value >> bit) & 0xffn);
  return result;
}

/** Carries out one instruction on a state; jumps only say whether they are taken. */
export function modelStep(row: Row, instruction: Instruction, state: ModelState): ModelOutcome {
  const { registers } = state;
  const { operation, width = 64, from = 64, fields } = row;
  const { dst, src, imm } = instruction;
  const source = fields.includes("src") ? registers[src]! : BigInt(imm);
  const set = (register: number, value: bigint, bits: number = width): void => {
    registers[register] = unsigned(bits, value);
  };
  if (operation in ARITHMETIC) {
    set(dst, ARITHMETIC[operation]!(unsigned(width, registers[dst]!), unsigned(width, source), width));
  } else if (operation in JUMPS) {
    return JUMPS[operation]!(unsigned(width, registers[dst]!), unsigned(width, source), width) ? "taken" : "next";
  } else if (operation === "movsx") set(dst, signed(from, source));
  else if (operation === "le") set(dst, registers[dst]!);
  else if (operation === "be" || operation === "bswap") set(dst, reverseBytes(registers[dst]!, width));
  else if (operation === "ja") return "taken";
  else if (operation === "lddw") set(dst, (BigInt(instruction.nextImm!) << 32n) | unsigned(32, BigInt(imm)));
  else return access(row, instruction, state, source);
  return "next";
}

/** Loads, stores and atomics (§5). */
function access(row: Row, instruction: Instruction, state: ModelState, source: bigint): ModelOutcome {
  const { registers, memory, base } = state;
  const { operation, width = 64, form } = row;
  const { dst, src, offset } = instruction;
  const reads = form === "dst,[src+offset]";
  const at = Number(unsigned(64, registers[reads ? src : dst]! + BigInt(offset)) - base);
  const size = width / 8;
  if (at < 0 || at + size > memory.length) return reads ? "read fault" : "write fault";
  const bytes = memory.subarray(at, at + size);
  const old = bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  const store = (value: bigint): void => {
    bytes.forEach((_, index) => {
      bytes[index] = Number((value >> BigInt(8 * index)) & 0xffn);
    });
  };
  if (operation === "load" || operation === "loadAcquire") registers[dst] = old;
  else if (operation === "loadSigned") registers[dst] = unsigned(64, signed(width, old));
  else if (operation === "store" || operation === "storeRelease") store(source);
  else if (operation === "cmpxchg") {
    if (unsigned(width, registers[0]!) === old) store(source);
    registers[0] = old;
  } else {
    store(ATOMICS[operation]!(old, unsigned(width, source)));
    if (operation.startsWith("atomicFetch") || operation === "xchg") registers[src] = old;
  }
  return "next";
}
