import type { Profile } from "@bpfkit/core";
import { callsFrom } from "./call-graph.js";
import { type EventGraph, eventGraphs, type StackEvent } from "./events.js";
import { counted } from "./frames.js";
import { type LiveFrame, liveFrame, type Moment } from "./moment.js";
import type { ProgramView, TailCallView } from "./view.js";

/** Steps after which a set is too large to follow. */
const MAX_STEPS = 500_000;
/** Tail-call counts fit below this. */
const COUNTS = 64;

/** The deepest stack that some way through a subprogram makes, from its own frame on. */
interface Peak {
  readonly bytes: number;
  readonly program: number;
  readonly subprogram: number;
  /** The last of `hops` tail calls that put this frame where another was. */
  readonly entered?: {
    readonly slot: number;
    readonly program: number;
    readonly subprogram: number;
    readonly hops: number;
  };
  readonly above?: { readonly how: "call" | "callback"; readonly slot: number; readonly peak: Peak };
}

/** All that can come of running a subprogram with some tail calls already counted. */
interface Outcomes {
  /** `peak * COUNTS + count` at its end: the bytes its deepest moment had, and the count it leaves. */
  readonly ends: Set<number>;
  top: Peak;
}

interface Exploration {
  readonly views: readonly ProgramView[];
  readonly graphs: readonly (readonly EventGraph[])[];
  readonly sites: readonly ReadonlyMap<number, TailCallView>[];
  readonly profile: Profile;
  readonly known: Map<string, Outcomes>;
  steps: number;
}

/** What following every way through a set found. */
export interface Explored {
  readonly moment: Moment;
  /** Every run that ends reaches it, whatever its data. */
  readonly always: boolean;
}

/**
 * Follows every way a run can take, with its count of tail calls, and finds the deepest moment. Branches that the code does
 * not decide go both ways. Undefined where there are too many ways, or calls that recurse.
 */
export function explore(entry: number, views: readonly ProgramView[], profile: Profile): Explored | undefined {
  if (views.some(({ facts }) => recurses(callsFrom(facts.flow, true), profile))) return undefined;
  const exploration: Exploration = {
    views,
    graphs: views.map(({ facts }) => eventGraphs(facts.flow)),
    sites: views.map(({ tailCalls }) => new Map(tailCalls.map((tailCall) => [tailCall.site.slot, tailCall]))),
    profile,
    known: new Map(),
    steps: 0,
  };
  const outcomes = follow(exploration, entry, 0, 0);
  if (outcomes === undefined) return undefined;
  const peaks = [...outcomes.ends].map((end) => Math.floor(end / COUNTS));
  const always = peaks.length > 0 && peaks.every((peak) => peak === outcomes.top.bytes);
  return { moment: toMoment(outcomes.top, views), always };
}

/** Whether some chain is longer than the profile's frames: then it recurses, or might as well. */
function recurses(calls: readonly (readonly number[])[], { maxFrames }: Profile): boolean {
  let ends = new Set([0]);
  for (let frame = 0; frame < maxFrames; frame++) ends = new Set([...ends].flatMap((index) => calls[index]!));
  return ends.size > 0;
}

/** Undefined where the steps are used up. */
function follow(on: Exploration, program: number, subprogram: number, count: number): Outcomes | undefined {
  const key = `${program} ${subprogram} ${count}`;
  const known = on.known.get(key);
  if (known !== undefined) return known;
  const own = counted(on.views[program]!.frames[subprogram]!);
  const outcomes: Outcomes = { ends: new Set(), top: { bytes: own, program, subprogram } };
  const { events, first } = on.graphs[program]![subprogram]!;
  const walk: Walk = { program, subprogram, own, outcomes, states: new Set() };
  arrive(walk, first, own, count);
  for (const state of walk.states) {
    if (++on.steps > MAX_STEPS) return undefined;
    const event = Math.floor(state / STATE);
    const peak = Math.floor((state % STATE) / COUNTS);
    if (!happen(on, walk, events[event]!, event, peak, state % COUNTS)) return undefined;
  }
  on.known.set(key, outcomes);
  return outcomes;
}

/** Peaks times counts: peaks stay below 34 entries of 8 frames of 512 bytes. */
const STATE: number = COUNTS * 2 ** 18;

interface Walk {
  readonly program: number;
  readonly subprogram: number;
  readonly own: number;
  readonly outcomes: Outcomes;
  /** Event, peak and count as one number. */
  readonly states: Set<number>;
}

function arrive({ states }: Walk, events: readonly number[], peak: number, count: number): void {
  for (const event of events) states.add(event * STATE + peak * COUNTS + count);
}

/** Does an event; false where the steps are used up. */
function happen(
  on: Exploration,
  walk: Walk,
  event: StackEvent,
  at: number,
  peak: number,
  count: number,
): boolean {
  if (event.kind === "exit") {
    walk.outcomes.ends.add(peak * COUNTS + count);
    return true;
  }
  if (event.kind === "tail-call") return tailCall(on, walk, event, peak, count);
  const callee = follow(on, walk.program, event.to, count);
  if (callee === undefined) return false;
  const bytes = walk.own + callee.top.bytes;
  if (bytes > walk.outcomes.top.bytes) {
    const { program, subprogram, outcomes } = walk;
    outcomes.top = { bytes, program, subprogram, above: { how: event.kind, slot: event.slot, peak: callee.top } };
  }
  // A callback runs any number of times, none included.
  const next = event.kind === "callback" ? [at] : event.next;
  if (event.kind === "callback") arrive(walk, event.next, peak, count);
  for (const end of callee.ends) {
    const after = on.profile.tailCallCount === "shared" ? end % COUNTS : count;
    arrive(walk, next, Math.max(peak, walk.own + Math.floor(end / COUNTS)), after);
  }
  return true;
}

/** A tail call that succeeds ends the subprogram as its target ends; one that does not goes on. */
function tailCall(on: Exploration, walk: Walk, event: StackEvent, peak: number, count: number): boolean {
  const { targets } = on.sites[walk.program]!.get(event.slot)!;
  const allowed = count < on.profile.tailCallLimit;
  if (!allowed || targets.mayMiss) arrive(walk, event.next, peak, count);
  if (!allowed) return true;
  for (const target of targets.programs) {
    const reached = follow(on, target, 0, count + 1);
    if (reached === undefined) return false;
    if (reached.top.bytes > walk.outcomes.top.bytes) {
      const { program, subprogram } = walk;
      const { entered } = reached.top;
      const last = entered ?? { slot: event.slot, program, subprogram, hops: 0 };
      walk.outcomes.top = { ...reached.top, entered: { ...last, hops: last.hops + 1 } };
    }
    for (const end of reached.ends) {
      walk.outcomes.ends.add(Math.max(peak, Math.floor(end / COUNTS)) * COUNTS + (end % COUNTS));
    }
  }
  return true;
}

function toMoment(top: Peak, views: readonly ProgramView[]): Moment {
  const moment: LiveFrame[] = [];
  let how: LiveFrame["how"] = "entry";
  let slot: number | undefined;
  for (let peak: Peak | undefined = top; peak !== undefined; peak = peak.above?.peak) {
    const { name, frames } = views[peak.program]!;
    const frame = frames[peak.subprogram]!;
    if (peak.entered === undefined) moment.push(liveFrame(name, frame, how, slot));
    else {
      const from = views[peak.entered.program]!;
      const gone = from.frames[peak.entered.subprogram]!;
      const replaced = { program: from.name, subprogram: gone.subprogram, rounded: counted(gone), hops: peak.entered.hops };
      moment.push(liveFrame(name, frame, "tail-call", peak.entered.slot, replaced));
    }
    how = peak.above?.how ?? how;
    slot = peak.above?.slot;
  }
  return moment;
}
