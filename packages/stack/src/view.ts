import type { Profile } from "@bpfkit/core";
import { type ArrayFacts, type Targets, targetsOf } from "./arrays.js";
import { type CallChain, heaviestChains } from "./call-graph.js";
import type { TailCallSite } from "./flow.js";
import { counted, type Frame, framesOf, type ProgramFacts } from "./frames.js";

/** A tail call under a profile. */
export interface TailCallView {
  readonly site: TailCallSite;
  readonly targets: Targets;
  /** The heaviest live chain to it; undefined where none is within the profile's frames. */
  readonly chain: CallChain | undefined;
  /** Bytes of the frames that stay when it succeeds: those before its own. */
  readonly kept: number;
}

/** A program under a profile: what the search for the worst moment works on. */
export interface ProgramView {
  readonly facts: ProgramFacts;
  readonly name: string;
  readonly frames: readonly Frame[];
  /** The heaviest live chain. */
  readonly heaviest: CallChain;
  /** Live tail calls, ascending by slot. */
  readonly tailCalls: readonly TailCallView[];
}

export function viewProgram(
  facts: ProgramFacts,
  programs: readonly ProgramFacts[],
  arrays: readonly ArrayFacts[],
  profile: Profile,
): ProgramView {
  const frames = framesOf(facts, profile);
  const chains = heaviestChains(facts.flow, frames, profile);
  const tailCalls = [...facts.flow.tailCalls.values()].sort((a, b) => a.slot - b.slot);
  return {
    facts,
    name: facts.program.name,
    frames,
    heaviest: chains.reduce((one, other) => ((other?.bytes ?? -1) > one!.bytes ? other : one), chains[0])!,
    tailCalls: tailCalls.map((site) => {
      const chain = chains[site.subprogram];
      const kept = chain === undefined ? 0 : chain.bytes - counted(frames[site.subprogram]!);
      return { site, targets: targetsOf(site, facts.program, programs, arrays), chain, kept };
    }),
  };
}
