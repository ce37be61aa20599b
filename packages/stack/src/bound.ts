import type { CallChain } from "./call-graph.js";
import { chainMoment, type LiveFrame, liveFrame, type Moment } from "./moment.js";
import type { ProgramView } from "./view.js";

/** A tail call that keeps its callers' frames and goes on in another program. */
interface Hop {
  readonly to: number;
  readonly slot: number;
  /** The chain whose last frame is replaced. */
  readonly chain: CallChain;
  /** Bytes of the frames before the one that is replaced. */
  readonly kept: number;
}

interface Reached {
  readonly bytes: number;
  readonly hop?: Hop;
  readonly from?: number;
}

/** The heaviest hop from each program to each other. */
function hopsOf(views: readonly ProgramView[]): Hop[][] {
  return views.map((view) => {
    const hops = new Map<number, Hop>();
    for (const { site, targets, chain, kept } of view.tailCalls) {
      if (chain === undefined) continue;
      for (const to of targets.programs) {
        if (kept > (hops.get(to)?.kept ?? -1)) hops.set(to, { to, slot: site.slot, chain, kept });
      }
    }
    return [...hops.values()];
  });
}

/**
 * A moment no run of a program can exceed: the heaviest walk of at most `limit` tail calls, each keeping the heaviest chain
 * before it. It takes every tail call as able to succeed and every way through the code as open.
 */
export function boundFrom(entry: number, views: readonly ProgramView[], limit: number): Moment {
  const hops = hopsOf(views);
  const steps: (Reached | undefined)[][] = [views.map((_, index) => (index === entry ? { bytes: 0 } : undefined))];
  let best = { step: 0, program: entry, bytes: views[entry]!.heaviest.bytes };
  for (let step = 1; step <= limit; step++) {
    const next: (Reached | undefined)[] = views.map(() => undefined);
    for (const [from, reached] of steps[step - 1]!.entries()) {
      if (reached === undefined) continue;
      for (const hop of hops[from]!) {
        const bytes = reached.bytes + hop.kept;
        if (bytes > (next[hop.to]?.bytes ?? -1)) next[hop.to] = { bytes, hop, from };
      }
    }
    steps.push(next);
    for (const [program, reached] of next.entries()) {
      const bytes = reached === undefined ? -1 : reached.bytes + views[program]!.heaviest.bytes;
      if (bytes > best.bytes) best = { step, program, bytes };
    }
  }
  return readBack(steps, best.step, best.program, views);
}

function readBack(
  steps: readonly (readonly (Reached | undefined)[])[],
  last: number,
  end: number,
  views: readonly ProgramView[],
): Moment {
  const path: { readonly from: number; readonly hop: Hop }[] = [];
  for (let step = last, program = end; step > 0; step--) {
    const { from, hop } = steps[step]![program]!;
    path.unshift({ from: from!, hop: hop! });
    program = from!;
  }
  const moment: LiveFrame[] = [];
  let entry: LiveFrame | undefined;
  for (const { from, hop } of path) {
    const { name, frames } = views[from]!;
    const chain = chainMoment(name, frames, hop.chain, entry);
    const { subprogram, program, rounded, replaced } = chain.pop()!;
    moment.push(...chain);
    const target = views[hop.to]!;
    const gone = { program, subprogram, rounded, hops: (replaced?.hops ?? 0) + 1 };
    entry = liveFrame(target.name, target.frames[0]!, "tail-call", hop.slot, gone);
  }
  const { name, frames, heaviest } = views[end]!;
  return [...moment, ...chainMoment(name, frames, heaviest, entry)];
}
