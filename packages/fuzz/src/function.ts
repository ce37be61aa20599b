import { Frame } from "./frame.js";
import type { Random } from "./random.js";
import { arithmetic } from "./statements/arithmetic.js";
import { atomic } from "./statements/atomic.js";
import { call, callback, callSubprogram, tailCall } from "./statements/calls.js";
import { context } from "./statements/context.js";
import { branch, exit, loop } from "./statements/flow.js";
import { helper } from "./statements/helper.js";
import { legacyLoad } from "./statements/legacy-load.js";
import { map } from "./statements/map.js";
import { memory, stack } from "./statements/memory.js";
import { packet } from "./statements/packet.js";
import { fillStack, range, shapeResult } from "./statements/range.js";
import {
  type Block,
  type Callee,
  CONTEXT_REGISTER,
  type Statement,
  type StatementKind,
  type World,
} from "./statements/statement.js";
import { taint } from "./statements/taint.js";

const STATEMENTS: Readonly<Record<StatementKind, Statement>> = {
  arithmetic,
  branch,
  loop,
  stack,
  packet,
  map,
  atomic,
  memory,
  context,
  taint,
  legacyLoad,
  helper,
  call,
  callback,
  tailCall,
  range,
};

/** Blocks inside blocks, at most. */
const MAX_NESTING = 3;

/** What a function is to become. */
export interface FunctionPlan {
  readonly world: World;
  /** Scalars it was called with in r2 and on. */
  readonly args: number;
  readonly stackBytes: number;
  /** Instructions, roughly. */
  readonly size: number;
  /** A subprogram that must be called, so that a chain gets its depth. */
  readonly mustCall?: Callee;
  /** Whose result is the program's. */
  readonly isEntry?: boolean;
  /** A tail call that must be there. */
  readonly mustTailCall?: boolean;
}

/** Writes the entry or a subprogram: r1 is the context, r2 and on are numbers, r0 becomes one. */
export function writeFunction(random: Random, labels: { next: number }, plan: FunctionPlan): Frame {
  const frame = new Frame(random, labels, plan.stackBytes, plan.size);
  frame.emit("mov64Reg", { dst: CONTEXT_REGISTER, src: 1 });
  frame.set(CONTEXT_REGISTER, "pointer");
  frame.locked.add(CONTEXT_REGISTER);
  for (let argument = 0; argument < plan.args; argument++) frame.set(2 + argument, "safe");
  for (let i = random.integer(2, 4); i > 0; i--) frame.fresh();
  const isRanged = plan.world.weights.range !== undefined;
  if (isRanged) fillStack(frame);
  const block = nestedBlock();
  const half = plan.size / 2;
  while (frame.budget > half) block(frame, plan.world, 1);
  if (plan.mustCall !== undefined && plan.mustCall.callsLeft > 0) callSubprogram(frame, plan.mustCall);
  if (plan.mustTailCall === true) tailCall(frame, plan.world, block);
  while (frame.budget > 0) block(frame, plan.world, 1);
  if (isRanged && plan.isEntry !== true && random.chance(0.6)) {
    shapeResult(frame);
    frame.emit("exit");
  } else exit(frame);
  return frame;
}

function nestedBlock(): Block {
  let nesting = 0;
  const block: Block = (frame, world, count) => {
    nesting++;
    for (let i = 0; i < count; i++) {
      const kind = nesting > MAX_NESTING || frame.budget < -20 ? "arithmetic" : frame.random.weighted(world.weights);
      STATEMENTS[kind](frame, world, block);
      // A statement that did not fit here added nothing; the block must still get shorter.
      frame.budget -= 0.25;
    }
    nesting--;
  };
  return block;
}

/** Writes a callback of `bpf_loop`: r1 is the index, r2 eight bytes of the caller's stack; it returns 0, or 1 to stop. */
export function writeCallback(random: Random, labels: { next: number }, world: World): Frame {
  const frame = new Frame(random, labels, 16, 8);
  const pointer = 2;
  frame.set(1, "safe");
  frame.set(pointer, "pointer");
  frame.locked.add(pointer);
  const isRanged = world.weights.range !== undefined;
  const weights = isRanged ? { arithmetic: 1, range: 2 } : { arithmetic: 1 };
  if (isRanged) {
    fillStack(frame);
    frame.windows.push({ register: pointer, offset: 0, size: 8, atomics: true, writable: true });
  }
  const block = nestedBlock();
  block(frame, { ...world, weights, exits: false }, random.integer(1, 4));
  const number = frame.safe();
  frame.emit(random.pick(["stxDw", "atomicAdd64", "atomicXor64"] as const), { dst: pointer, src: number });
  const stop = frame.label();
  frame.emit("mov64Reg", { dst: 3, src: frame.safe() });
  frame.emit("mov64Imm", { dst: 0, imm: 1 });
  frame.emit("jeqImm", { dst: 3, imm: frame.number(), target: stop });
  frame.emit("mov64Imm", { dst: 0, imm: 0 });
  frame.place(stop);
  frame.emit("exit");
  return frame;
}
