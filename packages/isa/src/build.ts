import { checkedRow } from "./codec.js";
import { IsaError } from "./error.js";
import type { Instruction } from "./instruction.js";
import { type Form, type InstructionName, ROWS, type Row } from "./row.js";
import type { TABLE } from "./table.js";

/** A register number, r0 to r10. */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

/** What a builder of each form takes: the form's fields, in the order of `Row.fields`. Jumps count in slots, memory in bytes. */
interface Operands extends Record<Form, readonly (number | bigint)[]> {
  "": [];
  dst: [dst: Register];
  "dst,imm": [dst: Register, imm: number];
  "dst,src": [dst: Register, src: Register];
  "dst,[src+offset]": [dst: Register, src: Register, offset: number];
  "[dst+offset],imm": [dst: Register, offset: number, imm: number];
  "[dst+offset],src": [dst: Register, offset: number, src: Register];
  offset: [distance: number];
  imm: [distance: number];
  "dst,imm,offset": [dst: Register, imm: number, distance: number];
  "dst,src,offset": [dst: Register, src: Register, distance: number];
  helper: [id: number];
  kfunc: [btfId: number, fdIndex: number];
  "dst,imm64": [dst: Register, value: bigint];
  "dst,map": [dst: Register, map: number];
  "dst,map+nextImm": [dst: Register, map: number, offset: number];
  "dst,variable": [dst: Register, btfId: number, btfFd: number];
  "dst,code": [dst: Register, distance: number];
  "skb[imm]": [offset: number];
  "skb[src+imm]": [src: Register, offset: number];
}

/** Makes an instruction of one row. @throws {IsaError} `BAD_OPERAND` or `BAD_REGISTER`, at the call. */
export type Builder<Name extends InstructionName> = (
  ...operands: Operands[(typeof TABLE)[Name]["form"]]
) => Instruction;

type Base<Suffix extends string> = InstructionName extends infer Name extends InstructionName
  ? Name extends `${infer Prefix}${Suffix}`
    ? Prefix
    : never
  : never;

type Paired = {
  readonly [Prefix in Base<"Imm">]: {
    readonly imm: Builder<`${Prefix}Imm` & InstructionName>;
    readonly reg: Builder<`${Prefix}Reg` & InstructionName>;
  };
};

interface Bits {
  B: 8;
  H: 16;
  W: 32;
  Dw: 64;
}

type Sized<Prefix extends string, Sign extends "u" | "s" = "u"> = {
  readonly [Size in keyof Bits as `${Prefix}${Size}` extends InstructionName ? `${Sign}${Bits[Size]}` : never]: Builder<
    `${Prefix}${Size}` & InstructionName
  >;
};

interface AllSized {
  readonly ldx: Sized<"ldx"> & Sized<"ldxs", "s">;
  readonly st: Sized<"st">;
  readonly stx: Sized<"stx">;
  readonly loadAcquire: Sized<"loadAcquire">;
  readonly storeRelease: Sized<"storeRelease">;
  readonly ldAbs: Sized<"ldAbs">;
  readonly ldInd: Sized<"ldInd">;
}

type GroupedName = `${keyof Paired}${"Imm" | "Reg"}` | `${keyof AllSized | "ldxs"}${keyof Bits}`;
type Single = { readonly [Name in Exclude<InstructionName, GroupedName>]: Builder<Name> };

/** Every instruction as a function that reads like what it does; see `build`. */
export type Builders = Paired & AllSized & Single;

function operandsToFields(row: Row, operands: readonly (number | bigint)[]): Partial<Record<string, number>> {
  if (row.form !== "dst,imm64") return Object.fromEntries(row.fields.map((field, at) => [field, Number(operands[at])]));
  const [dst, value] = operands;
  if (typeof value !== "bigint" || value < -(1n << 63n) || value >= 1n << 64n) {
    throw new IsaError("BAD_OPERAND", `${row.name}: value must be a bigint from -2^63 to 2^64 - 1, not ${value}`);
  }
  return { dst: Number(dst), imm: Number(BigInt.asIntN(32, value)), nextImm: Number(BigInt.asIntN(32, value >> 32n)) };
}

function builder(row: Row): (...operands: (number | bigint)[]) => Instruction {
  const zero = { opcode: row.opcode, dst: 0, src: 0, offset: 0, imm: 0, ...row.select };
  const empty = row.slots === 2 ? { ...zero, nextImm: 0 } : zero;
  return (...operands) => {
    const instruction = { ...empty, ...operandsToFields(row, operands) };
    checkedRow(instruction, row.name);
    return instruction;
  };
}

/** Where in `build` a row stands: `["add64", "imm"]`, `["ldx", "u32"]`, `["exit"]`. */
function pathOf({ name, operation, width, form }: Row): string[] {
  const paired = /^(.+)(Imm|Reg)$/.exec(name);
  if (paired !== null && operation !== "movsx") return [paired[1]!, paired[2]!.toLowerCase()];
  if (operation === "loadSigned") return ["ldx", `s${width}`];
  const sized = /^(ldx|st|stx|loadAcquire|storeRelease|ldAbs|ldInd)(B|H|W|Dw)$/.exec(name);
  return sized === null || form === "" ? [name] : [sized[1]!, `u${width}`];
}

function buildAll(): Builders {
  const all: Record<string, unknown> = {};
  for (const row of ROWS) {
    const [first, second] = pathOf(row);
    if (second === undefined) all[first!] = builder(row);
    else all[first!] = { ...(all[first!] as object | undefined), [second]: builder(row) };
  }
  return all as unknown as Builders;
}

/**
 * Every instruction of the table as a function: `build.add64.imm(1, 22)` is r1 += 22, `build.jeq.reg(1, 2, 5)`,
 * `build.ldx.u32(0, 1, 4)`, `build.stx.u64(10, -8, 1)`, `build.lddw(1, 2n ** 40n)`, `build.exit()`. What has neither an
 * immediate and a register form nor sizes stands under its name in the table.
 */
export const build: Builders = buildAll();
