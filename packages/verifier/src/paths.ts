import { instanceOf } from "./stack-liveness.js";
import { copyState, type Frame, newFrame, newState, type State } from "./state.js";
import { MAX_PENDING, reject, type Verification } from "./verification.js";

type Errno = "EFAULT" | "ENOMEM";

function push(v: Verification, state: State, slot: number, previousSlot: number, what: string, errno: Errno): void {
  v.pending.push({ state, slot, previousSlot, logLength: v.log.length });
  if (v.pending.length > MAX_PENDING) {
    reject(v, errno, `The sequence of ${v.pending.length} jumps is too complex${what}.`);
  }
}

/** Sets a copy of the current state aside, to be walked from `slot` on later. `errno`: where too many wait. */
export function pushPath(v: Verification, slot: number, previousSlot: number, errno: Errno = "EFAULT"): State {
  const state = copyState(v.state);
  push(v, state, slot, previousSlot, "", errno);
  if (state.parent !== undefined) state.parent.branches++;
  return state;
}

/** Sets the start of a callback that runs later aside; it knows nothing of the path that set it up. */
export function pushAsyncCallback(v: Verification, subprogram: number, caller: Frame): Frame {
  const { start } = v.subprograms[subprogram]!;
  const frame = newFrame(subprogram, -1, 0, instanceOf(v, subprogram), [0, 1], true, caller.asyncEntries + 1);
  const state = newState(frame, start);
  state.historyStart = state.historyEnd = v.state.historyEnd;
  push(v, state, start, v.slot, " for async cb", "EFAULT");
  return frame;
}
