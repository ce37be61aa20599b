import { X64Error } from "./error.js";
import type { Int32List } from "./int32-list.js";

/**
 * What has no bytes yet, in the order of the code: branches with their label and the opcode of the short form (`call` has
 * only a long one), and alignments (`ALIGN`) with their power of two for a label.
 */
export interface Branches {
  readonly at: Int32List;
  readonly label: Int32List;
  readonly opcode: Int32List;
}

/** Code with its branches in place. */
export interface Layout {
  readonly bytes: Uint8Array;
  readonly labels: Int32Array;
  /** `before[n]`: bytes the first `n` branches take. */
  readonly before: Int32Array;
}

/** Stands for an opcode. */
export const ALIGN = 0;
const CALL = 0xe8;
const SHORT_JUMP = 0xeb;
/**
 * Rounds before every branch still short is made long. A round only makes branches longer, so it ends by itself, but in
 * the worst case one branch a round; real code settles in two or three.
 */
const MAX_ROUNDS = 32;

function shortSize(opcode: number): number {
  if (opcode === ALIGN) return 0;
  return opcode === CALL ? 5 : 2;
}

function longSize(opcode: number): number {
  return opcode === SHORT_JUMP || opcode === CALL ? 5 : 6;
}

/**
 * Puts branches between the raw bytes: all start short, and those that do not reach grow until none has to.
 * @throws {X64Error} `BAD_LABEL` for a label that was never bound.
 */
export function layBranches(
  raw: Uint8Array,
  length: number,
  branches: Branches,
  labelList: Int32List,
  labelBranchList: Int32List,
): Layout {
  const [at, label, opcode] = [branches.at.data, branches.label.data, branches.opcode.data];
  const [labelAt, labelBranches] = [labelList.data, labelBranchList.data];
  const count = branches.at.length;
  const waiting: Waiting = { at, label, opcode, sizes: new Uint8Array(count) };
  const before = new Int32Array(count + 1);
  const labels = new Int32Array(labelList.length);
  for (let i = 0; i < count; i++) {
    waiting.sizes[i] = shortSize(opcode[i]!);
    if (opcode[i] === ALIGN) continue;
    const target = labelList.at(label[i]!) ?? -1;
    if (target < 0) {
      throw new X64Error("BAD_LABEL", `label ${label[i]} is used but never bound`, { offset: at[i]! });
    }
  }
  for (let round = 0, changed = true; changed; round++) {
    place(waiting, before, labels, labelAt, labelBranches);
    changed = lengthen(waiting, before, labels, round >= MAX_ROUNDS);
  }
  return { bytes: write(raw, length, waiting, before, labels), labels, before };
}

/** Branches as plain arrays, which have room for more, with the bytes each takes so far. */
interface Waiting {
  readonly at: Int32Array;
  readonly label: Int32Array;
  readonly opcode: Int32Array;
  readonly sizes: Uint8Array;
}

/** Sums the sizes up, of alignments as they come out, and finds where each label lies. */
function place(
  { at, label, opcode, sizes }: Waiting,
  before: Int32Array,
  labels: Int32Array,
  labelAt: Int32Array,
  labelBranches: Int32Array,
): void {
  for (let i = 0; i < sizes.length; i++) {
    if (opcode[i] === ALIGN) sizes[i] = -(at[i]! + before[i]!) & (label[i]! - 1);
    before[i + 1] = before[i]! + sizes[i]!;
  }
  for (let i = 0; i < labels.length; i++) {
    labels[i] = labelAt[i]! < 0 ? -1 : labelAt[i]! + before[labelBranches[i]!]!;
  }
}

function lengthen(
  { at, label, opcode, sizes }: Waiting,
  before: Int32Array,
  labels: Int32Array,
  all: boolean,
): boolean {
  let changed = false;
  for (let i = 0; i < sizes.length; i++) {
    if (sizes[i] !== 2 || opcode[i] === ALIGN) continue;
    const distance = labels[label[i]!]! - (at[i]! + before[i + 1]!);
    if (!all && distance >= -128 && distance <= 127) continue;
    sizes[i] = longSize(opcode[i]!);
    changed = true;
  }
  return changed;
}

function write(
  raw: Uint8Array,
  length: number,
  { at, label, opcode, sizes }: Waiting,
  before: Int32Array,
  labels: Int32Array,
): Uint8Array {
  const count = sizes.length;
  const bytes = new Uint8Array(length + before[count]!);
  let from = 0;
  for (let i = 0; i < count; i++) {
    const rawAt = at[i]!;
    const start = rawAt + before[i]!;
    // Stretches between branches are a few instructions: a view of each would cost more than its bytes.
    for (let to = from + before[i]!; from < rawAt; ) bytes[to++] = raw[from++]!;
    const end = rawAt + before[i + 1]!;
    if (opcode[i] === ALIGN) writeNops(bytes, start, end);
    else writeBranch(bytes, start, opcode[i]!, sizes[i]!, labels[label[i]!]! - end);
  }
  bytes.set(raw.subarray(from, length), from + before[count]!);
  return bytes;
}

/** `jmp`, `jcc` and `call` as SDM vol. 2 has them: short EB and 7x, long E9, 0F 8x and E8. */
function writeBranch(bytes: Uint8Array, at: number, opcode: number, size: number, distance: number): void {
  let next = at;
  if (size === 2) {
    bytes[next++] = opcode;
    bytes[next] = distance;
    return;
  }
  if (opcode === CALL) bytes[next++] = CALL;
  else if (opcode === SHORT_JUMP) bytes[next++] = 0xe9;
  else {
    bytes[next++] = 0x0f;
    bytes[next++] = opcode + 0x10;
  }
  for (let shift = 0; shift < 32; shift += 8) bytes[next++] = distance >> shift;
}

/** The recommended nops of 1 to 8 bytes (SDM vol. 2, NOP). */
const NOPS: readonly (readonly number[])[] = [
  [0x90],
  [0x66, 0x90],
  [0x0f, 0x1f, 0x00],
  [0x0f, 0x1f, 0x40, 0x00],
  [0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
  [0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
];

function writeNops(bytes: Uint8Array, from: number, to: number): void {
  for (let at = from; at < to; ) {
    const nop = NOPS[Math.min(to - at, NOPS.length) - 1]!;
    bytes.set(nop, at);
    at += nop.length;
  }
}
