import { type HelperArgument, helperById } from "@bpfkit/abi";
import { callbackOf } from "./callbacks.js";
import { type CodeRange, calleeAt, rowAt } from "./code.js";
import {
  type Block,
  type Context,
  calleeContext,
  enter,
  type Flow,
  flowTo,
  ownContext,
  type TailCallSite,
} from "./flow.js";
import { forget, frameOfKey, type State, spillKey } from "./state.js";
import { loseTrack, noteWrite, useBytes, writes } from "./transfer.js";
import { constantOf, FRAME_BOTTOM, join, type StackPointer, same, type Value } from "./value.js";

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

/** A call of a subprogram, the last instruction of its block. */
export function callLocal(flow: Flow, block: Block, state: State, slot: number): void {
  const callee = calleeAt(flow.code, slot);
  if (callee.global) {
    callGlobal(flow, block.context, state, callee);
    clobber(state, undefined);
  } else {
    const context = calleeContext(flow, block.context, slot, callee);
    if (context === undefined) return;
    enter(
      flow,
      context,
      calleeState(state, callee, (register) => state.registers[register]),
    );
    afterCallee(flow, block, state, context);
    if (!context.summary.returns) return;
    clobber(state, context.summary.r0);
  }
  flowTo(flow, block.context, slot + 1, state);
}

/** A global function is verified by its prototype: it knows nothing of its caller, whose pointers it may use. */
function callGlobal(flow: Flow, context: Context, state: State, callee: CodeRange): void {
  for (let register = 1; register < 6; register++) {
    const value = state.registers[register];
    if (value?.kind === "stack") useRegion(flow, context, state, value, undefined, true);
  }
  enterAlone(flow, callee);
}

/** Walks a function that knows nothing of a caller. */
function enterAlone(flow: Flow, callee: CodeRange): void {
  const nothing: State = { registers: [], spills: new Map() };
  enter(
    flow,
    ownContext(flow, callee),
    calleeState(nothing, callee, () => undefined),
  );
}

/** What a callee may have written is forgotten; the block is walked again when more is known of it. */
function afterCallee(flow: Flow, block: Block, state: State, callee: Context): void {
  const { writes: written } = callee.summary;
  callee.waiting.add(block);
  for (const [key, size] of written) {
    const frame = frameOfKey(key);
    forget(state, frame, key - spillKey(frame, 0), size, false);
  }
  const passedOn = [...written].filter(([key]) => frameOfKey(key) !== block.context.range.index);
  if (passedOn.length > 0) writes(flow, block.context, new Map(passedOn));
}

/** The end of a subprogram. */
export function leave(flow: Flow, context: Context, state: State): void {
  returnValue(flow, context, state.registers[0]);
}

/** Joins a result into the summary. A range that still moves is given up at once: a recursion would move it for ever. */
function returnValue(flow: Flow, { summary, waiting }: Context, value: Value): void {
  const isRange = summary.r0?.kind === "number" && summary.r0.min !== summary.r0.max;
  const r0 = summary.returns ? join(summary.r0, value, isRange) : value;
  if (summary.returns && same(r0, summary.r0)) return;
  summary.r0 = r0;
  summary.returns = true;
  for (const block of waiting) flow.queue.add(block);
}

/** A tail call that succeeds ends the frame with an unknown result; one that does not goes on behind it. */
export function tailCall(flow: Flow, context: Context, state: State, slot: number): void {
  noteTailCall(flow.tailCalls, context.range, slot, state.registers[2], state.registers[3]);
  returnValue(flow, context, undefined);
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
  known.maps =
    maps === undefined || known.maps === undefined ? undefined : [...new Set([...known.maps, ...maps])].sort();
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
export function callOutside(flow: Flow, block: Block, state: State, slot: number): void {
  const { imm } = flow.code.table;
  const isKfunc = rowAt(flow.code, slot).name === "callKfunc";
  const helper = isKfunc ? undefined : helperById(imm[slot]!, flow.code.program.type);
  for (let register = 1; register < 6; register++) {
    const value = state.registers[register];
    if (value?.kind === "stack") passPointer(flow, block.context, state, slot, register, value, helper?.args);
  }
  if (helper !== undefined) runCallback(flow, block, state, slot, helper.name);
  else runEveryCallback(flow, state, slot);
  clobber(state, undefined);
}

/** `args`: of the helper's prototype; undefined where there is none. */
function passPointer(
  flow: Flow,
  context: Context,
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
  if (size !== undefined) useBytes(flow, context, slot, pointer, 0, size, `${how} stack R${register}`);
  useRegion(flow, context, state, pointer, size, written);
}

/** Bytes behind a pointer argument, where they are known. */
function argumentSize(flow: Flow, state: State, register: number, args: readonly HelperArgument[]): number | undefined {
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
  context: Context,
  state: State,
  pointer: StackPointer,
  size: number | undefined,
  written: boolean,
): void {
  loseTrack(flow, pointer);
  if (!written) return;
  const bytes = Math.max(0, Math.min(size ?? -FRAME_BOTTOM, -FRAME_BOTTOM));
  noteWrite(flow, context, pointer, 0, bytes);
  for (const { frame, min, max } of pointer.places) forget(state, frame, min, max - min + bytes, false);
}

function runCallback(flow: Flow, block: Block, state: State, slot: number, helper: string): void {
  const callback = callbackOf(helper);
  if (callback === undefined) return;
  const code = [1, 2, 3, 4, 5].map((register) => state.registers[register]).find((value) => value?.kind === "code");
  if (code?.kind !== "code") return;
  const callee = flow.code.subprograms[code.subprogram]!;
  if (callback.async === true) {
    flow.async.add(callee.index);
    enterAlone(flow, callee);
    return;
  }
  const context = calleeContext(flow, block.context, slot, callee);
  if (context === undefined) return;
  // The callback runs any number of times, each seeing what the last one left.
  afterCallee(flow, block, state, context);
  const argumentOf = (register: number): Value => {
    const from = callback.arguments[register - 1] ?? 0;
    return from === 0 ? undefined : state.registers[from];
  };
  enter(flow, context, calleeState(state, callee, argumentOf));
}

/** A kfunc may call any function it was given; `bpf_wq_set_callback` and its like later, on a stack of its own. */
function runEveryCallback(flow: Flow, state: State, slot: number): void {
  const kfunc = flow.code.program.references.find((reference) => reference.slot === slot);
  const later = kfunc?.kind === "extern" && kfunc.symbol.includes("set_callback");
  for (let register = 1; register < 6; register++) {
    const value = state.registers[register];
    if (value?.kind !== "code") continue;
    if (later) flow.async.add(value.subprogram);
    enterAlone(flow, flow.code.subprograms[value.subprogram]!);
  }
}
