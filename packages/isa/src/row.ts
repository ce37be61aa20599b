import { TABLE } from "./table.js";

/** The name of one instruction form: `add64Imm`, `jeq32Reg`, `ldxDw`, `lddwMap`, … */
export type InstructionName = keyof typeof TABLE;

/** What an instruction does, whatever its width and operand kind: `add`, `jeq`, `load`, `atomicFetchAdd`, … */
export type Operation = (typeof TABLE)[InstructionName]["operation"];

/** Conformance group (RFC 9669 §2.4); `linux` for what the RFC does not have. */
export type ConformanceGroup = (typeof TABLE)[InstructionName]["group"];

/** Operands of an instruction and the fields that hold them: `dst,imm`, `dst,[src+offset]`, … */
export type Form = (typeof TABLE)[InstructionName]["form"];

/** A field of the wire encoding beside the opcode (RFC 9669 §3.1, §3.2); `nextImm` is the second slot's immediate. */
export type Field = "dst" | "src" | "offset" | "imm" | "nextImm";

/** One instruction form. */
export interface Row {
  readonly name: InstructionName;
  /** Its place in `ROWS`, dense from 0: engines key their dispatch on it. */
  readonly index: number;
  /** The wire byte. */
  readonly opcode: number;
  /** Field values that choose this form among those of the same opcode. */
  readonly select: Readonly<Partial<Record<"src" | "offset" | "imm", number>>>;
  readonly form: Form;
  readonly operation: Operation;
  /** Bits of the operands (arithmetic, jumps), of the swap, or of the memory access; undefined where it has none. */
  readonly width: 8 | 16 | 32 | 64 | undefined;
  /** Bits of the source that `movsx` sign-extends. */
  readonly from: 8 | 16 | 32 | undefined;
  readonly group: ConformanceGroup;
  /** Section of RFC 9669, or the Linux release that defined it. */
  readonly clause: string;
  /** The first Linux release that takes it; undefined for what the first with `bpf(2)` took. */
  readonly since: string | undefined;
  /** The fields its operands use; every other field that does not select it must be 0. */
  readonly fields: readonly Field[];
  /** The field that holds a distance in slots, counted from the slot after the instruction's first. */
  readonly target: "offset" | "imm" | undefined;
  /** 2 for a 64-bit immediate (RFC 9669 §3.2), else 1. */
  readonly slots: 1 | 2;
}

interface FormFacts {
  readonly fields: readonly Field[];
  readonly target?: "offset" | "imm";
}

/** Which fields each form uses, in the order of its operands, and which of them is a distance in slots. */
export const FORMS: { readonly [form in Form]: FormFacts } = {
  "": { fields: [] },
  dst: { fields: ["dst"] },
  "dst,imm": { fields: ["dst", "imm"] },
  "dst,src": { fields: ["dst", "src"] },
  "dst,[src+offset]": { fields: ["dst", "src", "offset"] },
  "[dst+offset],imm": { fields: ["dst", "offset", "imm"] },
  "[dst+offset],src": { fields: ["dst", "offset", "src"] },
  offset: { fields: ["offset"], target: "offset" },
  imm: { fields: ["imm"], target: "imm" },
  "dst,imm,offset": { fields: ["dst", "imm", "offset"], target: "offset" },
  "dst,src,offset": { fields: ["dst", "src", "offset"], target: "offset" },
  helper: { fields: ["imm"] },
  // Linux: a kfunc of a module is found through the file descriptor at index `offset` of fd_array.
  kfunc: { fields: ["imm", "offset"] },
  "dst,imm64": { fields: ["dst", "imm", "nextImm"] },
  "dst,map": { fields: ["dst", "imm"] },
  "dst,map+nextImm": { fields: ["dst", "imm", "nextImm"] },
  // Linux: the second immediate is the file descriptor of the BTF object the variable is in, 0 for vmlinux.
  "dst,variable": { fields: ["dst", "imm", "nextImm"] },
  "dst,code": { fields: ["dst", "imm"], target: "imm" },
  "skb[imm]": { fields: ["imm"] },
  "skb[src+imm]": { fields: ["src", "imm"] },
};

type TableRow = Pick<Row, "opcode" | "form" | "operation" | "group" | "clause"> &
  Partial<Pick<Row, "select" | "width" | "from" | "since">>;

function toRow(name: InstructionName, index: number): Row {
  const row: TableRow = TABLE[name];
  const { fields, target } = FORMS[row.form];
  const { opcode, form, operation, group, clause, select = {}, width, from, since } = row;
  const slots = operation === "lddw" ? 2 : 1;
  return { name, index, opcode, select, form, operation, width, from, group, clause, since, fields, target, slots };
}

/** Every instruction form, in the order of their `index`. */
export const ROWS: readonly Row[] = (Object.keys(TABLE) as InstructionName[]).map(toRow);

/** Every instruction form by its name. */
export const ROW: { readonly [name in InstructionName]: Row } = Object.fromEntries(
  ROWS.map((row) => [row.name, row]),
) as Record<InstructionName, Row>;
