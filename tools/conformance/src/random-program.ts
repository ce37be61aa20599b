import type { Program, Reference } from "@bpfkit/core";
import { slotIndex } from "@bpfkit/core";

type Slot = [opcode: number, dst: number, src: number, off: number, imm: number];

const IMMEDIATES = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 47, 63, 64, 255, 256, -1, -2, -8, 0x7fffffff, -0x80000000, 0xffff,
];
const ALU = [0x07, 0x17, 0x27, 0x37, 0x47, 0x57, 0x67, 0x77, 0x97, 0xa7, 0xb7, 0xc7, 0x07, 0x57, 0x77];
const JUMPS = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0];
const REGISTERS = [0, 1, 2, 3, 4, 5, 7, 8, 9];

/** A generator of numbers that the seed alone decides (xorshift32). */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

interface Writer {
  readonly slots: Slot[];
  readonly jumps: number[];
  readonly random: (below: number) => number;
}

const pick = <T>(w: Writer, list: readonly T[]): T => list[w.random(list.length)]!;
const anyRegister = (w: Writer): number => pick(w, REGISTERS);

function writeAlu(w: Writer): void {
  const operation = pick(w, ALU) & 0xf0;
  const is32 = w.random(3) === 0;
  const opcode = operation | (is32 ? 4 : 7);
  if (w.random(2) === 0) {
    w.slots.push([opcode | 8, anyRegister(w), anyRegister(w), 0, 0]);
    return;
  }
  const isShift = operation === 0x60 || operation === 0x70 || operation === 0xc0;
  const imm = isShift ? w.random(is32 ? 32 : 64) : pick(w, IMMEDIATES);
  const isDivision = operation === 0x30 || operation === 0x90;
  w.slots.push([opcode, anyRegister(w), 0, 0, isDivision && imm === 0 ? 3 : imm]);
}

function writeJump(w: Writer): void {
  const opcode = pick(w, JUMPS) | (w.random(3) === 0 ? 6 : 5);
  const off = w.random(40) === 0 ? -1 - w.random(5) : w.random(6);
  w.jumps.push(w.slots.length);
  if (w.random(3) === 0) w.slots.push([opcode | 8, anyRegister(w), anyRegister(w), off, 0]);
  else w.slots.push([opcode, anyRegister(w), 0, off, pick(w, IMMEDIATES)]);
}

/** Something of the program's memory (behind r6), at an offset that is often bounded first. */
function writeMemory(w: Writer): void {
  const index = anyRegister(w);
  if (index === 0 || w.random(2) === 0) {
    w.slots.push([pick(w, [0x61, 0x69, 0x71, 0x79, 0x81, 0x89, 0x91]), anyRegister(w), 6, 8 * w.random(7), 0]);
    return;
  }
  w.slots.push([0x57, index, 0, 0, pick(w, [7, 15, 31])], [0xbf, 0, 6, 0, 0], [0x0f, 0, index, 0, 0]);
  if (w.random(2) === 0) w.slots.push([pick(w, [0x71, 0x69, 0x61]), index, 0, w.random(16), 0]);
  else w.slots.push([0x73, 0, anyRegister(w), w.random(16), 0]);
  w.slots.push([0xb7, 0, 0, 0, w.random(100)]);
}

function writeStack(w: Writer): void {
  const off = -8 * (1 + w.random(5));
  if (w.random(2) === 0) w.slots.push([pick(w, [0x7b, 0x7b, 0x63, 0x6b, 0x73]), 10, anyRegister(w), off, 0]);
  else w.slots.push([pick(w, [0x79, 0x79, 0x61, 0x69, 0x71]), anyRegister(w), 10, off, 0]);
}

function writeCall(w: Writer): void {
  w.slots.push([0x85, 0, 0, 0, 7]);
  for (const register of [1, 2, 3, 4, 5]) w.slots.push([0xb7, register, 0, 0, pick(w, IMMEDIATES)]);
}

/** A call of a subprogram behind the entry, with numbers for arguments. */
function writeSubprogramCall(w: Writer, calls: number[]): void {
  calls.push(w.slots.length);
  w.slots.push([0x85, 0, 1, 0, 0]);
  for (const register of [1, 2, 3, 4, 5]) w.slots.push([0xb7, register, 0, 0, pick(w, IMMEDIATES)]);
}

function writeBody(w: Writer, count: number, calls: number[] | undefined): void {
  const begin = w.slots.length;
  for (let index = 0; index < count; index++) {
    const kind = w.random(100);
    if (kind < 38) writeAlu(w);
    else if (kind < 46)
      w.slots.push([pick(w, [0xbf, 0xbc]), anyRegister(w), anyRegister(w), pick(w, [0, 0, 8, 16]), 0]);
    else if (kind < 62) writeStack(w);
    else if (kind < 72 && calls !== undefined) writeMemory(w);
    else if (kind < 93) writeJump(w);
    else if (kind < 96 && calls !== undefined) writeSubprogramCall(w, calls);
    else writeCall(w);
  }
  w.slots.push([0xb7, 0, 0, 0, w.random(2)], [0x95, 0, 0, 0, 0]);
  for (const at of w.jumps.splice(0)) {
    const wanted = at + 1 + w.slots[at]![3];
    const target = Math.min(Math.max(wanted, begin), w.slots.length - 2);
    w.slots[at]![3] = target - at - 1;
  }
}

function toBytes(slots: readonly Slot[]): Uint8Array {
  const bytes = new Uint8Array(slots.length * 8);
  const view = new DataView(bytes.buffer);
  slots.forEach(([opcode, dst, src, off, imm], index) => {
    bytes[index * 8] = opcode;
    bytes[index * 8 + 1] = dst | (src << 4);
    view.setInt16(index * 8 + 2, off, true);
    view.setInt32(index * 8 + 4, imm | 0, true);
  });
  return bytes;
}

/**
 * A random `raw` program over 64 bytes of memory: arithmetic, branches forward and some back, stack, memory at bounded
 * offsets, a helper, and a subprogram. Not all of them are good programs.
 */
export function randomProgram(seed: number): Program {
  const w: Writer = { slots: [], jumps: [], random: randomNumbers(seed) };
  w.slots.push([0xbf, 6, 1, 0, 0]);
  for (const register of REGISTERS) {
    if (w.random(3) === 0) w.slots.push([0xb7, register, 0, 0, pick(w, IMMEDIATES)]);
    else w.slots.push([pick(w, [0x61, 0x71, 0x79, 0x81]), register, 6, 8 * w.random(7), 0]);
  }
  const calls: number[] = [];
  writeBody(w, 5 + w.random(25), calls);
  const start = w.slots.length;
  if (calls.length > 0) {
    for (const at of calls) w.slots[at]![4] = start - at - 1;
    for (const register of [0, 7, 8, 9]) w.slots.push([0xb7, register, 0, 0, pick(w, IMMEDIATES)]);
    writeBody(w, 3 + w.random(8), undefined);
  }
  const references: Reference[] = [];
  const subprograms: Program["subprograms"][number][] = [{ name: "main", start: slotIndex(0), linkage: "global" }];
  if (calls.length > 0) subprograms.push({ name: "sub", start: slotIndex(start), linkage: "static" });
  return { name: "main", type: "raw", code: toBytes(w.slots), subprograms, references };
}
