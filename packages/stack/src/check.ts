import type { ErrnoName } from "@bpfkit/abi";
import type { Profile } from "@bpfkit/core";
import { callsFrom } from "./call-graph.js";
import { rowAt } from "./code.js";
import { type Flow, TAIL_CALL } from "./flow.js";
import { counted, type Frame, framesOf, type ProgramFacts, stackingCalls, tailCallingSubprograms } from "./frames.js";

/** Why a kernel would refuse to load a program. */
export interface Refusal {
  readonly errno: ErrnoName;
  /** The kernel's line. */
  readonly message: string;
  readonly slot?: number;
  /** Which rule it is. */
  readonly rule:
    | "frames"
    | "stack"
    | "before-tail-call"
    | "mixed"
    | "calls"
    | "btf"
    | "returns-int"
    | "access"
    | "array";
  /** The frames of the chain that broke it, outermost first: indexes of subprograms. */
  readonly chain: readonly number[];
  /** Bytes the chain keeps, where bytes are what broke it. */
  readonly bytes?: number;
}

/**
 * What the kernel of a profile says to a program's calls, tail calls and stack: undefined where these do not make it refuse.
 * The order is the kernel's: BTF, then the walk over live code, then the sums over all of it.
 */
export function checkProgram(facts: ProgramFacts, profile: Profile, frames?: readonly Frame[]): Refusal | undefined {
  return (
    checkFunctions(facts, profile) ??
    checkLiveCode(facts.flow, profile) ??
    checkChains(facts.flow, profile, frames ?? framesOf(facts, profile))
  );
}

/** `check_abnormal_return` and `check_btf_func`, from 5.10 on. */
function checkFunctions(facts: ProgramFacts, profile: Profile): Refusal | undefined {
  if (isBefore(profile.version, 5, 10)) return undefined;
  const tailCalling = [...tailCallingSubprograms(facts.flow)].filter((index) => index > 0);
  const hasBtf = (facts.program.btf?.functions.length ?? 0) > 0;
  const refuse = (index: number, rule: "btf" | "returns-int", message: string): Refusal => ({
    errno: "EINVAL",
    message,
    rule,
    slot: facts.flow.code.subprograms[index]!.start,
    chain: [index],
  });
  for (const index of tailCalling) {
    if (!hasBtf) return refuse(index, "btf", "tail_call is not allowed in subprogs without BTF");
    if (facts.returnsInt(index) === false) {
      return refuse(index, "returns-int", "tail_call is only allowed in functions that return 'int'.");
    }
  }
  return undefined;
}

/** Whether a kernel is older than `major.minor`. */
export function isBefore(version: string, major: number, minor: number): boolean {
  const [itsMajor = 0, itsMinor = 0] = version.split(".").map(Number);
  return itsMajor < major || (itsMajor === major && itsMinor < minor);
}

/** The walk: the entry first, then each global function that is called. Fall-through comes before the jump. */
function checkLiveCode(flow: Flow, profile: Profile): Refusal | undefined {
  const walk: LiveWalk = { flow, profile, seen: new Set(), globals: new Set([0]) };
  for (const index of walk.globals) {
    const refusal = walkLive(walk, [index]);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

interface LiveWalk {
  readonly flow: Flow;
  readonly profile: Profile;
  /** Slot and depth, as one number. */
  readonly seen: Set<number>;
  /** Functions to walk on their own: more come up as calls of them are met. */
  readonly globals: Set<number>;
}

function walkLive(walk: LiveWalk, chain: readonly number[]): Refusal | undefined {
  const { flow } = walk;
  const range = flow.code.subprograms[chain.at(-1)!]!;
  const pending = [range.start];
  while (pending.length > 0) {
    const slot = pending.pop()!;
    const key = slot * 16 + chain.length;
    if (slot >= range.end || flow.ways[slot] === 0 || walk.seen.has(key)) continue;
    walk.seen.add(key);
    const refusal = checkSlot(walk, chain, slot);
    if (refusal !== undefined) return refusal;
    pending.push(...nextSlots(flow, slot));
  }
  return undefined;
}

/** Live successors, the one to walk first at the end. */
export function nextSlots({ ways, code }: Flow, slot: number): number[] {
  const row = rowAt(code, slot);
  if (row.operation === "exit") return [];
  const next: number[] = [];
  if ((ways[slot]! & 2) !== 0) {
    next.push(slot + 1 + (row.target === "imm" ? code.table.imm[slot]! : code.table.offset[slot]!));
  }
  if ((ways[slot]! & 1) !== 0) next.push(slot + row.slots);
  return next;
}

function checkSlot(walk: LiveWalk, chain: readonly number[], slot: number): Refusal | undefined {
  const { flow, profile } = walk;
  const bad = flow.badAccesses.size === 0 ? undefined : [...flow.badAccesses.values()].find((one) => one.slot === slot);
  if (bad !== undefined) return { errno: "EACCES", message: bad.message, rule: "access", slot, chain };
  const row = rowAt(flow.code, slot);
  if (row.name === "call" && flow.code.table.imm[slot] === TAIL_CALL) {
    return checkArray(flow, chain, slot) ?? checkMix(flow, profile, chain, slot);
  }
  if (row.name === "callLocal" && !profile.calls) {
    return { errno: "EINVAL", message: "BPF_CALL uses reserved fields", rule: "calls", slot, chain };
  }
  for (const { slot: at, to } of stackingCalls(flow)) {
    if (at !== slot) continue;
    const refusal = descend(walk, chain, slot, to);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function descend(walk: LiveWalk, chain: readonly number[], slot: number, to: number): Refusal | undefined {
  if (walk.flow.code.subprograms[to]!.global) {
    walk.globals.add(to);
    return undefined;
  }
  const deeper = [...chain, to];
  if (deeper.length <= walk.profile.maxFrames) return walkLive(walk, deeper);
  if (!walk.flow.tooDeep.has(slot)) return undefined;
  const message = `the call stack of ${deeper.length} frames is too deep`;
  return { errno: "E2BIG", message, rule: "frames", slot, chain: deeper };
}

/** r2 of a tail call is a program array. */
function checkArray({ tailCalls, maps }: Flow, chain: readonly number[], slot: number): Refusal | undefined {
  const named = tailCalls.get(slot)?.maps ?? [];
  if (named.every((map) => (maps.get(map)?.type ?? "prog_array") === "prog_array")) return undefined;
  return { errno: "EINVAL", message: "expected prog array map for tail call", rule: "array", slot, chain };
}

/** Where the kernel cannot mix calls and tail calls: its words changed in 5.10, when x86-64 could. */
function checkMix(flow: Flow, profile: Profile, chain: readonly number[], slot: number): Refusal | undefined {
  if (profile.mixed || flow.code.subprograms.length === 1) return undefined;
  const old = isBefore(profile.version, 5, 10);
  const message = `tail_calls are not allowed in ${old ? "" : "non-JITed "}programs with bpf-to-bpf calls`;
  return { errno: "EINVAL", message, rule: "mixed", slot, chain };
}

/** `check_max_stack_depth`: every call in the code, dead or alive, in the order of the slots. */
function checkChains(flow: Flow, profile: Profile, frames: readonly Frame[]): Refusal | undefined {
  const walk: ChainWalk = {
    profile,
    frames,
    calls: callsFrom(flow, false),
    tailCalling: tailCallingSubprograms(flow),
    passed: new Set(),
  };
  const roots = [...[...flow.async].sort((a, b) => b - a), 0];
  for (const root of roots) {
    const refusal = walkChain(walk, [root], 0);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

interface ChainWalk {
  readonly profile: Profile;
  readonly frames: readonly Frame[];
  readonly calls: readonly (readonly number[])[];
  readonly tailCalling: ReadonlySet<number>;
  /** Subprogram, depth and bytes below which nothing was wrong, so that many ways to one place cost one. */
  readonly passed: Set<string>;
}

/** `before`: bytes of the frames before the chain's last. */
function walkChain(walk: ChainWalk, chain: readonly number[], before: number): Refusal | undefined {
  const { profile, frames } = walk;
  const last = chain.at(-1)!;
  const key = `${last} ${chain.length} ${before}`;
  if (walk.passed.has(key)) return undefined;
  const limit = profile.maxStackBeforeTailCall;
  if (last !== 0 && walk.tailCalling.has(last) && limit !== undefined && before >= limit) {
    const message = `tail_calls are not allowed when call stack of previous frames is ${before} bytes. Too large`;
    return { errno: "EACCES", message, rule: "before-tail-call", chain, bytes: before };
  }
  const bytes = before + counted(frames[last]!);
  if (bytes > profile.maxStack) {
    const message = `combined stack size of ${chain.length} calls is ${bytes}. Too large`;
    return { errno: "EACCES", message, rule: "stack", chain, bytes };
  }
  for (const to of walk.calls[last]!) {
    if (chain.length >= profile.maxFrames) {
      const message = `the call stack of ${chain.length} frames is too deep !`;
      return { errno: "E2BIG", message, rule: "frames", chain: [...chain, to] };
    }
    const refusal = walkChain(walk, [...chain, to], bytes);
    if (refusal !== undefined) return refusal;
  }
  walk.passed.add(key);
  return undefined;
}
