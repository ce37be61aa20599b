import type { SubprogramFacts } from "./code.js";

/** Slots of one call, and of one exit. */
const CALL = 1;
const EXIT = 1;

/**
 * Slots of a program if every call were inlined: each gives way to the body of what it calls, less an exit. An estimate,
 * since a compiler that sees both sides at once drops more (of arguments that are constants, say). Callbacks stay functions. Infinite where calls go round.
 */
export function inlinedSlots(subprograms: readonly SubprogramFacts[]): number {
  const sizes = new Map<number, number>();
  const sizeAt = (start: number): number => {
    const known = sizes.get(start);
    if (known !== undefined) return known;
    // What is asked for again before it is known goes round.
    sizes.set(start, Number.POSITIVE_INFINITY);
    const body = subprograms.find((one) => one.start === start);
    if (body === undefined) return 0;
    const size = body.calls.reduce((sum, call) => sum + call.sites * (sizeAt(call.start) - CALL - EXIT), body.slots);
    sizes.set(start, size);
    return size;
  };
  const callbacks = subprograms.flatMap((one) => one.callbacks.map(({ start }) => start));
  return [...new Set([0, ...callbacks])].reduce((sum, start) => sum + sizeAt(start), 0);
}
