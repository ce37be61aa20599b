import { callTarget, isSubprogramCall } from "./code.js";
import { isFunctionLoad, subprogramOf } from "./subprograms.js";
import { reject, type Verification } from "./verification.js";

/** Frames from this size on may get a stack of their own. */
const PRIVATE_STACK_MIN = 64;

/** Program types that are traced while others run, and so get stacks of their own where the architecture can. */
const TRACED: ReadonlySet<string> = new Set(["kprobe", "tracepoint", "perf_event", "raw_tracepoint"]);

function rounded(v: Verification, depth: number): number {
  const step = v.profile.stackRounding;
  const least = step === 16 ? depth : Math.max(depth, 1);
  return Math.ceil(least / step) * step;
}

interface Chain {
  readonly v: Verification;
  /** Whether the entry's frames may have stacks of their own. */
  readonly hasPrivateStacks: boolean;
  /** Subprograms and the slots to go on at behind their calls, outermost first. */
  readonly frames: { readonly subprogram: number; readonly next: number }[];
  depth: number;
  /** The deepest each subprogram was entered with as many frames before it: shallower ones show nothing new. */
  readonly seen: Map<number, number>;
}

function isShallower(chain: Chain, index: number): boolean {
  const key = index * 16 + chain.frames.length;
  const deepest = chain.seen.get(key);
  if (deepest !== undefined && deepest >= chain.depth) return true;
  chain.seen.set(key, chain.depth);
  return false;
}

/** Enters a subprogram: its frame counts towards the chain, unless it has a stack of its own. */
function enter(chain: Chain, index: number): void {
  const { v } = chain;
  const subprogram = v.subprograms[index]!;
  const before = v.profile.maxStackBeforeTailCall;
  const inCallback = subprogram.isCallback || chain.frames.some((frame) => v.subprograms[frame.subprogram]!.isCallback);
  if (subprogram.hasLegacyLoad && inCallback) {
    reject(v, "EINVAL", "cannot use BPF_LD_[ABS|IND] within callback");
  }
  // The frames before a tail call are kept up to 33 times, so they must be small.
  if (index !== 0 && subprogram.hasTailCall && before !== undefined && chain.depth >= before) {
    const what = `tail_calls are not allowed when call stack of previous frames is ${chain.depth} bytes. Too large`;
    reject(v, "EACCES", what);
  }
  const size = rounded(v, subprogram.stackDepth);
  if (!chain.hasPrivateStacks) subprogram.privateStack = false;
  else if (size >= PRIVATE_STACK_MIN) subprogram.privateStack = true;
  if (subprogram.privateStack) {
    if (size > v.profile.maxStack) reject(v, "EACCES", `stack size of subprog ${index} is ${size}. Too large`);
    return;
  }
  chain.depth += size;
  if (chain.depth > v.profile.maxStack) {
    reject(v, "EACCES", `combined stack size of ${chain.frames.length + 1} calls is ${chain.depth}. Too large`);
  }
}

function leave(chain: Chain, index: number): void {
  const subprogram = chain.v.subprograms[index]!;
  if (!subprogram.privateStack) chain.depth -= rounded(chain.v, subprogram.stackDepth);
}

/** The next call in a subprogram from a slot on; undefined: none. */
function nextCall(v: Verification, index: number, from: number): { slot: number; callee: number } | undefined {
  for (let slot = from; slot < v.subprograms[index]!.end; slot++) {
    const isCall = isSubprogramCall(v.code, slot);
    if (!isCall && !isFunctionLoad(v.code, slot)) continue;
    const callee = subprogramOf(v, callTarget(v.code, slot));
    // A callback that runs later has a stack of its own to begin with.
    if (v.subprograms[callee]!.isAsyncCallback && !isCall) continue;
    return { slot, callee };
  }
  return undefined;
}

function checkChains(v: Verification, entry: number, hasPrivateStacks: boolean): void {
  const chain: Chain = { v, hasPrivateStacks, frames: [], depth: 0, seen: new Map() };
  let index = entry;
  let slot = v.subprograms[entry]!.start;
  enter(chain, entry);
  for (;;) {
    const call = nextCall(v, index, slot);
    if (call !== undefined) {
      chain.frames.push({ subprogram: index, next: call.slot + 1 });
      if (chain.frames.length >= v.profile.maxFrames) {
        reject(v, "E2BIG", `the call stack of ${chain.frames.length} frames is too deep !`);
      }
      if (isShallower(chain, call.callee)) {
        slot = chain.frames.pop()!.next;
        continue;
      }
      index = call.callee;
      slot = v.subprograms[index]!.start;
      enter(chain, index);
      continue;
    }
    const back = chain.frames.pop();
    if (back === undefined) return;
    leave(chain, index);
    index = back.subprogram;
    slot = back.next;
  }
}

/**
 * Refuses programs whose frames along some chain of calls are too large together, or too many (Linux
 * `check_max_stack_depth`). Every call counts, walked or not; stack counts where it was used.
 */
export function checkStackDepth(v: Verification): void {
  if (!v.profile.calls) return;
  const hasTailCall = v.subprograms.some((subprogram) => subprogram.hasTailCall);
  const isPrivate = v.profile.privateStacks && !hasTailCall && TRACED.has(v.program.type);
  for (let index = v.subprograms.length - 1; index >= 0; index--) {
    if (index === 0 || v.subprograms[index]!.isAsyncCallback) checkChains(v, index, index === 0 && isPrivate);
  }
}
