import type { FunctionPlan, ProgramPlan } from "./plan.js";

/**
 * Tables by slot that the translation of one function needs, made once for all of them: functions may be as many as slots.
 * What a function used it gives back as it was.
 */
export interface Scratch {
  /** Labels of slots; -1 where not yet asked for. */
  readonly slotLabels: Int32Array;
  /** Registers wanted after a slot, and before it, as bits; 0 where not yet told. */
  readonly liveAfter: Uint16Array;
  readonly liveBefore: Uint16Array;
}

export function scratchFor({ table }: ProgramPlan): Scratch {
  // One more, for what runs off the end.
  const slots = table.length + 1;
  return {
    slotLabels: new Int32Array(slots).fill(-1),
    liveAfter: new Uint16Array(slots),
    liveBefore: new Uint16Array(slots),
  };
}

/** Wipes what a function left. */
export function wipe({ slotLabels, liveBefore }: Scratch, { slots }: FunctionPlan): void {
  for (const slot of slots) {
    slotLabels[slot] = -1;
    liveBefore[slot] = 0;
  }
  slotLabels[slotLabels.length - 1] = -1;
}
