import type { Profile } from "@bpfkit/core";
import { callsFrom } from "./call-graph.js";
import { type EventGraph, eventGraphs, type StackEvent } from "./events.js";
import { counted } from "./frames.js";
import { type LiveFrame, liveFrame, type Moment } from "./moment.js";
import type { ProgramView, TailCallView } from "./view.js";

/** Steps from one entry after which there are too many ways to follow. */
const MAX_STEPS = 1_000_000;
/** The same once a search of the set came to that: what is small is still followed. */
const FEW_STEPS = 20_000;
/** Tail-call counts fit below this; what a kernel allows is 33. */
const COUNTS = 256;

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
  /** By the count it leaves at its end: the bytes of the deepest moment of the way that went least deep. */
  readonly ends: Map<number, number>;
  /** Of the way that went deepest. */
  top: Peak;
}

interface Exploration {
  readonly views: readonly ProgramView[];
  readonly graphs: readonly (readonly EventGraph[])[];
  readonly sites: readonly ReadonlyMap<number, TailCallView>[];
  readonly profile: Profile;
  readonly known: Map<string, Outcomes>;
  /** Left of this search. */
  steps: number;
}

/** What following every way through a set found. */
export interface Explored {
  readonly moment: Moment;
  /** Every run that ends reaches it, whatever its data. */
  readonly always: boolean;
}

/**
 * Makes a search that follows every way a run from an entry can take, with its count of tail calls, and finds the deepest
 * moment. Branches that the code does not decide go both ways. It gives undefined where there are too many ways, or calls
 * that recurse. What it learns for one entry serves the next.
 */
export function explorer(views: readonly ProgramView[], profile: Profile): (entry: number) => Explored | undefined {
  if (profile.tailCallLimit >= COUNTS) return () => undefined;
  if (views.some(({ facts }) => recurses(callsFrom(facts.flow, true), profile))) return () => undefined;
  const exploration: Exploration = {
    views,
    graphs: views.map(({ facts }) => eventGraphs(facts.flow)),
    sites: views.map(({ tailCalls }) => new Map(tailCalls.map((tailCall) => [tailCall.site.slot, tailCall]))),
    profile,
    known: new Map(),
    steps: 0,
  };
  let allowed = MAX_STEPS;
  return (entry) => {
    exploration.steps = allowed;
    const outcomes = follow(exploration, entry, 0, 0);
    if (outcomes === undefined) {
      allowed = FEW_STEPS;
      return undefined;
    }
    const { top, ends } = outcomes;
    return { moment: toMoment(top, views), always: ends.size > 0 && Math.min(...ends.values()) === top.bytes };
  };
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
  const outcomes: Outcomes = { ends: new Map(), top: { bytes: own, program, subprogram } };
  const { events, first } = on.graphs[program]![subprogram]!;
  const walk: Walk = { program, subprogram, own, outcomes, least: new Map(), pending: new Set() };
  arrive(walk, first, own, count);
  for (const state of walk.pending) {
    if (--on.steps < 0) return undefined;
    walk.pending.delete(state);
    const at = Math.floor(state / COUNTS);
    if (!happen(on, walk, events[at]!, at, walk.least.get(state)!, state % COUNTS)) return undefined;
  }
  on.known.set(key, outcomes);
  return outcomes;
}

interface Walk {
  readonly program: number;
  readonly subprogram: number;
  /** Bytes of its own frame. */
  readonly own: number;
  readonly outcomes: Outcomes;
  /** By event and count, as one number: the deepest moment of the way there that went least deep. */
  readonly least: Map<number, number>;
  /** Events and counts to go on from. */
  readonly pending: Set<number>;
}

function arrive({ least, pending }: Walk, events: readonly number[], peak: number, count: number): void {
  for (const event of events) {
    const state = event * COUNTS + count;
    if ((least.get(state) ?? Infinity) <= peak) continue;
    least.set(state, peak);
    pending.add(state);
  }
}

function end({ outcomes: { ends } }: Walk, peak: number, count: number): void {
  ends.set(count, Math.min(peak, ends.get(count) ?? Infinity));
}

/** Does an event; false where the steps are used up. */
function happen(on: Exploration, walk: Walk, event: StackEvent, at: number, peak: number, count: number): boolean {
  if (event.kind === "exit") {
    end(walk, peak, count);
    return true;
  }
  if (event.kind === "tail-call") return tailCall(on, walk, event, peak, count);
  const callee = follow(on, walk.program, event.to, count);
  if (callee === undefined) return false;
  const { program, subprogram, own, outcomes } = walk;
  const bytes = own + callee.top.bytes;
  if (bytes > outcomes.top.bytes) {
    outcomes.top = { bytes, program, subprogram, above: { how: event.kind, slot: event.slot, peak: callee.top } };
  }
  // A callback runs any number of times, none included.
  const next = event.kind === "callback" ? [at] : event.next;
  if (event.kind === "callback") arrive(walk, event.next, peak, count);
  for (const [left, deepest] of callee.ends) {
    on.steps--;
    const after = on.profile.tailCallCount === "shared" ? left : count;
    arrive(walk, next, Math.max(peak, own + deepest), after);
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
    on.steps -= reached.ends.size;
    for (const [left, deepest] of reached.ends) end(walk, Math.max(peak, deepest), left);
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
      const replaced = {
        program: from.name,
        subprogram: gone.subprogram,
        rounded: counted(gone),
        hops: peak.entered.hops,
      };
      moment.push(liveFrame(name, frame, "tail-call", peak.entered.slot, replaced));
    }
    how = peak.above?.how ?? how;
    slot = peak.above?.slot;
  }
  return moment;
}
