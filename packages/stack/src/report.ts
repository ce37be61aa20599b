import type { Profile } from "@bpfkit/core";
import type { StackFacts } from "./analyse.js";
import { type ArrayFacts, findCycles } from "./arrays.js";
import { boundFrom } from "./bound.js";
import { type CallChain, listChains } from "./call-graph.js";
import { type Change, changeFor } from "./change.js";
import { checkProgram } from "./check.js";
import { sourceText } from "./code.js";
import { explorer } from "./explore.js";
import type { Frame, ProgramFacts } from "./frames.js";
import { chainMoment, type Moment, momentBytes, momentTailCalls } from "./moment.js";
import { type ProgramView, type TailCallView, viewProgram } from "./view.js";

/**
 * How sure the worst moment is. `exact`: every run that ends reaches it. `open`: no run exceeds it, and some way through the
 * code reaches it, if data lead a run there. `bound`: no run exceeds it; there were too many ways to follow each.
 */
export type Certainty = "exact" | "open" | "bound";

/** The deepest stack a run of a program can make, over all its tail calls. */
export interface WorstMoment {
  /** Rounded bytes on the stack. */
  readonly bytes: number;
  readonly certainty: Certainty;
  /** One line on what that rests on. */
  readonly why: string;
  /** Tail calls that led there. */
  readonly tailCalls: number;
  readonly frames: Moment;
}

/** A tail call and what it keeps. */
export interface TailCallReport {
  readonly slot: number;
  readonly subprogram: string;
  /** `file.c:12`, where the program carries lines. */
  readonly source?: string;
  /** Program arrays; empty where r2 is not known and the program names none. */
  readonly maps: readonly string[];
  /** Inclusive bounds of the index; left out where it may be anything. */
  readonly index?: { readonly min: number; readonly max: number };
  /** Names of the programs it may lead to. */
  readonly targets: readonly string[];
  /** Nothing says what is in the array: these are all programs of its kind. */
  readonly assumed: boolean;
  /** Bytes of the frames that stay. */
  readonly kept: number;
  /** The heaviest chain to it; its last frame is the one a success replaces. */
  readonly chain: Moment;
}

/** One call chain. */
export interface ChainReport {
  readonly frames: Moment;
  readonly bytes: number;
}

/** A program under one profile. */
export interface ProgramReport {
  readonly program: string;
  readonly type: string;
  readonly profile: { readonly version: string; readonly arch: string };
  readonly verdict: "accept" | "reject";
  readonly errno?: string;
  /** The kernel's line. */
  readonly message?: string;
  /** The smallest change that would pass. */
  readonly change?: Change;
  readonly frames: readonly Frame[];
  /** From the entry to where nothing more is called, the heaviest first. */
  readonly chains: readonly ChainReport[];
  /** Chains there are beyond those. */
  readonly chainsFolded: number;
  readonly tailCalls: readonly TailCallReport[];
  readonly worst: WorstMoment;
  /** Bytes a call chain of one program may have. */
  readonly limit: number;
  /** Bytes of the frames before one that tail-calls must stay below this. */
  readonly limitBeforeTailCall?: number;
  /** Tail calls one entry may make. */
  readonly tailCallLimit: number;
}

/** A set of programs under one profile. */
export interface StackReport {
  readonly programs: readonly ProgramReport[];
  readonly arrays: readonly ArrayFacts[];
  /** Programs that can tail-call themselves or each other in a circle, by name. */
  readonly cycles: readonly (readonly string[])[];
}

/** What a profile's kernel says to each program, and the stack it makes there. */
export function reportStack({ programs, arrays }: StackFacts, profile: Profile): StackReport {
  const views = programs.map((facts) => viewProgram(facts, programs, arrays, profile));
  const explore = explorer(views, profile);
  const edges = views.map(({ tailCalls }) => new Set(tailCalls.flatMap(({ targets }) => targets.programs)));
  return {
    programs: views.map((_, index) => reportProgram(index, views, profile, explore)),
    arrays,
    cycles: findCycles(edges, programs),
  };
}

type Explore = ReturnType<typeof explorer>;

function reportProgram(
  index: number,
  views: readonly ProgramView[],
  profile: Profile,
  explore: Explore,
): ProgramReport {
  const view = views[index]!;
  const { facts, frames, name } = view;
  const refusal = checkProgram(facts, profile, frames);
  const change = refusal === undefined ? undefined : changeFor(facts, profile, refusal);
  const { chains, folded } = listChains(facts.flow, frames, profile);
  const before = profile.maxStackBeforeTailCall;
  return {
    program: name,
    type: facts.program.type,
    profile: { version: profile.version, arch: profile.arch },
    verdict: refusal === undefined ? "accept" : "reject",
    ...(refusal === undefined ? {} : { errno: refusal.errno, message: refusal.message }),
    ...(change === undefined ? {} : { change }),
    frames,
    chains: chains.map((chain) => ({ frames: chainMoment(name, frames, chain), bytes: chain.bytes })),
    chainsFolded: folded,
    tailCalls: view.tailCalls.map((tailCall) => reportTailCall(facts, frames, tailCall, views)),
    worst: findWorst(index, views, profile, explore(index)),
    limit: profile.maxStack,
    ...(before === undefined ? {} : { limitBeforeTailCall: before }),
    tailCallLimit: profile.tailCallLimit,
  };
}

function reportTailCall(
  { program, flow }: ProgramFacts,
  frames: readonly Frame[],
  { site, targets, chain, kept }: TailCallView,
  views: readonly ProgramView[],
): TailCallReport {
  const source = sourceText(program, site.slot);
  const none: CallChain = { subprograms: [site.subprogram], slots: [undefined], bytes: 0 };
  return {
    slot: site.slot,
    subprogram: flow.code.subprograms[site.subprogram]!.name,
    ...(source === undefined ? {} : { source }),
    maps: site.maps ?? [],
    ...(site.index === undefined ? {} : { index: { min: site.index.min, max: site.index.max } }),
    targets: targets.programs.map((target) => views[target]!.name),
    assumed: targets.assumed,
    kept,
    chain: chainMoment(program.name, frames, chain ?? none),
  };
}

/** Programs a walk of tail calls from one can lead to, itself included. */
function reachableFrom(index: number, views: readonly ProgramView[]): Set<number> {
  const found = new Set([index]);
  for (const from of found) {
    for (const { targets } of views[from]!.tailCalls) for (const to of targets.programs) found.add(to);
  }
  return found;
}

function findWorst(
  index: number,
  views: readonly ProgramView[],
  profile: Profile,
  explored: ReturnType<Explore>,
): WorstMoment {
  const assumed = [...reachableFrom(index, views)].flatMap((at) =>
    views[at]!.tailCalls.filter(({ targets }) => targets.assumed).flatMap(({ site }) => site.maps ?? []),
  );
  const moment = explored?.moment ?? boundFrom(index, views, profile.tailCallLimit);
  const certainty = explored === undefined ? "bound" : explored.always && assumed.length === 0 ? "exact" : "open";
  return {
    bytes: momentBytes(moment),
    certainty,
    why: wordCertainty(certainty, [...new Set(assumed)], profile),
    tailCalls: momentTailCalls(moment),
    frames: moment,
  };
}

function wordCertainty(certainty: Certainty, assumed: readonly string[], { tailCallLimit }: Profile): string {
  const words = {
    exact: "every run that ends reaches it",
    open: "no run exceeds it; a run reaches it where its data take these branches",
    bound: `no run exceeds it: the heaviest chains through ${tailCallLimit} tail calls, too many ways to follow each`,
  }[certainty];
  const members = `if ${assumed.join(", ")} ${assumed.length === 1 ? "holds" : "hold"} programs of this set only`;
  return assumed.length === 0 ? words : `${words}; ${members}`;
}
