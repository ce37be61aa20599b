import { fixedOffset, isFixed, PTR_TO_STACK } from "./register.js";
import { slotIndexOf } from "./stack-slot.js";
import { currentFrame, type State } from "./state.js";

/** Whether the iterator that r1 points to, at a step, still gives elements. */
export function stepsActive(state: State): boolean {
  const r1 = currentFrame(state).regs[1]!;
  if (r1.type !== PTR_TO_STACK || !isFixed(r1)) return false;
  const spi = slotIndexOf(r1.off + fixedOffset(r1));
  return state.frames[r1.aux]?.stack[spi]?.iterator?.state === "active";
}

/** Whether an active iterator has gone on since a kept state: then an equal state is another round of its loop. */
export function hasStepped(kept: State, fresh: State): boolean {
  return kept.frames.some((frame, index) =>
    frame.stack.some(({ iterator }, spi) => {
      if (iterator?.state !== "active") return false;
      return fresh.frames[index]?.stack[spi]?.iterator?.depth !== iterator.depth;
    }),
  );
}
