import type { MapSpec } from "@bpfkit/core";
import { SECOND_SLOT } from "@bpfkit/isa";
import { decide, refine } from "./branch.js";
import { callLocal, callOutside, leave, tailCall } from "./calls.js";
import { type Code, type CodeRange, calleeAt, jumpTarget, rangeAt, rowAt } from "./code.js";
import { StackError } from "./error.js";
import { copyState, joinState, type State } from "./state.js";
import { operands, step } from "./transfer.js";
import { stackPointer, type Value } from "./value.js";

/** A slot's way to the next, as bits of `Flow.ways`. */
export const FALLS_THROUGH = 1;
export const JUMPS = 2;

/** News at a slot after which bounds that still move are given up: a loop over a whole frame, byte by byte, ends before. */
const PATIENCE = 600;
/** Steps of one program after which patience is short. */
const LONG = 1_000_000;

/** What a subprogram did for its callers. */
export interface Summary {
  returns: boolean;
  r0: Value;
  /** Parts of other frames it may have written: `spillKey` of the first byte to its size. */
  readonly writes: Map<number, number>;
}

/** A tail call's slot, and what is known of r2 and r3 there. */
export interface TailCallSite {
  readonly slot: number;
  readonly subprogram: number;
  /** Program arrays it may go through; undefined where r2 is not known. */
  maps: readonly string[] | undefined;
  /** Inclusive bounds of the index as unsigned 32-bit; undefined where it may be anything. */
  index: { readonly min: number; readonly max: number } | undefined;
}

/** A call as the code has it, reached or not. */
export interface CallSite {
  readonly slot: number;
  readonly from: number;
  readonly to: number;
  /** `callback`: through a helper that was given the function's address. */
  readonly kind: "call" | "callback";
}

/** A certain access outside its frame, in the kernel's words. */
export interface BadAccess {
  readonly slot: number;
  readonly message: string;
}

/** What walking a program's code found. Everything only grows while it is computed. */
export interface Flow {
  readonly code: Code;
  readonly maps: ReadonlyMap<string, MapSpec>;
  /** For each slot, 0 where no path comes, else its ways on. */
  readonly ways: Uint8Array;
  /** Bytes of each subprogram's frame, by index. */
  readonly bytes: number[];
  /** The slot of an access whose place in the frame was not known, by subprogram: its bytes are then a bound. */
  readonly vague: (number | undefined)[];
  readonly tailCalls: Map<number, TailCallSite>;
  /** Every call in the code. */
  readonly calls: readonly CallSite[];
  /** Subprograms that run as async callbacks. */
  readonly async: Set<number>;
  readonly badAccesses: Map<number, BadAccess>;
  readonly summaries: readonly Summary[];
  /** For each subprogram, first slots of blocks that end in a call of it. */
  readonly waiting: readonly Set<number>[];
  readonly states: Map<number, State>;
  readonly joins: Map<number, number>;
  readonly queue: Set<number>;
  steps: number;
}

/**
 * Walks all paths of a program at once: a small propagation of constants, ranges and pointers to the stack, joined where
 * paths meet and over all callers of a subprogram.
 * @throws {StackError} `BAD_CODE`
 */
export function walkCode(code: Code, maps: ReadonlyMap<string, MapSpec>): Flow {
  const flow = emptyFlow(code, maps);
  enter(flow, 0, { registers: Array<Value>(11).fill(undefined), spills: new Map() });
  for (const block of flow.queue) {
    flow.queue.delete(block);
    walkBlock(flow, block);
  }
  return flow;
}

function emptyFlow(code: Code, maps: ReadonlyMap<string, MapSpec>): Flow {
  const { subprograms } = code;
  return {
    code,
    maps,
    ways: new Uint8Array(code.table.length),
    bytes: subprograms.map(() => 0),
    vague: subprograms.map(() => undefined),
    tailCalls: new Map(),
    calls: findCalls(code),
    async: new Set(),
    badAccesses: new Map(),
    summaries: subprograms.map(() => ({ returns: false, r0: { kind: "number", min: 0, max: 0 }, writes: new Map() })),
    waiting: subprograms.map(() => new Set()),
    states: new Map(),
    joins: new Map(),
    queue: new Set(),
    steps: 0,
  };
}

function findCalls(code: Code): CallSite[] {
  const calls: CallSite[] = [];
  for (const { start, end, index } of code.subprograms) {
    for (let slot = start; slot < end; slot++) {
      if (code.table.row[slot] === SECOND_SLOT) continue;
      const { name } = rowAt(code, slot);
      if (name !== "callLocal" && name !== "lddwCode") continue;
      calls.push({
        slot,
        from: index,
        to: calleeAt(code, slot).index,
        kind: name === "callLocal" ? "call" : "callback",
      });
    }
  }
  return calls;
}

/** Brings a state to a subprogram's first slot, with a frame of its own. */
export function enter(flow: Flow, subprogram: number, state: State): void {
  state.registers[10] = stackPointer(subprogram, 0);
  flowTo(flow, flow.code.subprograms[subprogram]!.start, state);
}

/** Brings a state to a slot; the slot is walked again if that told something new. The state is given away. */
export function flowTo(flow: Flow, slot: number, state: State): void {
  const known = flow.states.get(slot);
  if (known === undefined) flow.states.set(slot, state);
  else {
    const joins = (flow.joins.get(slot) ?? 0) + 1;
    if (!joinState(known, state, joins > (flow.steps > LONG ? 2 : PATIENCE))) return;
    flow.joins.set(slot, joins);
  }
  flow.queue.add(slot);
}

/** Walks from a slot to where paths part or meet. */
function walkBlock(flow: Flow, first: number): void {
  const state = copyState(flow.states.get(first)!);
  const range = rangeAt(flow.code, first);
  for (let slot = first; ; ) {
    if (slot >= range.end) {
      const place = { program: flow.code.program.name, slot: range.end - 1 };
      throw new StackError("BAD_CODE", `${range.name} runs past its last instruction`, place);
    }
    flow.steps++;
    const next = walkSlot(flow, range, state, slot, first);
    if (next === undefined) return;
    if (next <= slot || flow.states.has(next)) {
      flowTo(flow, next, state);
      return;
    }
    slot = next;
  }
}

/** Does one instruction; the slot to go on at in the same block, or undefined where the block ends. */
function walkSlot(flow: Flow, range: CodeRange, state: State, slot: number, block: number): number | undefined {
  const row = rowAt(flow.code, slot);
  if (row.operation === "exit") {
    flow.ways[slot]! |= JUMPS;
    leave(flow, range, state);
    return undefined;
  }
  if (row.operation === "ja") {
    flow.ways[slot]! |= JUMPS;
    return jumpTarget(flow.code, range, slot);
  }
  if (row.target !== undefined && row.target === "offset") {
    branch(flow, range, state, slot);
    return undefined;
  }
  flow.ways[slot]! |= FALLS_THROUGH;
  if (row.name === "callLocal") {
    callLocal(flow, range, state, slot, block);
    return undefined;
  }
  if (row.operation === "call" && row.name === "call" && flow.code.table.imm[slot] === TAIL_CALL) {
    tailCall(flow, range, state, slot);
  } else if (row.operation === "call") callOutside(flow, range, state, slot);
  else step(flow, range, state, slot);
  return slot + row.slots;
}

/** `BPF_FUNC_tail_call`. */
export const TAIL_CALL = 12;

function branch(flow: Flow, range: CodeRange, state: State, slot: number): void {
  const row = rowAt(flow.code, slot);
  const { dst, src } = operands(flow.code, state, slot);
  const taken = row.operation === "mayGoto" ? undefined : decide(row, dst, src);
  const register = flow.code.table.dst[slot]!;
  for (const way of [true, false]) {
    if (taken === !way) continue;
    const after = copyState(state);
    if (row.operation !== "mayGoto") after.registers[register] = refine(row, way, dst, src);
    flow.ways[slot]! |= way ? JUMPS : FALLS_THROUGH;
    flowTo(flow, way ? jumpTarget(flow.code, range, slot) : slot + 1, after);
  }
}
