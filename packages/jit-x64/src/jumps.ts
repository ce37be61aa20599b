import type { Operation } from "@bpfkit/isa";
import { type Condition, form } from "@bpfkit/x64";
import { binaryForms, emitImmediate, isImmediate, type Translate, widthOf } from "./arithmetic.js";
import { field } from "./context.js";
import { type Current, type Emitter, machine, pair } from "./emitter.js";
import { targetOf } from "./plan.js";

const CMP = binaryForms("cmp");
const TEST = pair("test r/mN, rN");
const TEST_IMM = pair("test r/mN, imm32");
const SUB_M64_IMM8 = form("sub r/m64, imm8");

/** The condition of each comparison (RFC 9669 §4.3), unsigned and signed. */
const CONDITION: { readonly [operation in Operation]?: Condition } = {
  jeq: "e",
  jne: "ne",
  jgt: "a",
  jge: "ae",
  jlt: "b",
  jle: "be",
  jsgt: "g",
  jsge: "ge",
  jslt: "l",
  jsle: "le",
  jset: "ne",
};

function targetLabel(e: Emitter, { row, slot }: Current): number {
  return e.labelOf(targetOf(e.plan.table, row, slot));
}

/** Sets the flags; compare and jump are one operation to the processor where they stand together. */
function compare(e: Emitter, { row, dst, src, imm }: Current): void {
  const width = widthOf(row);
  const register = machine(dst);
  if (!isImmediate(row)) e.emit((row.operation === "jset" ? TEST : CMP.register)[width], register, machine(src));
  else if (row.operation === "jset") e.emit(TEST_IMM[imm >= 0 ? 32 : width], register, imm);
  else if (imm === 0) e.emit(TEST[width], register, register);
  else emitImmediate(e, CMP, width, register, imm);
}

const conditional: Translate = (e, i) => {
  e.flushFuel();
  compare(e, i);
  e.jump(targetLabel(e, i), CONDITION[i.row.operation]!);
};

const ja: Translate = (e, i) => {
  e.flushFuel();
  e.jump(targetLabel(e, i));
};

/** Jumps once the run's count is used up (Linux 6.9: `BPF_JCOND`). */
const mayGoto: Translate = (e, i) => {
  e.flushFuel();
  e.emit(SUB_M64_IMM8, field("mayGotoLeft"), 1);
  e.jump(targetLabel(e, i), "s");
};

/** RFC 9669 §4.3 without calls and exit, by operation. */
export const JUMPS: { readonly [operation in Operation]?: Translate } = {
  ...Object.fromEntries(Object.keys(CONDITION).map((operation) => [operation, conditional])),
  ja,
  mayGoto,
};
