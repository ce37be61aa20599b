import { type Kfunc, type KfuncIterator, kfuncByName } from "@bpfkit/abi";
import { type Program, SLOT_BYTES } from "@bpfkit/core";
import { VerifierError } from "./error.js";
import { CALL_HELPER, CALL_OPCODE, CALL_SUBPROGRAM, CLASS_JMP, CLASS_JMP32, JA32_OPCODE, LD_IMM64 } from "./opcode.js";

/** The raw fields of a program's slots as columns. Nothing is checked: saying what is wrong is the verifier's work. */
export interface Code {
  readonly length: number;
  readonly opcode: Uint8Array;
  readonly dst: Uint8Array;
  readonly src: Uint8Array;
  readonly off: Int16Array;
  readonly imm: Int32Array;
  /** Kernel functions by the slots that call them. */
  readonly kfuncs: ReadonlyMap<number, CalledKfunc>;
}

/** A kernel function that a slot calls by name. */
export interface CalledKfunc {
  readonly name: string;
  /** Undefined where nothing is known of it. */
  readonly facts: Kfunc | undefined;
  /** Whether the program may do without it. */
  readonly weak: boolean;
}

function kfuncsOf(program: Program): ReadonlyMap<number, CalledKfunc> {
  return new Map(
    program.references.flatMap((reference): [number, CalledKfunc][] => {
      if (reference.kind !== "extern" || program.code[reference.slot * SLOT_BYTES] !== CALL_OPCODE) return [];
      const { slot, symbol: name, weak } = reference;
      return [[slot, { name, facts: kfuncByName(name), weak }]];
    }),
  );
}

/** @throws {VerifierError} `BAD_CODE` where it is not whole slots. */
export function readCode(program: Program): Code {
  const bytes = program.code;
  const length = bytes.length / SLOT_BYTES;
  if (!Number.isInteger(length)) {
    const what = `code has ${bytes.length} bytes; a program is whole slots of 8 bytes`;
    throw new VerifierError("BAD_CODE", what, { program: program.name });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const code: Code = {
    length,
    opcode: new Uint8Array(length),
    dst: new Uint8Array(length),
    src: new Uint8Array(length),
    off: new Int16Array(length),
    imm: new Int32Array(length),
    kfuncs: kfuncsOf(program),
  };
  for (let slot = 0; slot < length; slot++) {
    const at = slot * SLOT_BYTES;
    code.opcode[slot] = bytes[at]!;
    code.dst[slot] = bytes[at + 1]! & 15;
    code.src[slot] = bytes[at + 1]! >>> 4;
    code.off[slot] = view.getInt16(at + 2, true);
    code.imm[slot] = view.getInt32(at + 4, true);
  }
  return code;
}

/** Whether a slot begins a 64-bit load. */
export const isWideLoad = (code: Code, slot: number): boolean => code.opcode[slot] === LD_IMM64;

/** Slots of the instruction at a slot. */
export const slotsAt = (code: Code, slot: number): number => (code.opcode[slot] === LD_IMM64 ? 2 : 1);

export const isSubprogramCall = (code: Code, slot: number): boolean =>
  code.opcode[slot] === CALL_OPCODE && code.src[slot] === CALL_SUBPROGRAM;

export const isHelperCall = (code: Code, slot: number): boolean =>
  code.opcode[slot] === CALL_OPCODE && code.src[slot] === CALL_HELPER;

/** What a slot's call does to an open-coded iterator; undefined where it does nothing. */
export const iteratorRole = (code: Code, slot: number): KfuncIterator["role"] | undefined =>
  code.kfuncs.get(slot)?.facts?.iterator?.role;

/** Whether a slot's class is one of the two that jump, call and exit. */
export const isJumpClass = (opcode: number): boolean => (opcode & 7) === CLASS_JMP || (opcode & 7) === CLASS_JMP32;

/** Where a jump at a slot goes; a sum past 31 bits wraps, as the kernel's does. */
export const jumpTarget = (code: Code, slot: number): number =>
  (slot + 1 + (code.opcode[slot] === JA32_OPCODE ? code.imm[slot]! : code.off[slot]!)) | 0;

/** Where a call of a subprogram, or the load of its address, leads. */
export const callTarget = (code: Code, slot: number): number => slot + 1 + code.imm[slot]!;
