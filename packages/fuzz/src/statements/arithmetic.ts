import { ROWS, type Row } from "@bpfkit/isa";
import type { Content, Frame } from "../frame.js";
import type { Statement } from "./statement.js";

const OPERATIONS: ReadonlySet<string> = new Set([
  "add",
  "sub",
  "mul",
  "div",
  "sdiv",
  "or",
  "and",
  "lsh",
  "rsh",
  "mod",
  "smod",
  "xor",
  "arsh",
  "neg",
  "mov",
  "movsx",
  "le",
  "be",
  "bswap",
]);
const ARITHMETIC: readonly Row[] = ROWS.filter((row) => OPERATIONS.has(row.operation) || row.name === "lddw");

/** One arithmetic instruction of any row, on numbers. */
export const arithmetic: Statement = (frame) => {
  const row = frame.random.pick(ARITHMETIC);
  if (row.name === "lddw") return loadWide(frame);
  const reads = row.operation !== "mov" && row.operation !== "movsx";
  const source = row.fields.includes("src") ? frame.scalar() : undefined;
  const target = reads ? frame.scalar() : frame.free();
  // Read after both were chosen: choosing may have made a number.
  const before: Content = reads ? frame.content(target) : "safe";
  const other: Content = source === undefined ? "safe" : frame.content(source);
  frame.emit(row.name, {
    dst: target,
    ...(source === undefined ? {} : { src: source }),
    ...(row.fields.includes("imm") ? { imm: immediate(frame, row) } : {}),
  });
  frame.set(target, before === "tainted" || other === "tainted" ? "tainted" : "safe");
};

function loadWide(frame: Frame): void {
  const target = frame.free();
  frame.emit("lddw", { dst: target, imm: frame.number(), nextImm: frame.number() });
  frame.set(target, "safe");
}

/** What the verifier takes: no division by a constant 0, no shift by as many bits as there are. */
function immediate(frame: Frame, row: Row): number {
  const { operation, width = 64 } = row;
  if (operation === "lsh" || operation === "rsh" || operation === "arsh") return frame.random.integer(0, width - 1);
  const number = frame.number();
  return number === 0 && /^s?(div|mod)$/.test(operation) ? 3 : number;
}
