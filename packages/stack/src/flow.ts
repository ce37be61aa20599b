import type { MapSpec } from "@bpfkit/core";
import { SECOND_SLOT } from "@bpfkit/isa";
import { decide, refine } from "./branch.js";
import { callLocal, callOutside, leave, tailCall } from "./calls.js";
import { type Code, type CodeRange, calleeAt, jumpTarget, rowAt } from "./code.js";
import { StackError } from "./error.js";
import { copyState, joinState, type State } from "./state.js";
import { operands, step } from "./transfer.js";
import { stackPointer, type Value } from "./value.js";

/** A slot's way to the next, as bits of `Flow.ways`. */
export const FALLS_THROUGH = 1;
export const JUMPS = 2;

/** News at a slot after which bounds that still move are given up: a loop over a whole frame, byte by byte, ends before. */
const PATIENCE = 600;
/** Steps of one program, and eight spills copied or joined, after which patience is short. */
const LONG = 200_000;
/** Contexts after which chains of calls share them. */
const MANY_CONTEXTS = 500;
/** Frames a chain of calls can have (`MAX_CALL_FRAMES`). */
const MAX_FRAMES = 8;

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

/**
 * A subprogram as one chain of calls leads to it: like the kernel's verifier, the walk knows what each caller passed. Past
 * `MANY_CONTEXTS`, chains share contexts.
 */
export interface Context {
  /** Its number, ascending from 0. */
  readonly id: number;
  readonly range: CodeRange;
  /** Frames up to and with its own. */
  readonly depth: number;
  readonly summary: Summary;
  /** Blocks that end in a call of it. */
  readonly waiting: Set<Block>;
  readonly blocks: Map<number, Block>;
}

/** Where walking goes on. */
export interface Block {
  readonly context: Context;
  readonly slot: number;
  /** What is known at its first slot. */
  readonly state: State;
  /** How often that changed. */
  news: number;
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
  /** By `accessKey`: the same access may be right for another caller. */
  readonly badAccesses: Map<number, BadAccess>;
  /** Slots of calls that some chain makes its ninth frame with. */
  readonly tooDeep: Set<number>;
  readonly contexts: Map<string, Context>;
  readonly queue: Set<Block>;
  steps: number;
}

/**
 * Walks all paths of a program at once: a small propagation of constants, ranges and pointers to the stack, joined where
 * paths meet.
 * @throws {StackError} `BAD_CODE`
 */
export function walkCode(code: Code, maps: ReadonlyMap<string, MapSpec>): Flow {
  const flow = emptyFlow(code, maps);
  const entry = contextFor(flow, "entry", code.subprograms[0]!, 1);
  enter(flow, entry, { registers: Array<Value>(11).fill(undefined), spills: new Map() });
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
    tooDeep: new Set(),
    contexts: new Map(),
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

/** The context of a key; a new one where there is none. */
function contextFor(flow: Flow, key: string, range: CodeRange, depth: number): Context {
  const known = flow.contexts.get(key);
  if (known !== undefined) return known;
  const summary: Summary = { returns: false, r0: undefined, writes: new Map() };
  const context = { id: flow.contexts.size, range, depth, summary, waiting: new Set<Block>(), blocks: new Map() };
  flow.contexts.set(key, context);
  return context;
}

/** The context of a callee; undefined past the frames a kernel has, where it refuses. */
export function calleeContext(flow: Flow, caller: Context, slot: number, callee: CodeRange): Context | undefined {
  const depth = caller.depth + 1;
  if (depth > MAX_FRAMES) {
    flow.tooDeep.add(slot);
    return undefined;
  }
  const many = flow.contexts.size >= MANY_CONTEXTS;
  return contextFor(
    flow,
    many ? `any ${callee.index} ${depth}` : `${caller.id} ${slot} ${callee.index}`,
    callee,
    depth,
  );
}

/** The context of a function that knows nothing of a caller: a global one, or a callback that runs later. */
export function ownContext(flow: Flow, callee: CodeRange): Context {
  return contextFor(flow, `own ${callee.index}`, callee, 1);
}

/** Brings a state to a subprogram's first slot, with a frame of its own. */
export function enter(flow: Flow, context: Context, state: State): void {
  state.registers[10] = stackPointer(context.range.index, 0);
  flowTo(flow, context, context.range.start, state);
}

/** Brings a state to a slot; the slot is walked again if that told something new. The state is given away. */
export function flowTo(flow: Flow, context: Context, slot: number, state: State): void {
  const known = context.blocks.get(slot);
  if (known === undefined) {
    const block = { context, slot, state, news: 0 };
    context.blocks.set(slot, block);
    flow.queue.add(block);
  } else if (joinState(known.state, state, known.news > (flow.steps > LONG ? 2 : PATIENCE))) {
    known.news++;
    flow.queue.add(known);
  }
}

/** Walks from a slot to where paths part or meet. */
function walkBlock(flow: Flow, block: Block): void {
  const { context } = block;
  const { range } = context;
  const state = copyState(block.state);
  for (let slot = block.slot; ; ) {
    if (slot >= range.end) {
      const place = { program: flow.code.program.name, slot: range.end - 1 };
      throw new StackError("BAD_CODE", `${range.name} runs past its last instruction`, place);
    }
    flow.steps++;
    const next = walkSlot(flow, block, state, slot);
    if (next === undefined) return;
    if (next <= slot || context.blocks.has(next)) {
      flowTo(flow, context, next, state);
      return;
    }
    slot = next;
  }
}

/** Does one instruction; the slot to go on at in the same block, or undefined where the block ends. */
function walkSlot(flow: Flow, block: Block, state: State, slot: number): number | undefined {
  const { context } = block;
  const row = rowAt(flow.code, slot);
  if (row.operation === "exit") {
    flow.ways[slot]! |= JUMPS;
    leave(flow, context, state);
    return undefined;
  }
  if (row.operation === "ja") {
    flow.ways[slot]! |= JUMPS;
    return jumpTarget(flow.code, context.range, slot);
  }
  if (row.target === "offset") {
    branch(flow, context, state, slot);
    return undefined;
  }
  flow.ways[slot]! |= FALLS_THROUGH;
  if (row.name === "callLocal") {
    callLocal(flow, block, state, slot);
    return undefined;
  }
  if (row.name === "call" && flow.code.table.imm[slot] === TAIL_CALL) {
    tailCall(flow, context, state, slot);
  } else if (row.operation === "call") callOutside(flow, block, state, slot);
  else step(flow, context, state, slot);
  return slot + row.slots;
}

/** `BPF_FUNC_tail_call`. */
export const TAIL_CALL = 12;

function branch(flow: Flow, context: Context, state: State, slot: number): void {
  const row = rowAt(flow.code, slot);
  const { dst, src } = operands(flow.code, state, slot);
  const taken = row.operation === "mayGoto" ? undefined : decide(row, dst, src);
  const register = flow.code.table.dst[slot]!;
  for (const way of [true, false]) {
    if (taken === !way) continue;
    const after = copyState(state);
    if (row.operation !== "mayGoto") after.registers[register] = refine(row, way, dst, src);
    flow.steps += state.spills.size >> 3;
    flow.ways[slot]! |= way ? JUMPS : FALLS_THROUGH;
    flowTo(flow, context, way ? jumpTarget(flow.code, context.range, slot) : slot + 1, after);
  }
}
