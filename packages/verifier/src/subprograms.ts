import type { Program } from "@bpfkit/core";
import { type Code, callTarget, isHelperCall, isJumpClass, isSubprogramCall, isWideLoad, jumpTarget } from "./code.js";
import {
  CALL,
  CLASS_LD,
  EXIT,
  EXIT_OPCODE,
  JA_OPCODE,
  JA32_OPCODE,
  LOAD_FUNCTION,
  MODE_ABS,
  MODE_IND,
} from "./opcode.js";
import type { ProgramTypes } from "./prototype.js";
import { MAX_SUBPROGRAMS, reject, type SubprogramInfo, since, type Verification } from "./verification.js";

/** The helper `bpf_tail_call`. */
export const TAIL_CALL = 12;

/** Whether a slot loads a subprogram's address. */
export const isFunctionLoad = (code: Code, slot: number): boolean =>
  isWideLoad(code, slot) && code.src[slot] === LOAD_FUNCTION;

/**
 * Finds where subprograms begin: at the entry and wherever a call or an address leads.
 * Refuses calls that lead out of the program, and too many subprograms.
 */
export function findSubprograms(v: Verification, types: ProgramTypes): void {
  const { code, program } = v;
  const starts = new Set([0]);
  for (let slot = 0; slot < code.length; slot++) {
    if (!isSubprogramCall(code, slot) && !isFunctionLoad(code, slot)) continue;
    if (!v.profile.calls) reject(v, "EINVAL", "BPF_CALL uses reserved fields");
    const target = callTarget(code, slot);
    if (target < 0 || target >= code.length) reject(v, "EINVAL", "call to invalid destination");
    if (!starts.has(target) && starts.size >= MAX_SUBPROGRAMS) reject(v, "E2BIG", "too many subprograms");
    starts.add(target);
  }
  const sorted = [...starts].sort((a, b) => a - b);
  sorted.forEach((start, index) => {
    v.subprograms.push(subprogramInfo(v, program, types, start, sorted[index + 1] ?? code.length));
  });
}

function subprogramInfo(
  v: Verification,
  program: Program,
  types: ProgramTypes,
  start: number,
  end: number,
): SubprogramInfo {
  const declared = program.subprograms.find((subprogram) => subprogram.start === start);
  return {
    name: declared?.name ?? (start === 0 ? program.name : ""),
    start,
    end,
    // Without BTF nothing is known of a function's linkage; before 5.6 there were no global ones.
    isGlobal: v.hasFunctionInfo && declared?.linkage === "global" && start !== 0 && since(v, 506),
    prototype: types.prototypeAt(start),
    stackDepth: 0,
    hasTailCall: false,
    hasLegacyLoad: false,
    changesPacket: false,
    isCallback: false,
    isAsyncCallback: false,
    called: false,
    verified: false,
    privateStack: false,
  };
}

/** The subprogram that holds a slot. */
export function subprogramOf(v: Verification, slot: number): number {
  let low = 0;
  let high = v.subprograms.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (v.subprograms[middle]!.start <= slot) low = middle;
    else high = middle - 1;
  }
  return low;
}

const isLegacyLoad = (opcode: number): boolean =>
  (opcode & 7) === CLASS_LD && ((opcode & 0xe0) === MODE_ABS || (opcode & 0xe0) === MODE_IND);

/** Refuses jumps out of their subprogram and subprograms that end in neither an exit nor a jump. */
export function checkSubprograms(v: Verification): void {
  const { code } = v;
  for (const subprogram of v.subprograms) {
    for (let slot = subprogram.start; slot < subprogram.end; slot++) {
      const opcode = code.opcode[slot]!;
      if (isHelperCall(code, slot) && code.imm[slot] === TAIL_CALL) subprogram.hasTailCall = true;
      if (isLegacyLoad(opcode)) subprogram.hasLegacyLoad = true;
      if (isJumpClass(opcode) && (opcode & 0xf0) !== EXIT && (opcode & 0xf0) !== CALL) {
        const target = jumpTarget(code, slot);
        if (target < subprogram.start || target >= subprogram.end) {
          reject(v, "EINVAL", `jump out of range from insn ${slot} to ${target}`);
        }
      }
    }
    const last = code.opcode[subprogram.end - 1]!;
    if (last !== EXIT_OPCODE && last !== JA_OPCODE && last !== JA32_OPCODE) {
      reject(v, "EINVAL", "last insn is not an exit or jmp");
    }
  }
}

/** Subprograms that tail-call or load from the packet the old way must be known to return an int. */
export function checkAbnormalReturns(v: Verification): void {
  for (const subprogram of v.subprograms.slice(1)) {
    const kinds = [
      ["LD_ABS", subprogram.hasLegacyLoad],
      ["tail_call", subprogram.hasTailCall],
    ] as const;
    for (const [what, present] of kinds) {
      if (!present) continue;
      if (!v.hasFunctionInfo) {
        if (v.profile.mixed || what === "LD_ABS") {
          reject(v, "EINVAL", `${what} is not allowed in subprogs without BTF`);
        }
      } else if (subprogram.prototype?.returnsScalar !== true) {
        reject(v, "EINVAL", `${what} is only allowed in functions that return 'int'.`);
      }
    }
  }
}
