import { type HelperArgument, helperById } from "@bpfkit/abi";
import { callbackOf } from "./callbacks.js";
import { type CodeRange, calleeAt, rowAt } from "./code.js";
import { enter, type Flow, flowTo, type TailCallSite } from "./flow.js";
import { copyState, forget, frameOfKey, type State, spillKey } from "./state.js";
import { escape, noteWrite, useBytes, writes } from "./transfer.js";
import { constantOf, FRAME_BOTTOM, join, same, type StackPointer, type Value } from "./value.js";

/** r0–r5 after a call. */
function clobber(state: State, r0: Value): void {
  state.registers[0] = r0;
  for (let register = 1; register < 6; register++) state.registers[register] = undefined;
}

/** A callee sees r1–r5 and what its callers spilled; its own frame is new. */
function calleeState(state: State, callee: CodeRange, argumentsOf: (register: number) => Value): State {
  const spills = new Map([...state.spills].filter(([key]) => frameOfKey(key) !== callee.index));
  const registers = Array.from({ length: 11 }, (_, register) =>
    register >= 1 && register <= 5 ? argumentsOf(register) : undefined,
  );
  return { registers, spills };
}

/** A call of a subprogram, the last instruction of a block that begins at `block`. */
export function callLocal(flow: Flow, range: CodeRange, state: State, slot: number, block: number): void {
  const callee = calleeAt(flow.code, slot);
  if (callee.global) callGlobal(flow, range, state, callee);
  else enter(flow, callee.index, calleeState(state, callee, (register) => state.registers[register]));
  const summary = afterCallee(flow, range, state, callee.index, block);
  if (!summary.returns && !callee.global) return;
  clobber(state, callee.global ? undefined : summary.r0);
  flowTo(flow, slot + 1, state);
}

/** A global function is verified by its prototype: it knows nothing of its caller, whose pointers it may use. */
function callGlobal(flow: Flow, range: CodeRange, state: State, callee: CodeRange): void {
  for (let register = 1; register < 6; register++) {
    const value = state.registers[register];
    if (value?.kind === "stack") useRegion(flow, range, state, value, undefined, true);
  }
  enter(flow, callee.index, calleeState({ registers: [], spills: new Map() }, callee, () => undefined));
}

/** What a callee may have written is forgotten; the block is walked again when more is known of it. */
function afterCallee(flow: Flow, range: CodeRange, state: State, callee: number, block: number) {
  const summary = flow.summaries[callee]!;
  flow.waiting[callee]!.add(block);
  for (const [key, size] of summary.writes) {
    const frame = frameOfKey(key);
    forget(state, frame, key - spillKey(frame, 0), size, false);
  }
  const passedOn = [...summary.writes].filter(([key]) => frameOfKey(key) !== range.index);
  if (passedOn.length > 0) writes(flow, range.index, new Map(passedOn));
  return summary;
}

/** The end of a subprogram. */
export function leave(flow: Flow, range: CodeRange, state: State): void {
  returnValue(flow, range, state.registers[0]);
}

/** Joins a result into the summary. A range that still moves is given up at once: a recursion would move it for ever. */
function returnValue(flow: Flow, { index }: CodeRange, value: Value): void {
  const summary = flow.summaries[index]!;
  const isRange = summary.r0?.kind === "number" && summary.r0.min !== summary.r0.max;
  const r0 = summary.returns ? join(summary.r0, value, isRange) : value;
  if (summary.returns && same(r0, summary.r0)) return;
  summary.r0 = r0;
  summary.returns = true;
  for (const block of flow.waiting[index]!) flow.queue.add(block);
}

/** A tail call that succeeds ends the frame with an unknown result; one that does not goes on behind it. */
export function tailCall(flow: Flow, range: CodeRange, state: State, slot: number): void {
  noteTailCall(flow.tailCalls, range, slot, state.registers[2], state.registers[3]);
  returnValue(flow, range, undefined);
  clobber(state, undefined);
}

function noteTailCall(sites: Flow["tailCalls"], range: CodeRange, slot: number, array: Value, index: Value): void {
  const maps = array?.kind === "map" ? array.maps : undefined;
  const known = sites.get(slot);
  const bounds = indexBounds(index);
  if (known === undefined) {
    sites.set(slot, { slot, subprogram: range.index, maps, index: bounds });
    return;
  }
  known.maps = maps === undefined || known.maps === undefined ? undefined : [...new Set([...known.maps, ...maps])].sort();
  known.index = joinBounds(known.index, bounds);
}

function indexBounds(index: Value): TailCallSite["index"] {
  const fixed = constantOf(index);
  if (fixed !== undefined) {
    const low = Number(BigInt.asUintN(32, BigInt(fixed)));
    return { min: low, max: low };
  }
  return index?.kind === "number" && index.min >= 0 && index.max < 2 ** 32 ? index : undefined;
}

function joinBounds(one: TailCallSite["index"], other: TailCallSite["index"]): TailCallSite["index"] {
  if (one === undefined || other === undefined) return undefined;
  return { min: Math.min(one.min, other.min), max: Math.max(one.max, other.max) };
}

/** A helper or kfunc. */
export function callOutside(flow: Flow, range: CodeRange, state: State, slot: number): void {
  const { imm } = flow.code.table;
  const isKfunc = rowAt(flow.code, slot).name === "callKfunc";
  const helper = isKfunc ? undefined : helperById(imm[slot]!, flow.code.program.type);
  for (let register = 1; register < 6; register++) {
    const value = state.registers[register];
    if (value?.kind === "stack") passPointer(flow, range, state, slot, register, value, helper?.args);
  }
  if (helper !== undefined) runCallback(flow, range, state, slot, helper.name);
  else runEveryCallback(flow, state);
  clobber(state, undefined);
}

/** `args`: of the helper's prototype; undefined where there is none. */
function passPointer(
  flow: Flow,
  range: CodeRange,
  state: State,
  slot: number,
  register: number,
  pointer: StackPointer,
  args: readonly HelperArgument[] | undefined,
): void {
  const argument = args?.[register - 1];
  if (args !== undefined && argument === undefined) return;
  const kind = argument?.kind;
  if (kind === "anything" || kind === "scalar" || kind === "stack") return;
  const size = argument === undefined ? undefined : argumentSize(flow, state, register, args!);
  if (size === 0) return;
  const written = argument === undefined || argument.write || argument.uninit || kind === "dynptr";
  const how = written ? "write to" : "read from";
  if (size !== undefined) useBytes(flow, slot, pointer, 0, size, `${how} stack R${register}`);
  useRegion(flow, range, state, pointer, size, written);
}

/** Bytes behind a pointer argument, where they are known. */
function argumentSize(
  flow: Flow,
  state: State,
  register: number,
  args: readonly HelperArgument[],
): number | undefined {
  const { kind, size } = args[register - 1]!;
  if (kind === "map_key" || kind === "map_value") {
    const map = state.registers[args.findIndex((argument) => argument.kind === "map") + 1];
    const spec = map?.kind === "map" && map.maps.length === 1 ? flow.maps.get(map.maps[0]!) : undefined;
    return kind === "map_key" ? spec?.keySize : spec?.valueSize;
  }
  const next = args[register]?.kind;
  return size ?? (next === "size" || next === "size_or_zero" ? constantOf(state.registers[register + 1]) : undefined);
}

/** Somebody else reads or writes `size` bytes (unknown: up to the frame's top) behind a pointer. */
function useRegion(
  flow: Flow,
  range: CodeRange,
  state: State,
  pointer: StackPointer,
  size: number | undefined,
  written: boolean,
): void {
  escape(flow, pointer);
  if (!written) return;
  const bytes = Math.max(0, Math.min(size ?? -FRAME_BOTTOM, -FRAME_BOTTOM));
  noteWrite(flow, range, pointer, 0, bytes);
  for (const { frame, min, max } of pointer.places) forget(state, frame, min, max - min + bytes, false);
}

function runCallback(flow: Flow, range: CodeRange, state: State, slot: number, helper: string): void {
  const callback = callbackOf(helper);
  if (callback === undefined) return;
  const code = [1, 2, 3, 4, 5].map((register) => state.registers[register]).find((value) => value?.kind === "code");
  if (code?.kind !== "code") return;
  const callee = flow.code.subprograms[code.subprogram]!;
  if (callback.async === true) flow.async.add(callee.index);
  // The callback runs any number of times, each seeing what the last one left.
  afterCallee(flow, range, state, callee.index, rangeBlock(flow, slot));
  const before = copyState(state);
  const argumentOf = (register: number): Value => {
    const from = callback.arguments[register - 1] ?? 0;
    return from === 0 ? undefined : before.registers[from];
  };
  enter(flow, callee.index, calleeState(before, callee, argumentOf));
}

/** A block that holds a slot: the nearest begun one before it. */
function rangeBlock(flow: Flow, slot: number): number {
  let at = slot;
  while (!flow.states.has(at)) at--;
  return at;
}

/** A kfunc may call any function it was given. */
function runEveryCallback(flow: Flow, state: State): void {
  for (let register = 1; register < 6; register++) {
    const value = state.registers[register];
    if (value?.kind !== "code") continue;
    const callee = flow.code.subprograms[value.subprogram]!;
    flow.async.add(callee.index);
    enter(flow, callee.index, calleeState(state, callee, () => undefined));
  }
}
