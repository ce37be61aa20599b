import { ERRNO } from "@bpfkit/abi";
import type { CallbackIteration, HelperCall } from "@bpfkit/core";
import { guestOperations, hasUnknownFlags, map, number64, u32 } from "./arguments.js";

/** Linux: `BPF_MAX_LOOPS`. */
export const MAX_LOOPS: number = 8 * 1024 * 1024;

function setArgument(args: Int32Array, register: number, low: number, high = 0): void {
  args[2 * register - 2] = low;
  args[2 * register - 1] = high;
}

/** `bpf_loop(nr_loops, callback, ctx, flags)`: how many times it called, or a negative errno. */
export function loop(call: HelperCall): CallbackIteration | number {
  const [times, contextLow, contextHigh] = [u32(call, 1), call.args[4]!, call.args[5]!];
  if (hasUnknownFlags(call, 4, 0)) return -ERRNO.EINVAL;
  if (times > MAX_LOOPS) return -ERRNO.E2BIG;
  let done = 0;
  return {
    callback: u32(call, 2),
    next(args, r0Low, r0High) {
      if (done === times || (r0Low | r0High) !== 0) return false;
      setArgument(args, 1, done++);
      setArgument(args, 2, contextLow, contextHigh);
      return true;
    },
    result: () => done,
  };
}

/** `bpf_for_each_map_elem(map, callback, ctx, flags)`: how many entries it called for, or a negative errno. */
export function forEachMapElem(call: HelperCall): CallbackIteration | number {
  if (hasUnknownFlags(call, 4, 0)) return -ERRNO.EINVAL;
  const operations = guestOperations(map(call, 1));
  const [header, contextLow, contextHigh] = [number64(call, 1), call.args[4]!, call.args[5]!];
  const entry = { key: 0, value: 0 };
  const cpu = call.effects.cpu();
  let cursor = 0;
  let done = 0;
  return {
    callback: u32(call, 2),
    next(args, r0Low, r0High) {
      if ((r0Low | r0High) !== 0) return false;
      cursor = operations.next(cursor, cpu, entry);
      if (cursor < 0) return false;
      done++;
      setArgument(args, 1, header);
      setArgument(args, 2, entry.key);
      setArgument(args, 3, entry.value);
      setArgument(args, 4, contextLow, contextHigh);
      return true;
    },
    result: () => done,
  };
}
