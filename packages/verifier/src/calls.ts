import { callTarget } from "./code.js";
import { widenTowards } from "./compare.js";
import { Rejection } from "./error.js";
import { findLoopHead } from "./explored.js";
import { frameText, SHOW_ALL } from "./format-state.js";
import { checkArgumentOffset, checkHelperMemory } from "./helper-arguments.js";
import { write } from "./log.js";
import { pushPath } from "./paths.js";
import { markPrecise } from "./precision.js";
import type { Prototype } from "./prototype.js";
import { forgetPacketPointers } from "./references.js";
import {
  isNull,
  MAYBE_NULL,
  mayBeNull,
  NOT_INIT,
  PTR_TO_CTX,
  PTR_TO_STACK,
  type Register,
  SCALAR,
  UNINITIALISED,
  UNKNOWN_SCALAR,
  withType,
} from "./register.js";
import type { Scalar } from "./scalar.js";
import { S64_MAX, S64_MIN } from "./scalar.js";
import { instanceOf } from "./stack-liveness.js";
import { currentFrame, type Frame, newFrame, type State } from "./state.js";
import { subprogramOf } from "./subprograms.js";
import { frameOf, reg, reject, say, scratchAll, setReg, type Verification } from "./verification.js";

/** Makes r0–r5 unreadable, as every call does. */
export function clearCallerSaved(v: Verification): void {
  for (let number = 0; number <= 5; number++) setReg(v, number, UNINITIALISED);
}

/** Adds a frame for a callee to a state. */
export function enterFrame(
  v: Verification,
  state: State,
  subprogram: number,
  callsite: number,
  callbackRange?: readonly [number, number],
): Frame {
  const index = state.frames.length;
  if (index >= v.profile.maxFrames) {
    reject(v, "E2BIG", `the call stack of ${index + 1} frames is too deep`);
  }
  const outer = currentFrame(state).liveness;
  const frame = newFrame(subprogram, callsite, index, instanceOf(v, subprogram, outer, callsite), callbackRange);
  state.frames.push(frame);
  scratchAll(v);
  return frame;
}

/** Whether an argument points to so many bytes; what does not is said. */
function memoryFits(v: Verification, number: number, size: number): boolean {
  const r = reg(v, number);
  if (isNull(r)) return true;
  const { regs } = frameOf(v);
  if (mayBeNull(r.type)) regs[number] = withType(r, r.type & ~MAYBE_NULL, r.id, r.ref);
  try {
    checkHelperMemory(v, number, size, "read", true, undefined);
    checkHelperMemory(v, number, size, "write", true, undefined);
  } catch (error) {
    if (error instanceof Rejection) return false;
    throw error;
  }
  regs[number] = r;
  return true;
}

/** Says what is wrong with an argument of a global function; true: nothing. */
function argumentFits(v: Verification, prototype: Prototype, index: number): boolean {
  const argument = prototype.args[index]!;
  const number = index + 1;
  const r = reg(v, number);
  switch (argument.kind) {
    case "scalar":
      if (r.type === SCALAR) return true;
      say(v, `R${number} is not a scalar`);
      return false;
    case "ctx":
      checkArgumentOffset(v, number, false);
      if (r.type === PTR_TO_CTX) return true;
      say(v, `arg#${index} expects pointer to ctx`);
      return false;
    case "mem":
      checkArgumentOffset(v, number, false);
      if (!memoryFits(v, number, argument.size)) return false;
      if (argument.nullable || !mayBeNull(r.type)) return true;
      say(v, `arg#${index} is expected to be non-NULL`);
      return false;
    default:
      say(v, `Arg#${index} type in ${v.subprograms[0]!.name}() is not supported yet.`);
      return false;
  }
}

/** Refuses a call whose arguments do not fit, saying last whose they are. */
function checkGlobalArguments(v: Verification, index: number, prototype: Prototype | undefined): void {
  const words = `Caller passes invalid args into func#${index} ('${v.subprograms[index]!.name}')`;
  if (prototype === undefined || prototype.problem !== undefined) reject(v, "EINVAL", words);
  for (let at = 0; at < prototype.args.length; at++) {
    let fits: boolean;
    try {
      fits = argumentFits(v, prototype, at);
    } catch (error) {
      if (error instanceof Rejection) reject(v, error.errno, words);
      throw error;
    }
    if (!fits) reject(v, "EINVAL", words);
  }
}

/** A global function is taken at its word: its arguments must fit, its result is any number. */
function callGlobal(v: Verification, index: number): void {
  const callee = v.subprograms[index]!;
  const { prototype } = callee;
  if (v.state.lock !== undefined) {
    const lines = ["global function calls are not allowed while holding a lock,", "use static function instead"];
    reject(v, "EINVAL", ...lines);
  }
  if (prototype?.problem !== undefined) say(v, prototype.problem);
  checkGlobalArguments(v, index, prototype);
  if (v.log.level > 0) say(v, `Func#${index} ('${callee.name}') is global and assumed valid.`);
  if (callee.changesPacket) forgetPacketPointers(v);
  callee.called = true;
  clearCallerSaved(v);
  setReg(v, 0, UNKNOWN_SCALAR);
}

/** A call of a subprogram: a static one is walked with what is known here, a global one by its prototype. */
export function callSubprogram(v: Verification): void {
  const target = callTarget(v.code, v.slot);
  const index = subprogramOf(v, target);
  if (v.subprograms[index]!.isGlobal) {
    callGlobal(v, index);
    v.slot++;
    return;
  }
  const caller = frameOf(v);
  const callee = enterFrame(v, v.state, index, v.slot);
  for (let number = 1; number <= 5; number++) callee.regs[number] = caller.regs[number]!;
  for (let number = 0; number <= 5; number++) caller.regs[number] = UNINITIALISED;
  if (v.log.level > 0) {
    write(
      v.log,
      `caller:\n${frameText(v.state, caller, SHOW_ALL)}\ncallee:\n${frameText(v.state, callee, SHOW_ALL)}\n`,
    );
  }
  v.slot = target;
}

/** `smin=2 smax=2`, or that nothing is known. */
function rangeWords(num: Scalar): string {
  const words: string[] = [];
  if (num.smin > S64_MIN) words.push(` smin=${num.smin}`);
  if (num.smax < S64_MAX) words.push(` smax=${num.smax}`);
  return words.length === 0 ? " unknown scalar value" : words.join("");
}

/** Refuses a return value outside of a range. */
export function checkReturnRange(v: Verification, num: Scalar, range: readonly [number, number], when: string): void {
  if (num.smin >= BigInt(range[0]) && num.smax <= BigInt(range[1])) return;
  const allowed = `should have been in [${range[0]}, ${range[1]}]`;
  reject(v, "EINVAL", `${when} the register R0 has${rangeWords(num)} ${allowed}`);
}

function checkCallbackReturn(v: Verification, r0: Register, range: readonly [number, number]): void {
  if (r0.type !== SCALAR) reject(v, "EACCES", "R0 not a scalar value");
  markPrecise(v, 0);
  checkReturnRange(v, r0.num, range, "At callback return");
}

/**
 * The end of a subprogram: its frame goes, its r0 is the caller's, and the walk goes on behind the call. A callback returns
 * to the helper, which calls it again, or not.
 */
export function leaveFrame(v: Verification): void {
  const { frames } = v.state;
  const callee = frameOf(v);
  const r0 = callee.regs[0]!;
  // Pointers to stack never go up: the callee's frame is gone, and the caller's pointers are its own to make.
  if (r0.type === PTR_TO_STACK) reject(v, "EINVAL", "cannot return stack pointer to the caller");
  const caller = frames[frames.length - 2]!;
  if (callee.callbackRange !== undefined) checkCallbackReturn(v, r0, callee.callbackRange);
  else caller.regs[0] = r0;
  const isCallback = callee.callbackRange !== undefined;
  const next = isCallback ? callee.callsite : callee.callsite + 1;
  if (v.log.level > 0) {
    write(v.log, `returning from callee:\n${frameText(v.state, callee, SHOW_ALL)}\n`);
    write(v.log, `to caller at ${next}:\n${frameText(v.state, caller, SHOW_ALL)}\n`);
  }
  frames.pop();
  v.slot = next;
  const head = isCallback ? findLoopHead(v, next, v.state) : undefined;
  if (head !== undefined) widenTowards(head, v.state);
}

/** A helper that runs a callback: one path runs it once more, the other goes on behind the helper. */
export function pushCallback(
  v: Verification,
  subprogram: number,
  setArguments: (caller: Frame, callee: Frame) => void,
): void {
  const caller = frameOf(v);
  v.subprograms[subprogram]!.isCallback = true;
  const state = pushPath(v, v.subprograms[subprogram]!.start, v.slot, "ENOMEM");
  const callee = enterFrame(v, state, subprogram, v.slot, [0, 1]);
  setArguments(caller, callee);
  state.callbackUnrollDepth++;
  state.frames[state.frames.length - 2]!.callbackDepth++;
  caller.callbackDepth = 0;
}

/** Whether r0 was set: the reader of a result that was never made finds it unreadable. */
export const isReadable = (r: Register): boolean => r.type !== NOT_INIT;
