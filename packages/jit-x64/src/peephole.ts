import { type Operation, ROWS, type Row } from "@bpfkit/isa";
import { type Form, form } from "@bpfkit/x64";
import { ARITHMETIC, widthOf } from "./arithmetic.js";
import { type Current, type Emitter, framePlus, type Known, machine, pair } from "./emitter.js";
import { joinLoads } from "./joined-loads.js";
import { targetOf } from "./plan.js";

const LEA = pair("lea rN, m");
const MOV = pair("mov r/mN, rN");
const MOV32 = form("mov r/m32, r32");
const MOVSXD = form("movsxd r64, r/m32");
const ROL = pair("rol r/mN, imm8");

/**
 * Instructions that are shorter as one. Each takes the slot of the first; gives how many instructions it translated, 0 where
 * it does not fit. What it writes must be the same to every observer: within a block, with no access in between.
 */
type Pattern = (e: Emitter, slot: number) => number;

/** The row at a slot that can only be reached from the one before; undefined otherwise. */
function inside(e: Emitter, slot: number): Row | undefined {
  const { table, leaders } = e.plan;
  return slot < table.length && leaders[slot] === 0 ? ROWS[table.row[slot]!] : undefined;
}

function isImm(row: Row | undefined, operation: Operation, width: number): boolean {
  return row !== undefined && row.operation === operation && row.width === width && row.form === "dst,imm";
}

/** `d = s; d += k` and `d = s; d += t`: one address computation. */
const moveAndAdd: Pattern = (e, slot) => {
  const { dst, src, imm } = e.plan.table;
  const next = inside(e, slot + 1);
  const first = ROWS[e.plan.table.row[slot]!]!;
  const d = dst[slot]!;
  if (next?.operation !== "add" || next.width !== first.width || dst[slot + 1] !== d || src[slot] === d) return 0;
  const constant = next.form === "dst,imm";
  if (!constant && src[slot + 1] === d) return 0;
  const base = machine(src[slot]!);
  const memory = constant ? { base, displacement: imm[slot + 1]! } : { base, index: machine(src[slot + 1]!) };
  e.emit(LEA[widthOf(first)], machine(d), memory);
  const from: Known = src[slot] === 10 ? { frame: 0 } : e.known[src[slot]!];
  e.known[d] = constant && first.width === 64 ? framePlus(from, imm[slot + 1]!) : undefined;
  return 2;
};

/** `d = s; d <<= 32; d >>= 32`, as compilers for v1 and v2 zero-extend (or sign-extend with an arithmetic shift). */
const moveAndExtend: Pattern = (e, slot) => {
  const { dst, src } = e.plan.table;
  const extension = extensionAt(e, slot + 1, dst[slot]!);
  if (extension === undefined) return 0;
  e.emit(extension, machine(dst[slot]!), machine(src[slot]!));
  e.known[dst[slot]!] = undefined;
  return 3;
};

const extend: Pattern = (e, slot) => {
  const { dst } = e.plan.table;
  const extension = extensionAt(e, slot, dst[slot]!, true);
  if (extension === undefined) return 0;
  e.emit(extension, machine(dst[slot]!), machine(dst[slot]!));
  e.known[dst[slot]!] = undefined;
  return 2;
};

function extensionAt(e: Emitter, slot: number, register: number, first = false): Form | undefined {
  const { table } = e.plan;
  const left = first ? ROWS[table.row[slot]!] : inside(e, slot);
  const right = inside(e, slot + 1);
  const by32 = (at: number): boolean => table.dst[at] === register && table.imm[at] === 32;
  if (!isImm(left, "lsh", 64) || !by32(slot) || !by32(slot + 1)) return undefined;
  return isImm(right, "rsh", 64) ? MOV32 : isImm(right, "arsh", 64) ? MOVSXD : undefined;
}

/** `t = x; t >>= b; x <<= a; x |= t` with a + b the width, or with the shifts the other way: a rotation. */
const rotate: Pattern = (e, slot) => {
  const { table } = e.plan;
  const { dst, src, imm } = table;
  const first = ROWS[table.row[slot]!]!;
  const width = widthOf(first);
  const [t, x] = [dst[slot]!, src[slot]!];
  const rows = [1, 2, 3].map((at) => inside(e, slot + at));
  if (t === x || rows.some((row) => row === undefined || row.width !== width)) return 0;
  const [one, two, or] = rows as [Row, Row, Row];
  if (or.operation !== "or" || or.form !== "dst,src" || one.form !== "dst,imm" || two.form !== "dst,imm") return 0;
  const shifted = (at: number): number => dst[slot + at]!;
  if (new Set([shifted(1), shifted(2)]).size !== 2 || ![shifted(1), shifted(2)].every((r) => r === t || r === x))
    return 0;
  const [kept, dead] = [dst[slot + 3]!, src[slot + 3]!];
  if (!((kept === x && dead === t) || (kept === t && dead === x)) || !e.isDeadAfter(slot + 3, dead)) return 0;
  const left = one.operation === "lsh" ? 1 : 2;
  const right = 3 - left;
  if (rows[left - 1]!.operation !== "lsh" || rows[right - 1]!.operation !== "rsh") return 0;
  const [a, b] = [imm[slot + left]!, imm[slot + right]!];
  if (a <= 0 || b <= 0 || a + b !== width) return 0;
  if (kept === t) e.emit(MOV[width], machine(t), machine(x));
  e.emit(ROL[width], machine(kept), a);
  e.known[t] = undefined;
  e.known[x] = undefined;
  return 4;
};

/** Operations after which the zero flag tells whether the result is 0. */
const SETS_ZERO_FLAG: ReadonlySet<Operation> = new Set<Operation>(["and", "or", "xor", "add", "sub"]);

/** `d &= k; if d == 0`: the flags of the first are what the second tests for. */
const operateAndTest: Pattern = (e, slot) => {
  const { table } = e.plan;
  const first = ROWS[table.row[slot]!]!;
  const next = inside(e, slot + 1);
  if (next === undefined || (next.operation !== "jeq" && next.operation !== "jne")) return 0;
  const d = table.dst[slot]!;
  if (
    next.form !== "dst,imm,offset" ||
    table.imm[slot + 1] !== 0 ||
    table.dst[slot + 1] !== d ||
    next.width !== first.width
  )
    return 0;
  e.count(slot, 2);
  e.flushFuel();
  const current: Current = {
    row: first,
    dst: d,
    src: table.src[slot]!,
    offset: table.offset[slot]!,
    imm: table.imm[slot]!,
    nextImm: 0,
    slot,
  };
  ARITHMETIC[first.operation]!(e, current);
  e.jump(e.labelOf(targetOf(table, next, slot + 1)), next.operation === "jeq" ? "e" : "ne");
  e.known[d] = undefined;
  return -2;
};

/** Patterns by the operation of their first instruction. */
const PATTERNS: { readonly [operation in Operation]?: readonly Pattern[] } = {
  mov: [moveAndExtend, rotate, moveAndAdd],
  lsh: [extend],
  load: [joinLoads],
  ...Object.fromEntries([...SETS_ZERO_FLAG].map((operation) => [operation, [operateAndTest]])),
};

const BY_ROW: readonly (readonly Pattern[] | undefined)[] = ROWS.map((row) =>
  row.operation === "mov" && row.form !== "dst,src" ? undefined : PATTERNS[row.operation],
);

/** Translates instructions from `slot` on as one where that is shorter; how many it took, 0 for none. */
export function peephole(e: Emitter, slot: number): number {
  const patterns = BY_ROW[e.plan.table.row[slot]!];
  if (patterns === undefined) return 0;
  for (const pattern of patterns) {
    const taken = pattern(e, slot);
    if (taken === 0) continue;
    // A pattern that jumps has counted its instructions itself, before its flags.
    if (taken > 0) e.count(slot, taken);
    return Math.abs(taken);
  }
  return 0;
}
