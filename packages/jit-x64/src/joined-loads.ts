import { ROWS } from "@bpfkit/isa";
import { type Form, form } from "@bpfkit/x64";
import { type Emitter, machine } from "./emitter.js";
import { access } from "./memory.js";

const LOAD: Readonly<Record<number, Form>> = {
  2: form("movzx r32, r/m16"),
  4: form("mov r32, r/m32"),
  8: form("mov r64, r/m64"),
};
const ROL16 = form("rol r/m16, imm8");
const BSWAP: Readonly<Record<number, Form>> = { 4: form("bswap r32"), 8: form("bswap r64") };

/** Instructions looked at: eight loads, seven shifts, seven joins, and a few to spare. */
const WINDOW = 24;

/** Bytes a register holds, as pairs of the offset they were loaded from and how far they are shifted. */
type Bytes = readonly { readonly offset: number; readonly shift: number }[];

interface Match {
  readonly instructions: number;
  readonly register: number;
  readonly offset: number;
  readonly size: number;
  readonly swapped: boolean;
}

/**
 * Byte loads that a compiler split, because it could not know of any alignment: followed by what each register holds, until
 * one holds neighbouring bytes in order (or in reverse) and nothing else of it is wanted. Not where accesses are checked one by
 * one, since a fault must be at its byte.
 */
export function joinLoads(e: Emitter, slot: number): number {
  const { table } = e.plan;
  if (e.checked || ROWS[table.row[slot]!]!.width !== 8 || table.dst[slot] === table.src[slot]) return 0;
  const match = longestMatch(e, slot);
  if (match === undefined) return 0;
  const { register, offset, size, swapped } = match;
  const to = machine(register);
  e.emit(LOAD[size]!, to, access(e, slot, "read", table.src[slot]!, offset, size));
  if (swapped && size === 2) {
    e.emit(ROL16, to, 8);
    e.emit(LOAD[2]!, to, to);
  } else if (swapped) e.emit(BSWAP[size]!, to);
  for (let at = 0; at < match.instructions; at++) e.known[table.dst[slot + at]!] = undefined;
  return match.instructions;
}

function longestMatch(e: Emitter, start: number): Match | undefined {
  const { table, leaders } = e.plan;
  const base = table.src[start]!;
  const held = new Map<number, Bytes>();
  let loads = 0;
  let best: Match | undefined;
  for (let slot = start; slot < Math.min(start + WINDOW, table.length); slot++) {
    if (slot > start && leaders[slot] !== 0) break;
    const row = ROWS[table.row[slot]!];
    const dst = table.dst[slot]!;
    if (row === undefined || dst === base) break;
    const { operation, form: shape, width } = row;
    if (operation === "load" && width === 8 && table.src[slot] === base) {
      held.set(dst, [{ offset: table.offset[slot]!, shift: 0 }]);
      loads++;
    } else if (operation === "lsh" && shape === "dst,imm") {
      const bytes = shifted(held.get(dst), table.imm[slot]!, width!);
      if (bytes === undefined) break;
      held.set(dst, bytes);
    } else if (operation === "or" && shape === "dst,src") {
      const [one, other] = [held.get(dst), held.get(table.src[slot]!)];
      if (one === undefined || other === undefined || !within(width!, one, other)) break;
      held.set(dst, [...one, ...other]);
      best = matchAt(e, slot, start, dst, held, loads) ?? best;
    } else break;
  }
  return best;
}

function shifted(bytes: Bytes | undefined, by: number, width: number): Bytes | undefined {
  const moved = bytes?.map(({ offset, shift }) => ({ offset, shift: shift + by }));
  return by > 0 && moved?.every(({ shift }) => shift + 8 <= width) ? moved : undefined;
}

/** Whether an operation of a width leaves all bytes as they are: one of 32 bits clears the upper half. */
function within(width: number, one: Bytes, other: Bytes): boolean {
  return width === 64 || [...one, ...other].every(({ shift }) => shift + 8 <= width);
}

/** Whether the register holds all bytes loaded so far, next to each other, and the others' registers are not wanted. */
function matchAt(
  e: Emitter,
  slot: number,
  start: number,
  register: number,
  held: ReadonlyMap<number, Bytes>,
  loads: number,
): Match | undefined {
  const bytes = [...held.get(register)!].sort((a, b) => a.shift - b.shift);
  const size = bytes.length;
  if (size !== loads || LOAD[size] === undefined) return undefined;
  const step = bytes[1]!.offset - bytes[0]!.offset;
  const inOrder = bytes.every(({ offset, shift }, at) => shift === 8 * at && offset === bytes[0]!.offset + step * at);
  if (!inOrder || (step !== 1 && step !== -1)) return undefined;
  for (const other of held.keys()) if (other !== register && !e.isDeadAfter(slot, other)) return undefined;
  const offset = Math.min(bytes[0]!.offset, bytes[size - 1]!.offset);
  return { instructions: slot - start + 1, register, offset, size, swapped: step < 0 };
}
