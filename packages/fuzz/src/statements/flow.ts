import { ROWS, type Row } from "@bpfkit/isa";
import type { Frame, Knowledge } from "../frame.js";
import type { Statement } from "./statement.js";

const CONDITIONS: readonly Row[] = ROWS.filter(
  (row) => row.target === "offset" && row.fields.includes("dst") && row.operation.startsWith("j"),
);
/** Conditions that hold for a counter below its bound, both small. */
const BELOW = ["jltImm", "jlt32Imm", "jneImm", "jne32Imm", "jsltImm", "jslt32Imm"] as const;

/** A condition on numbers around a block, with another block, an exit or nothing on the other way. */
export const branch: Statement = (frame, world, block) => {
  const { random } = frame;
  const row = random.pick(CONDITIONS);
  const left = frame.safe();
  const right = row.fields.includes("src") ? { src: frame.safe() } : { imm: frame.number() };
  const other = frame.label();
  frame.emit(row.name, { dst: left, ...right, target: other });
  const before = frame.snapshot();
  block(frame, world, random.integer(1, 3));
  if (world.exits && random.chance(0.12)) {
    exit(frame);
    frame.place(other);
    frame.knowledge = before;
  } else if (random.chance(0.4)) {
    const end = frame.label();
    frame.emit(random.chance(0.5) ? "ja" : "ja32", { target: end });
    const after = frame.snapshot();
    frame.place(other);
    frame.knowledge = before;
    block(frame, world, random.integer(1, 3));
    frame.place(end);
    frame.meet(after);
  } else {
    frame.place(other);
    frame.meet(before);
  }
};

/** A block two to five times, by a counter the block leaves alone. Sometimes a `may_goto` that never runs out. */
export const loop: Statement = (frame, world, block) => {
  if (frame.loops === 2) return;
  const counter = frame.freeSaved();
  if (counter === undefined) return;
  frame.emit("mov64Imm", { dst: counter, imm: 0 });
  frame.set(counter, "safe");
  frame.locked.add(counter);
  const head = frame.label();
  const out = frame.label();
  frame.place(head);
  const before = frame.snapshot();
  frame.loops++;
  const early = frame.random.chance(0.2);
  if (early) frame.emit("mayGoto", { target: out });
  block(frame, world, frame.random.integer(1, 3));
  frame.loops--;
  repair(frame, before);
  frame.emit("add64Imm", { dst: counter, imm: 1 });
  frame.emit(frame.random.pick(BELOW), { dst: counter, imm: frame.random.integer(2, 5), target: head });
  frame.place(out);
  if (early) frame.meet(before);
  frame.locked.delete(counter);
};

/** What could be read when the loop was entered must be as good when it comes round again. */
function repair(frame: Frame, before: Knowledge): void {
  for (const [register, content] of before.registers.entries()) {
    const now = frame.content(register);
    const worse =
      (content === "safe" && now !== "safe") || (content === "tainted" && now !== "safe" && now !== "tainted");
    if (!worse) continue;
    frame.emit("mov64Imm", { dst: register, imm: frame.number() });
    frame.set(register, "safe");
  }
}

/** Ends the function with a result made of safe numbers; all 64 bits of it show in the low 32. */
export function exit(frame: Frame): void {
  const { random } = frame;
  const first = frame.safe();
  const others = [frame.safe(), frame.safe()].filter((register) => register !== first);
  if (first !== 0) frame.emit("mov64Reg", { dst: 0, src: first });
  for (const register of others) {
    if (register !== 0) frame.emit(random.pick(["xor64Reg", "add64Reg"] as const), { dst: 0, src: register });
  }
  const high = random.integer(1, 5);
  if (frame.locked.has(high)) {
    frame.emit("exit");
    return;
  }
  frame.emit("mov64Reg", { dst: high, src: 0 });
  frame.emit("rsh64Imm", { dst: high, imm: 32 });
  frame.emit("xor64Reg", { dst: 0, src: high });
  frame.emit("exit");
}
