import type { Profile } from "@bpfkit/core";
import type { Flow } from "./flow.js";
import { counted, type Frame, stackingCalls } from "./frames.js";

/** One way from the entry down through calls. */
export interface CallChain {
  /** Indexes of subprograms, outermost first. */
  readonly subprograms: readonly number[];
  /** The slot of the call that made each frame; undefined for the entry. */
  readonly slots: readonly (number | undefined)[];
  /** Rounded, as the profile counts them. */
  readonly bytes: number;
}

/** Callees of each subprogram in the order of their calls, each once; `live`: only of calls that some path reaches. */
export function callsFrom(flow: Flow, live: boolean): number[][] {
  const calls = flow.code.subprograms.map(() => new Set<number>());
  for (const { from, to, slot } of stackingCalls(flow)) {
    if (!live || flow.ways[slot] !== 0) calls[from]!.add(to);
  }
  return calls.map((callees) => [...callees]);
}

/** The heaviest live chain that ends in each subprogram; undefined where none does. */
export function heaviestChains(flow: Flow, frames: readonly Frame[], profile: Profile): (CallChain | undefined)[] {
  const best: (CallChain | undefined)[] = flow.code.subprograms.map(() => undefined);
  const live = stackingCalls(flow).filter(({ slot }) => flow.ways[slot] !== 0);
  let depth = new Map<number, CallChain>([[0, { subprograms: [0], slots: [undefined], bytes: counted(frames[0]!) }]]);
  for (let frame = 1; frame <= profile.maxFrames; frame++) {
    const deeper = new Map<number, CallChain>();
    for (const [index, chain] of depth) if (chain.bytes > (best[index]?.bytes ?? -1)) best[index] = chain;
    for (const { from, to, slot } of live) {
      const chain = depth.get(from);
      if (chain === undefined) continue;
      const bytes = chain.bytes + counted(frames[to]!);
      if (bytes <= (deeper.get(to)?.bytes ?? -1)) continue;
      deeper.set(to, { subprograms: [...chain.subprograms, to], slots: [...chain.slots, slot], bytes });
    }
    depth = deeper;
  }
  return best;
}

/** Chains that are looked at, and chains that are shown. */
const LOOK_AT = 20_000;
const SHOW = 64;

/** Live chains from the entry to where nothing more is called, the heaviest first; `folded`: how many more there are. */
export function listChains(
  flow: Flow,
  frames: readonly Frame[],
  profile: Profile,
): { readonly chains: readonly CallChain[]; readonly folded: number } {
  const live = stackingCalls(flow).filter(({ slot }) => flow.ways[slot] !== 0);
  const chains: CallChain[] = [];
  const pending: CallChain[] = [{ subprograms: [0], slots: [undefined], bytes: counted(frames[0]!) }];
  while (pending.length > 0 && chains.length < LOOK_AT) {
    const chain = pending.pop()!;
    const longer = chain.subprograms.length > profile.maxFrames ? [] : extend(chain, live, frames);
    if (longer.length === 0) chains.push(chain);
    else pending.push(...longer.reverse());
  }
  chains.sort((a, b) => b.bytes - a.bytes);
  return { chains: chains.slice(0, SHOW), folded: Math.max(0, countChains(callsFrom(flow, true), profile) - SHOW) };
}

function extend(chain: CallChain, live: ReturnType<typeof stackingCalls>, frames: readonly Frame[]): CallChain[] {
  const seen = new Set<number>();
  const longer: CallChain[] = [];
  for (const { from, to, slot } of live) {
    if (from !== chain.subprograms.at(-1) || seen.has(to)) continue;
    seen.add(to);
    longer.push({
      subprograms: [...chain.subprograms, to],
      slots: [...chain.slots, slot],
      bytes: chain.bytes + counted(frames[to]!),
    });
  }
  return longer;
}

/** How many chains there are, without walking each. */
function countChains(calls: readonly (readonly number[])[], profile: Profile): number {
  let ending = calls.map(() => 1);
  for (let frame = 0; frame < profile.maxFrames; frame++) {
    ending = calls.map((callees) =>
      callees.length === 0 ? 1 : callees.reduce((sum, callee) => sum + ending[callee]!, 0),
    );
  }
  return ending[0]!;
}
