import { X64Error } from "./error.js";

/** Branches in the order of the code: raw offset, label, and the opcode of the short form (`call` has only a long one). */
export interface Branches {
  readonly at: number[];
  readonly label: number[];
  readonly opcode: number[];
}

/** Code with its branches in place. */
export interface Layout {
  readonly bytes: Uint8Array;
  readonly labels: Int32Array;
  /** `before[n]`: bytes the first `n` branches take. */
  readonly before: Int32Array;
}

const CALL = 0xe8;
const SHORT_JUMP = 0xeb;
/**
 * Rounds before every branch still short is made long. A round only makes branches longer, so it ends by itself, but in
 * the worst case one branch a round; real code settles in two or three.
 */
const MAX_ROUNDS = 32;

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
  labelAt: readonly number[],
  labelBranches: readonly number[],
): Layout {
  const count = branches.at.length;
  const sizes = Uint8Array.from(branches.opcode, (opcode) => (opcode === CALL ? 5 : 2));
  const before = new Int32Array(count + 1);
  const labels = new Int32Array(labelAt.length);
  for (const [index, label] of branches.label.entries()) {
    if (labelAt[label] === undefined || labelAt[label] < 0) {
      throw new X64Error("BAD_LABEL", `label ${label} is used but never bound`, { offset: branches.at[index]! });
    }
  }
  for (let round = 0, changed = true; changed; round++) {
    place(sizes, before, labels, labelAt, labelBranches);
    changed = lengthen(branches, sizes, before, labels, round >= MAX_ROUNDS);
  }
  return { bytes: write(raw, length, branches, sizes, before, labels), labels, before };
}

/** Sums the sizes up and finds where each label lies. */
function place(
  sizes: Uint8Array,
  before: Int32Array,
  labels: Int32Array,
  labelAt: readonly number[],
  labelBranches: readonly number[],
): void {
  for (let i = 0; i < sizes.length; i++) before[i + 1] = before[i]! + sizes[i]!;
  for (let i = 0; i < labels.length; i++) {
    labels[i] = labelAt[i]! < 0 ? -1 : labelAt[i]! + before[labelBranches[i]!]!;
  }
}

function lengthen(
  branches: Branches,
  sizes: Uint8Array,
  before: Int32Array,
  labels: Int32Array,
  all: boolean,
): boolean {
  let changed = false;
  for (let i = 0; i < sizes.length; i++) {
    if (sizes[i] !== 2) continue;
    const distance = labels[branches.label[i]!]! - (branches.at[i]! + before[i + 1]!);
    if (!all && distance >= -128 && distance <= 127) continue;
    sizes[i] = longSize(branches.opcode[i]!);
    changed = true;
  }
  return changed;
}

function write(
  raw: Uint8Array,
  length: number,
  branches: Branches,
  sizes: Uint8Array,
  before: Int32Array,
  labels: Int32Array,
): Uint8Array {
  const count = branches.at.length;
  const bytes = new Uint8Array(length + before[count]!);
  let from = 0;
  for (let i = 0; i < count; i++) {
    const rawAt = branches.at[i]!;
    bytes.set(raw.subarray(from, rawAt), from + before[i]!);
    from = rawAt;
    const end = rawAt + before[i + 1]!;
    writeBranch(bytes, rawAt + before[i]!, branches.opcode[i]!, sizes[i]!, labels[branches.label[i]!]! - end);
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
