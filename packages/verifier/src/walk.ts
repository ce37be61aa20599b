import { sourceLineAt } from "@bpfkit/core";
import { checkAlu } from "./alu.js";
import { callSubprogram } from "./calls.js";
import { VerifierError } from "./error.js";
import { checkExit } from "./exit.js";
import { endPath, isVisited } from "./explored.js";
import { collect, collectBranch } from "./fact-collector.js";
import { instructionText } from "./format.js";
import { frameText, SHOW_ALL } from "./format-state.js";
import { callHelper } from "./helper-call.js";
import { record } from "./history.js";
import { checkConditionalJump } from "./jump.js";
import { callKfunc, isSpinAllowed } from "./kfunc-call.js";
import { checkLd, checkLoad, checkStore, checkStoreImmediate } from "./load-store.js";
import { cut, write } from "./log.js";
import {
  CALL,
  CALL_HELPER,
  CALL_KFUNC,
  CALL_SUBPROGRAM,
  CLASS_ALU,
  CLASS_ALU64,
  CLASS_JMP32,
  CLASS_LD,
  CLASS_LDX,
  CLASS_ST,
  CLASS_STX,
  EXIT,
  EXIT_OPCODE,
  JA,
  JCOND,
  SOURCE_REGISTER,
} from "./opcode.js";
import { CONTEXT, MAYBE_NULL, PTR_TO_MEM, register, SCALAR, UNKNOWN_SCALAR } from "./register.js";
import { known, ZERO } from "./scalar.js";
import { beginWrites, commitWrites, instanceOf } from "./stack-liveness.js";
import { type Frame, newFrame, newState } from "./state.js";
import { frameOf, MAX_PROCESSED, reject, say, scratchAll, type Verification } from "./verification.js";

/** How a long walk is watched and stopped. */
export interface Progress {
  readonly cancel: { readonly cancelled: boolean } | undefined;
  readonly onProgress: ((processed: number, limit: number) => void) | undefined;
}

/** Instructions between two looks at `cancel`. */
const POLL = 4096;

/** `bpf_spin_unlock`: the only helper that may be called while a lock is held. */
const SPIN_UNLOCK = 94;

function checkCallFields(v: Verification, opcode: number): void {
  const { src, dst, off } = v.code;
  const { slot } = v;
  const kind = src[slot]!;
  const knownKind = kind === CALL_HELPER || (kind === CALL_SUBPROGRAM && v.profile.calls) || kind === CALL_KFUNC;
  const isFromRegister = (opcode & SOURCE_REGISTER) !== 0 || (opcode & 7) === CLASS_JMP32;
  if (isFromRegister || !knownKind || dst[slot] !== 0 || (kind !== CALL_KFUNC && off[slot] !== 0)) {
    reject(v, "EINVAL", "BPF_CALL uses reserved fields");
  }
}

function checkCall(v: Verification, opcode: number): void {
  checkCallFields(v, opcode);
  const kind = v.code.src[v.slot]!;
  const isFree = kind === CALL_KFUNC ? isSpinAllowed(v) : kind !== CALL_HELPER || v.code.imm[v.slot] === SPIN_UNLOCK;
  if (v.state.lock !== undefined && !isFree) {
    reject(v, "EINVAL", "function calls are not allowed while holding a lock");
  }
  if (kind === CALL_SUBPROGRAM) callSubprogram(v);
  else if (kind === CALL_KFUNC) callKfunc(v);
  else callHelper(v);
  v.scratchedRegisters |= 1;
}

function checkGoto(v: Verification, opcode: number): void {
  const { src, dst, off, imm } = v.code;
  const { slot } = v;
  const is32 = (opcode & 7) === CLASS_JMP32;
  const reserved = is32 ? off[slot] !== 0 : imm[slot] !== 0;
  if ((opcode & SOURCE_REGISTER) !== 0 || src[slot] !== 0 || dst[slot] !== 0 || reserved) {
    reject(v, "EINVAL", "BPF_JA uses reserved fields");
  }
  v.slot += 1 + (is32 ? imm[slot]! : off[slot]!);
}

function checkBranch(v: Verification, opcode: number): void {
  const { slot } = v;
  const waiting = v.pending.length;
  checkConditionalJump(v, opcode);
  if (v.log.level > 0 && (opcode & 0xf0) !== JCOND) logState(v, slot);
  if (!v.facts.isOn || (opcode & 0xf0) === JCOND) return;
  if (v.pending.length > waiting) collectBranch(v.facts, slot, true);
  collectBranch(v.facts, slot, v.slot !== slot + 1 || v.code.off[slot] === 0);
}

/** A jump, call or exit. True: the path ends here. */
function checkJump(v: Verification, opcode: number): boolean {
  v.jumps++;
  switch (opcode & 0xf0) {
    case CALL:
      checkCall(v, opcode);
      return false;
    case JA:
      checkGoto(v, opcode);
      return false;
    case EXIT: {
      const ends = checkExit(v);
      return ends;
    }
    default:
      checkBranch(v, opcode);
      return false;
  }
}

/** Checks the instruction the walk is at and moves on. True: the path ends here. */
function checkInstruction(v: Verification): boolean {
  const opcode = v.code.opcode[v.slot]!;
  switch (opcode & 7) {
    case CLASS_ALU:
    case CLASS_ALU64:
      checkAlu(v, opcode);
      return false;
    case CLASS_LDX:
      checkLoad(v, opcode);
      return false;
    case CLASS_STX:
      checkStore(v, opcode);
      return false;
    case CLASS_ST:
      checkStoreImmediate(v, opcode);
      return false;
    case CLASS_LD:
      checkLd(v, opcode);
      return false;
    default:
      return checkJump(v, opcode);
  }
}

const column = (position: number): number => Math.ceil(Math.max(position + 4, 40) / 8) * 8 - position - 1;

/** Prints what the last instruction read and changed behind it, or on a line of its own. */
function logState(v: Verification, slot: number): void {
  const { log } = v;
  const shown = { registers: v.scratchedRegisters, low: v.scratchedLow, high: v.scratchedHigh };
  const text = frameText(v.state, frameOf(v), shown);
  v.scratchedRegisters = v.scratchedLow = v.scratchedHigh = 0;
  if (log.lastLineEnd !== 0 && log.lastLineEnd === log.length) {
    cut(log, log.length - 1);
    write(log, `${" ".repeat(Math.max(column(log.lastLineLength), 1))};${text}\n`);
  } else write(log, `${slot}:${text}\n`);
}

function logSource(v: Verification): void {
  const lines = v.program.btf?.lines;
  if (lines === undefined) return;
  let row = -1;
  for (let at = 0; at < lines.length && lines[at]! <= v.slot; at += 4) row = at;
  if (row < 0 || row === v.log.lastSource) return;
  const source = sourceLineAt(v.program, v.slot);
  if (source === undefined) return;
  // Several records may be of one line, which is said once.
  const last = v.log.lastSource < 0 ? undefined : sourceLineAt(v.program, lines[v.log.lastSource]!);
  if (last !== undefined && last.file === source.file && last.line === source.line) return;
  v.log.lastSource = row;
  const file = source.file.slice(source.file.lastIndexOf("/") + 1);
  write(v.log, `; ${source.text} @ ${file}:${source.line}\n`);
}

function logInstruction(v: Verification): void {
  const { log } = v;
  if ((v.scratchedRegisters | v.scratchedLow | v.scratchedHigh) !== 0) logState(v, v.slot);
  logSource(v);
  const line = `${v.slot}: ${instructionText(v.code, v.slot)}\n`;
  write(log, line);
  log.lastLineEnd = log.length;
  log.lastLineLength = line.length;
}

/** A path begins in the middle: says where it came from. */
function logJoin(v: Verification): void {
  write(v.log, `\nfrom ${v.previousSlot} to ${v.slot}:${frameText(v.state, frameOf(v), SHOW_ALL)}\n`);
}

/** Goes on with the path that was set aside last. False: there is none. */
function nextPath(v: Verification): boolean {
  endPath(v);
  const next = v.pending.pop();
  if (next === undefined) return false;
  v.state = next.state;
  v.slot = next.slot;
  v.previousSlot = next.previousSlot;
  // At level 2 everything that was walked stays to be read.
  if (v.log.level < 2) cut(v.log, next.logLength);
  scratchAll(v);
  return true;
}

function poll(v: Verification, progress: Progress): void {
  if (progress.cancel?.cancelled === true) {
    throw new VerifierError("CANCELLED", `stopped after ${v.processed} instructions`, { program: v.program.name });
  }
  progress.onProgress?.(v.processed, MAX_PROCESSED);
}

function count(v: Verification): void {
  if (++v.processed > MAX_PROCESSED) {
    reject(v, "E2BIG", `BPF program is too large. Processed ${v.processed} insn`);
  }
}

/** Whether the walk need not go on from here; else the place is recorded. */
function joins(v: Verification, isNewPath: boolean): boolean {
  const { slot } = v;
  v.history.current = -1;
  v.state.lastSlot = v.previousSlot;
  if (v.slots.prunePoint[slot] === 1 && isVisited(v, slot)) {
    if (v.log.level > 0) {
      write(v.log, isNewPath ? `\nfrom ${v.previousSlot} to ${slot}: safe\n` : `${slot}: safe\n`);
    }
    return true;
  }
  if (v.slots.jumpPoint[slot] === 1) record(v.history, v.state, slot, v.previousSlot, 0);
  return false;
}

/** Walks all paths from the current state on (Linux `do_check`). */
function walk(v: Verification, progress: Progress): void {
  let isNewPath = false;
  const { level } = v.log;
  for (;;) {
    count(v);
    if ((v.processed & (POLL - 1)) === 0) poll(v, progress);
    if (joins(v, isNewPath)) {
      if (!nextPath(v)) return;
      isNewPath = true;
      continue;
    }
    if (isNewPath && level >= 2) logJoin(v);
    isNewPath = isNewPath && level < 2;
    if (level > 0) logInstruction(v);
    if (v.reason.length > 0) v.reason.length = 0;
    const { slot } = v;
    const frame: Frame = frameOf(v);
    v.slots.seen[slot] = 1;
    if (v.facts.isOn) collect(v.facts, slot, frame, v.slots.liveRegisters[slot]!);
    beginWrites(v, frame.liveness, slot);
    const frames = v.state.frames.length;
    const ends = checkInstruction(v);
    commitWrites(v);
    v.previousSlot = slot;
    if (ends) {
      if (!nextPath(v)) return;
      isNewPath = true;
      // A tail call may leave a frame, too, but the log goes on without a word.
    } else if (v.state.frames.length < frames && v.code.opcode[slot] === EXIT_OPCODE) isNewPath = true;
  }
}

/** Sets the arguments a function begins with: the context, or what a global function's prototype says. */
function setArguments(v: Verification, index: number, frame: Frame): void {
  if (index === 0) {
    if (v.program.type === "raw") {
      frame.regs[1] = register(PTR_TO_MEM, ZERO, 0, 0, 0, v.memorySize);
      frame.regs[2] = register(SCALAR, known(BigInt(v.memorySize)));
    } else frame.regs[1] = CONTEXT;
    return;
  }
  const { name, prototype } = v.subprograms[index]!;
  if (v.log.level > 0) say(v, `Validating ${name}() func#${index}...`);
  if (prototype?.problem !== undefined) reject(v, "EINVAL", prototype.problem);
  prototype?.args.forEach((argument, at) => {
    const number = at + 1;
    if (argument.kind === "scalar") frame.regs[number] = UNKNOWN_SCALAR;
    else if (argument.kind === "ctx") frame.regs[number] = CONTEXT;
    else if (argument.kind === "mem") {
      const type = argument.nullable ? PTR_TO_MEM | MAYBE_NULL : PTR_TO_MEM;
      frame.regs[number] = register(type, ZERO, 0, ++v.nextId, 0, argument.size);
    }
  });
}

/** Walks one function with the arguments it may get: the entry, or a global function. */
export function walkFunction(v: Verification, index: number, progress: Progress): void {
  const { start } = v.subprograms[index]!;
  const frame = newFrame(index, -1, 0, instanceOf(v, index));
  v.state = newState(frame, start);
  v.slot = start;
  v.previousSlot = -1;
  v.explored = [];
  v.visits = new Map();
  v.log.lastSource = -1;
  v.log.lastLineEnd = 0;
  scratchAll(v);
  v.reason.length = 0;
  setArguments(v, index, frame);
  walk(v, progress);
  if (v.log.level < 2) cut(v.log, 0);
  v.reason.length = 0;
}
