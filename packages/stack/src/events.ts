import { nextSlots } from "./check.js";
import { rowAt } from "./code.js";
import type { Flow } from "./flow.js";
import { stackingCalls } from "./frames.js";

/** Something in a subprogram that changes the stack, or its end. */
export interface StackEvent {
  readonly slot: number;
  readonly kind: "call" | "callback" | "tail-call" | "exit";
  /** The callee's index; -1 where there is none. */
  readonly to: number;
  /** Events that may come next, as indexes; of an exit, none. */
  next: readonly number[];
}

/** A subprogram's live code with all but its events taken out. */
export interface EventGraph {
  readonly events: readonly StackEvent[];
  /** Events that may come first. */
  readonly first: readonly number[];
}

/** Reduces each subprogram to its calls, tail calls and ends. */
export function eventGraphs(flow: Flow): EventGraph[] {
  const calls = new Map(stackingCalls(flow).map((call) => [call.slot, call]));
  return flow.code.subprograms.map(({ start, end }) => {
    const events: StackEvent[] = [];
    const numbers = new Map<number, number>();
    for (let slot = start; slot < end; slot++) {
      if (flow.ways[slot] === 0) continue;
      const call = calls.get(slot);
      const kind = call?.kind ?? (flow.tailCalls.has(slot) ? "tail-call" : endOf(flow, slot));
      if (kind === undefined) continue;
      numbers.set(slot, events.length);
      events.push({ slot, kind, to: call?.to ?? -1, next: [] });
    }
    for (const event of events) event.next = eventsFrom(flow, nextSlots(flow, event.slot), numbers);
    return { events, first: eventsFrom(flow, [start], numbers) };
  });
}

function endOf(flow: Flow, slot: number): "exit" | undefined {
  return rowAt(flow.code, slot).operation === "exit" ? "exit" : undefined;
}

/** The events met first on any way from some slots. */
function eventsFrom(flow: Flow, slots: readonly number[], numbers: ReadonlyMap<number, number>): number[] {
  const found = new Set<number>();
  const seen = new Set(slots);
  for (const slot of seen) {
    const event = numbers.get(slot);
    if (event !== undefined) found.add(event);
    else for (const next of nextSlots(flow, slot)) if (flow.ways[next] !== 0) seen.add(next);
  }
  return [...found];
}
