import type { HelperCall, LinkSet, MapStorage, RunContext } from "@bpfkit/core";
import { FIELDS } from "./context.js";
import type { Reason } from "./fault.js";
import type { RunBuffer } from "./run-context.js";
import type { Units } from "./units.js";

/** What helpers see beside the run itself. */
export function helperCall(set: LinkSet, units: Units, context: RunContext, args: Int32Array): HelperCall {
  return {
    args,
    memory: set.memory,
    effects: set.effects,
    context,
    maps: [...set.maps.values()],
    map: (header: number): MapStorage => {
      const map = units.headers.get(header >>> 0);
      if (map === undefined) throw new RangeError(`0x${(header >>> 0).toString(16)} is no map`);
      return map;
    },
  };
}

/**
 * A tail call whose array is not known beforehand, or too large for jump slots: the target's address, or 0 for a miss, goes
 * to `operand`. What makes it a fault is given back.
 */
export function findTailCall(buffer: RunBuffer, units: Units, limit: number): Reason | undefined {
  const r2 = buffer.get64(FIELDS.args, 1);
  const targets = r2 < 1n << 32n ? units.targetsAt(Number(r2)) : undefined;
  if (targets === undefined)
    return { kind: "tail-call", what: `r2 is 0x${r2.toString(16)}, which is no program array` };
  const index = buffer.args[4]! >>> 0;
  const count = buffer.get(FIELDS.tailCallCount);
  const target = count < limit ? targets(index) : 0n;
  buffer.set64(FIELDS.operand, target);
  if (target === 0n) buffer.set(FIELDS.missedTailCalls, buffer.get(FIELDS.missedTailCalls) + 1);
  else {
    buffer.set(FIELDS.tailCallCount, count + 1);
    buffer.set(FIELDS.tailCalls, buffer.get(FIELDS.tailCalls) + 1);
  }
  return undefined;
}
