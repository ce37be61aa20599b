import { X64Error } from "./error.js";
import type { Form } from "./form.js";
import { type Memory, type Operand, type Register, RSP } from "./operand.js";

const MIN_INT32 = -(2 ** 31);
const MAX_INT32 = 2 ** 31 - 1;

/** The operand a form puts somewhere, by its number. */
export function pick(at: number, first: Operand, second: Operand, third: Operand): Operand {
  return at === 0 ? first : at === 1 ? second : at === 2 ? third : 0;
}

/** spl, bpl, sil, dil exist only with a REX prefix. */
export function isHighByte(register: Operand): boolean {
  return typeof register === "number" && register >= 4 && register <= 7;
}

/** A register's number. @throws {X64Error} `BAD_OPERAND`. */
export function registerOf(form: Form, operand: Operand): Register {
  if (typeof operand === "number" && operand >= 0 && operand <= 15 && Number.isInteger(operand)) return operand;
  throw new X64Error("BAD_OPERAND", `needs a register from 0 to 15, not ${describe(operand)}`, { form: form.name });
}

/** An operand in a message. */
export function describe(operand: Operand): string {
  return typeof operand === "object" ? "memory" : String(operand);
}

/** A 64-bit immediate. @throws {X64Error} `OUT_OF_RANGE`. */
export function toBigint(form: Form, value: Operand): bigint {
  if (typeof value === "bigint" && value >= -(2n ** 63n) && value < 2n ** 64n) return value;
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  throw new X64Error("OUT_OF_RANGE", `immediate ${describe(value)} is not a 64-bit integer`, { form: form.name });
}

/** The SIB byte (SDM vol. 2, table 2-3). */
export function sib(scale: number | undefined, index: Register, base: Register): number {
  return ((scale === undefined ? 0 : 31 - Math.clz32(scale)) << 6) | ((index & 7) << 3) | (base & 7);
}

/** @throws {X64Error} `BAD_OPERAND`, `OUT_OF_RANGE` unless a form can address this. */
export function checkMemory(form: Form, memory: Memory): void {
  const { base, index, scale = 1, displacement = 0 } = memory;
  const place = { form: form.name };
  if (form.operands[form.rm] === "register") throw new X64Error("BAD_OPERAND", "needs a register, not memory", place);
  if (base !== undefined) registerOf(form, base);
  if (index !== undefined && registerOf(form, index) === RSP) {
    throw new X64Error("BAD_OPERAND", "rsp cannot be an index", place);
  }
  if (scale !== 1 && scale !== 2 && scale !== 4 && scale !== 8) {
    throw new X64Error("BAD_OPERAND", `scale must be 1, 2, 4 or 8, not ${scale}`, place);
  }
  if (memory.label !== undefined && (base !== undefined || index !== undefined)) {
    throw new X64Error("BAD_OPERAND", "a label stands alone, without base or index", place);
  }
  if (!(displacement >= MIN_INT32 && displacement <= MAX_INT32 && Number.isInteger(displacement))) {
    throw new X64Error("OUT_OF_RANGE", `displacement ${displacement} is not a signed 32-bit integer`, place);
  }
}
