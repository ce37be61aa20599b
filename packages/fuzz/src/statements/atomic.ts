import { ROWS, type Row } from "@bpfkit/isa";
import type { Frame } from "../frame.js";
import { makeSafe } from "./memory.js";
import type { Statement } from "./statement.js";

const ATOMICS: readonly Row[] = ROWS.filter(({ operation }) =>
  /^(atomic|xchg|cmpxchg|loadAcquire|storeRelease)/.test(operation),
);

/** One atomic operation of any row, on the stack or on a map's value. */
export const atomic: Statement = (frame) => {
  const row = frame.random.pick(ATOMICS);
  const bytes = (row.width ?? 64) / 8;
  const windows = frame.windows.filter((window) => window.atomics && window.size >= 8);
  const window = windows.length > 0 && frame.random.chance(0.7) ? frame.random.pick(windows) : undefined;
  let base = 10;
  let offset: number;
  if (window === undefined) {
    const below = frame.stackPlace(8);
    makeSafe(frame, below, 8);
    offset = -below + bytes * frame.random.integer(0, 8 / bytes - 1);
  } else {
    base = window.register;
    offset = window.offset + bytes * frame.random.integer(0, Math.floor(window.size / bytes) - 1);
  }
  operate(frame, row, base, offset);
};

function operate(frame: Frame, row: Row, base: number, offset: number): void {
  if (row.operation === "loadAcquire") {
    const target = frame.free();
    frame.emit(row.name, { dst: target, src: base, offset });
    frame.set(target, "safe");
    return;
  }
  if (row.operation === "cmpxchg" && frame.content(0) !== "safe") {
    if (frame.locked.has(0)) return;
    frame.emit("mov64Imm", { dst: 0, imm: frame.number() });
    frame.set(0, "safe");
  }
  const source = frame.safe(row.operation === "cmpxchg" ? [0] : []);
  frame.emit(row.name, { dst: base, src: source, offset });
  // Linux 6.18 on x86-64 forgets to clear the high half of r0 where the paths that read it were pruned (x86 leaves it alone
  // when the comparison holds): seed 550220848, class atomics. Cleared here, it hides nothing else.
  if (row.name === "cmpxchg32") frame.emit("mov32Reg", { dst: 0, src: 0 });
}
