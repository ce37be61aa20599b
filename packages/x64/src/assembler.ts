import { ALIGN, type Branches, type Layout, layBranches } from "./branches.js";
import { checkMemory, describe, isHighByte, pick, registerOf, sib, toBigint } from "./checks.js";
import { X64Error } from "./error.js";
import type { Form } from "./form.js";
import { formatInstruction, registerName } from "./format.js";
import { Int32List } from "./int32-list.js";
import {
  CONDITIONS,
  type Condition,
  conditionName,
  type Label,
  type Memory,
  type Operand,
  type Register,
  RSP,
} from "./operand.js";

/** A field that holds an address nobody knows yet. */
export interface Fixup {
  /** Byte offset of the field in the finished code. */
  readonly at: number;
  /** `rel32`: the target's address minus the field's end. `abs64`: the target's address. */
  readonly kind: "rel32" | "abs64";
  /** What it points to, in the caller's numbering. */
  readonly target: number;
}

/** An instruction of finished code as text. */
export interface TextLine {
  /** Byte offset. */
  readonly at: number;
  readonly text: string;
  /** Of a branch to a label: the byte offset it goes to, which the text leaves out. */
  readonly target?: number;
}

/** Finished code. Only its fixups are still to be filled in, and that changes neither size nor place of anything. */
export interface Code {
  readonly bytes: Uint8Array;
  /** Byte offset of each label, by its number; -1 where it was never bound. */
  readonly labels: Int32Array;
  readonly fixups: readonly Fixup[];
  /** Every instruction in Intel's syntax; only of an assembler that was told to keep it. */
  readonly text: readonly TextLine[];
}

const UNBOUND = -1;
/** The longest instruction is 15 bytes (SDM vol. 2, section 2.3.11). */
const MAX_INSTRUCTION = 16;

/**
 * Writes instructions one after the other. Branches to labels take no bytes until `finish`, which chooses their size:
 * so nothing may be measured before.
 */
export class Assembler {
  private bytes: Uint8Array;
  private at = 0;
  private readonly branches: Branches;
  /** For each label its raw offset and how many branches lie before it. */
  private readonly labelAt: Int32List;
  private readonly labelBranches: Int32List;
  private readonly fixups: { at: number; branches: number; kind: Fixup["kind"]; target: number }[] = [];
  /** What each instruction was, where it is to be kept: raw offset, branches before, text. */
  private readonly lines: { at: number; branches: number; text: string }[] = [];
  private readonly keepText: boolean;
  /** Fields of `[rip + label]`: raw offset, branches before, label, bytes from the field's end to the instruction's. */
  private readonly ripFields: { at: number; branches: number; label: Label; tail: number }[] = [];

  /** @param capacity bytes to begin with; it grows by itself. @param keepText also keeps every instruction as text. */
  constructor(capacity = 1024, keepText = false) {
    this.keepText = keepText;
    this.bytes = new Uint8Array(Math.max(capacity, MAX_INSTRUCTION));
    const list = (): Int32List => new Int32List(capacity >> 4);
    this.branches = { at: list(), label: list(), opcode: list() };
    this.labelAt = list();
    this.labelBranches = list();
  }

  /** A new label, to be bound once. */
  label(): Label {
    this.labelBranches.push(0);
    return this.labelAt.push(UNBOUND);
  }

  /** Says that `label` is here. @throws {X64Error} `BAD_LABEL` where it is bound already or not of this assembler. */
  bind(label: Label): void {
    if (this.labelAt.at(label) !== UNBOUND) throw new X64Error("BAD_LABEL", `label ${label} is unknown or bound twice`);
    this.labelAt.data[label] = this.at;
    this.labelBranches.data[label] = this.branches.at.length;
  }

  /** A new label that is here. */
  mark(): Label {
    this.labelBranches.push(this.branches.at.length);
    return this.labelAt.push(this.at);
  }

  /** `jmp label`, or `jcc label` with a condition: 2 bytes where it reaches, else 5 or 6. */
  jump(label: Label, condition?: Condition): void {
    this.branch(label, condition === undefined ? 0xeb : 0x70 | CONDITIONS[condition]);
  }

  /** `call label`: 5 bytes. */
  call(label: Label): void {
    this.branch(label, 0xe8);
  }

  private branch(label: Label, opcode: number): void {
    this.branches.at.push(this.at);
    this.branches.label.push(label);
    this.branches.opcode.push(opcode);
  }

  /** Fills up with nops to a multiple of `bytes`, counted from the start of the code. @throws {X64Error} `BAD_OPERAND`. */
  align(bytes: number): void {
    if (!(bytes >= 1 && bytes <= 128 && (bytes & (bytes - 1)) === 0)) {
      throw new X64Error("BAD_OPERAND", `alignment must be a power of two from 1 to 128, not ${bytes}`);
    }
    this.branch(bytes, ALIGN);
  }

  /** `call rel32` (or `jmp rel32`) to something outside this code: a fixup. */
  callFixup(target: number, jump = false): void {
    this.reserve();
    if (this.keepText) this.note(`${jump ? "jmp" : "call"} rel32`);
    this.bytes[this.at++] = jump ? 0xe9 : 0xe8;
    this.fixup("rel32", target, 4);
  }

  /** `mov register, imm64` of an address outside this code: a fixup. */
  addressFixup(register: Register, target: number): void {
    this.reserve();
    if (this.keepText) this.note(`mov ${registerName(register, 64)}, imm64`);
    this.bytes[this.at++] = 0x48 | (register >> 3);
    this.bytes[this.at++] = 0xb8 | (register & 7);
    this.fixup("abs64", target, 8);
  }

  private fixup(kind: Fixup["kind"], target: number, size: number): void {
    this.fixups.push({ at: this.at, branches: this.branches.at.length, kind, target });
    for (let i = 0; i < size; i++) this.bytes[this.at++] = 0;
  }

  /** Bytes as they are: data between code. */
  data(bytes: Uint8Array): void {
    while (this.at + bytes.length > this.bytes.length) this.grow();
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /**
   * One instruction.
   * @throws {X64Error} `BAD_OPERAND` for an operand the form does not take, `OUT_OF_RANGE` for a number that does not fit.
   */
  emit(form: Form, first: Operand = 0, second: Operand = 0, third: Operand = 0): void {
    this.reserve();
    const start = this.at;
    if (this.keepText) this.note(formatInstruction(form, [first, second, third]));
    try {
      this.encode(form, first, second, third);
    } catch (error) {
      this.at = start;
      if (this.keepText) this.lines.pop();
      throw error;
    }
  }

  private note(text: string): void {
    this.lines.push({ at: this.at, branches: this.branches.at.length, text });
  }

  private encode(form: Form, first: Operand, second: Operand, third: Operand): void {
    const rm = pick(form.rm, first, second, third);
    const memory = typeof rm === "object" ? rm : undefined;
    const reg = form.reg < 0 ? Math.max(form.digit, 0) : registerOf(form, pick(form.reg, first, second, third));
    if (memory !== undefined) this.segment(memory);
    if (form.encoding === "vex") this.vex(form, reg, rm, registerOf(form, pick(form.vvvv, first, second, third)));
    else this.legacy(form, reg, rm, pick(form.plus, first, second, third));
    if (form.rm >= 0) {
      if (memory !== undefined) this.memory(form, reg, memory);
      else this.direct(form, reg, rm);
    }
    if (form.immediateBytes > 0) this.immediate(form, pick(form.immediate, first, second, third));
  }

  private direct(form: Form, reg: number, rm: Operand): void {
    if (form.operands[form.rm] === "memory") {
      throw new X64Error("BAD_OPERAND", `needs memory, not ${describe(rm)}`, { form: form.name });
    }
    this.bytes[this.at++] = 0xc0 | ((reg & 7) << 3) | (registerOf(form, rm) & 7);
  }

  private segment(memory: Memory): void {
    if (memory.segment !== undefined) this.bytes[this.at++] = memory.segment === "gs" ? 0x65 : 0x64;
    if (memory.address32) this.bytes[this.at++] = 0x67;
  }

  /** Prefixes, REX and opcode (SDM vol. 2, sections 2.1.1 and 2.2.1). */
  private legacy(form: Form, reg: number, rm: Operand, plus: Operand): void {
    const { prefixes, opcode, byteOperands } = form;
    for (let i = 0; i < prefixes.length; i++) this.bytes[this.at++] = prefixes[i]!;
    let rex = (form.rexW ? 8 : 0) | ((reg >> 3) << 2);
    if (typeof rm === "object") rex |= (((rm.index ?? 0) >> 3) << 1) | ((rm.base ?? 0) >> 3);
    else if (form.rm >= 0) {
      rex |= registerOf(form, rm) >> 3;
      if (byteOperands[form.rm] && isHighByte(rm)) rex |= 0x40;
    }
    if (form.reg >= 0 && byteOperands[form.reg] && isHighByte(reg)) rex |= 0x40;
    const last = opcode.length - 1;
    let low = 0;
    if (form.plus >= 0) {
      const register = registerOf(form, plus);
      rex |= register >> 3;
      low = register & 7;
    }
    if (rex !== 0) this.bytes[this.at++] = 0x40 | rex;
    for (let i = 0; i < last; i++) this.bytes[this.at++] = opcode[i]!;
    this.bytes[this.at++] = opcode[last]! | low;
  }

  /** Three-byte VEX (SDM vol. 2, section 2.3.5): R, X, B and vvvv are inverted. */
  private vex(form: Form, reg: number, rm: Operand, vvvv: number): void {
    const x = typeof rm === "object" ? (rm.index ?? 0) >> 3 : 0;
    const b = typeof rm === "object" ? (rm.base ?? 0) >> 3 : registerOf(form, rm) >> 3;
    this.bytes[this.at++] = 0xc4;
    this.bytes[this.at++] = (((reg >> 3) ^ 1) << 7) | ((x ^ 1) << 6) | ((b ^ 1) << 5) | form.vex[0];
    this.bytes[this.at++] = form.vex[1] | ((vvvv ^ 15) << 3);
    this.bytes[this.at++] = form.opcode[0]!;
  }

  /** ModRM, SIB and displacement (SDM vol. 2, tables 2-2 and 2-3). */
  private memory(form: Form, reg: number, memory: Memory): void {
    const { base, index, displacement = 0 } = memory;
    checkMemory(form, memory);
    const field = (reg & 7) << 3;
    if (memory.label !== undefined) {
      this.bytes[this.at++] = field | 5;
      this.ripFields.push({
        at: this.at,
        branches: this.branches.at.length,
        label: memory.label,
        tail: form.immediateBytes,
      });
      this.int32(displacement);
      return;
    }
    if (base === undefined) {
      // Without a base: SIB with base 5 and mod 0 means a 32-bit displacement alone.
      this.bytes[this.at++] = field | 4;
      this.bytes[this.at++] = sib(memory.scale, index ?? RSP, 5);
      this.int32(displacement);
      return;
    }
    // mod 0 with base rbp or r13 would mean no base, so these take a displacement of 0.
    const mod = displacement === 0 && (base & 7) !== 5 ? 0 : displacement >= -128 && displacement <= 127 ? 0x40 : 0x80;
    if (index === undefined && (base & 7) !== RSP) this.bytes[this.at++] = mod | field | (base & 7);
    else {
      this.bytes[this.at++] = mod | field | 4;
      this.bytes[this.at++] = sib(memory.scale, index ?? RSP, base);
    }
    if (mod === 0x40) this.bytes[this.at++] = displacement;
    else if (mod === 0x80) this.int32(displacement);
  }

  private int32(value: number): void {
    this.bytes[this.at++] = value;
    this.bytes[this.at++] = value >> 8;
    this.bytes[this.at++] = value >> 16;
    this.bytes[this.at++] = value >> 24;
  }

  private immediate(form: Form, value: Operand): void {
    if (form.immediateBytes === 8) {
      const wide = BigInt.asUintN(64, toBigint(form, value));
      this.int32(Number(wide & 0xffff_ffffn) | 0);
      this.int32(Number(wide >> 32n) | 0);
      return;
    }
    if (typeof value !== "number" || !Number.isInteger(value)) {
      throw new X64Error("BAD_OPERAND", `needs an integer as its immediate, not ${String(value)}`, { form: form.name });
    }
    if (value < form.immediateMin || value > form.immediateMax) {
      const range = `${form.immediateMin} to ${form.immediateMax}`;
      throw new X64Error("OUT_OF_RANGE", `immediate ${value} is not within ${range}`, { form: form.name });
    }
    for (let i = 0; i < form.immediateBytes; i++) this.bytes[this.at++] = value >> (8 * i);
  }

  /** Room for one instruction. */
  private reserve(): void {
    if (this.at + MAX_INSTRUCTION > this.bytes.length) this.grow();
  }

  private grow(): void {
    const larger = new Uint8Array(this.bytes.length * 2);
    larger.set(this.bytes);
    this.bytes = larger;
  }

  /**
   * Chooses the branches' sizes and gives the code. The assembler stays as it was.
   * @throws {X64Error} `BAD_LABEL` for a branch to a label that was never bound.
   */
  finish(): Code {
    const layout = layBranches(this.bytes, this.at, this.branches, this.labelAt, this.labelBranches);
    const fixups = this.fixups.map((field) => ({
      at: field.at + layout.before[field.branches]!,
      kind: field.kind,
      target: field.target,
    }));
    const view = new DataView(layout.bytes.buffer);
    for (const field of this.ripFields) {
      const at = field.at + layout.before[field.branches]!;
      const target = layout.labels[field.label] ?? UNBOUND;
      if (target === UNBOUND)
        throw new X64Error("BAD_LABEL", `label ${field.label} is used but never bound`, { offset: at });
      view.setInt32(at, view.getInt32(at, true) + target - (at + 4 + field.tail), true);
    }
    return { bytes: layout.bytes, labels: layout.labels, fixups, text: this.keepText ? this.textOf(layout) : [] };
  }

  /** Kept lines and branches, in the order of the code. */
  private textOf({ before, labels }: Layout): TextLine[] {
    const lines: TextLine[] = this.lines.map(({ at, branches, text }) => ({ at: at + before[branches]!, text }));
    for (let index = 0; index < this.branches.at.length; index++) {
      const at = this.branches.at.data[index]!;
      const opcode = this.branches.opcode.data[index]!;
      const label = this.branches.label.data[index]!;
      const start = at + before[index]!;
      if (opcode !== ALIGN) lines.push({ at: start, text: branchName(opcode), target: labels[label]! });
      else if (before[index + 1]! > before[index]!) lines.push({ at: start, text: "nop" });
    }
    return lines.sort((a, b) => a.at - b.at);
  }
}

/** The mnemonic of a branch by the opcode of its short form. */
function branchName(opcode: number): string {
  if (opcode === 0xe8) return "call";
  return opcode === 0xeb ? "jmp" : `j${conditionName(opcode & 15)}`;
}
