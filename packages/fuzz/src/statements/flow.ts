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
  frame.counters.push(counter);
  const early = frame.random.chance(0.2);
  if (early) frame.emit("mayGoto", { target: out });
  block(frame, world, frame.random.integer(1, 3));
  frame.loops--;
  frame.counters.pop();
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

/**
 * Ends the function with a result into which every safe number goes: those in registers, and some on the stack. At last its
 * high half is folded into the low one, which is all that a test run tells.
 */
export function exit(frame: Frame): void {
  const first = frame.content(0) === "safe" ? 0 : frame.safe();
  const others = frame.safeRegisters().filter((register) => register !== first);
  if (first !== 0) frame.emit("mov64Reg", { dst: 0, src: first });
  for (const register of others) mixIn(frame, register);
  // Their numbers are in the result, so one of these may be overwritten. A locked one only holds a pointer nobody needs now.
  const scratch = 1;
  for (let i = 0; i < 4; i++) {
    const below = frame.stackPlace(8);
    if (frame.stackContent(below, 8) !== "safe") continue;
    frame.emit("ldxDw", { dst: scratch, src: 10, offset: -below });
    mixIn(frame, scratch);
  }
  frame.emit("mov64Reg", { dst: scratch, src: 0 });
  frame.emit("rsh64Imm", { dst: scratch, imm: 32 });
  frame.emit("xor64Reg", { dst: 0, src: scratch });
  frame.emit("exit");
}

/** r0 = r0 * odd ^ register: no two numbers cancel out. */
function mixIn(frame: Frame, register: number): void {
  frame.emit("mul64Imm", { dst: 0, imm: frame.random.word() | 1 | 0 });
  frame.emit("xor64Reg", { dst: 0, src: register });
}
