import type { Frame } from "../frame.js";
import { makeSafe } from "./memory.js";
import { type Callee, CONTEXT_REGISTER, type Statement } from "./statement.js";

const TAIL_CALL = 12;
const LOOP = 181;

/** A call of a subprogram further down, with the context and safe numbers. */
export const call: Statement = (frame, world) => {
  const callees = world.callees.filter(({ callsLeft }) => callsLeft > 0);
  if (callees.length === 0 || frame.held > 0 || frame.loops > 0) return;
  callSubprogram(frame, frame.random.pick(callees));
};

export function callSubprogram(frame: Frame, callee: Callee): void {
  callee.callsLeft--;
  for (let argument = 0; argument < callee.args; argument++) passNumber(frame, 2 + argument);
  frame.emit("mov64Reg", { dst: 1, src: CONTEXT_REGISTER });
  frame.emit("callLocal", { target: callee.label });
  frame.afterCall("safe");
}

/** Sets an argument register to a safe number that is not in a register set before it. */
function passNumber(frame: Frame, register: number): void {
  const saved = [0, 7, 8, 9].filter((other) => frame.content(other) === "safe" && !frame.locked.has(other));
  if (saved.length > 0) frame.emit("mov64Reg", { dst: register, src: frame.random.pick(saved) });
  else frame.emit("mov64Imm", { dst: register, imm: frame.number() });
}

/** A tail call, which falls through where the slot is empty, out of range, or the count is used up. */
export const tailCall: Statement = (frame, world) => {
  const array = world.programArray;
  if (array === undefined || frame.held > 0 || frame.loops > 0 || !frame.locked.has(CONTEXT_REGISTER)) return;
  const { random } = frame;
  const how = random.weighted({ constant: 5, number: 3, outside: 1, high: 0.7 });
  if (how === "number") {
    passNumber(frame, 3);
    frame.emit("and64Imm", { dst: 3, imm: 7 });
  } else if (how === "high") {
    frame.emit("lddw", { dst: 3, imm: random.integer(0, array.slots - 1), nextImm: 1 });
  } else {
    const imm = how === "constant" ? random.integer(0, array.slots - 1) : random.pick([array.slots, -1, 0x7fffffff]);
    frame.emit("mov64Imm", { dst: 3, imm });
  }
  frame.emit("lddwMap", { dst: 2, map: array.name });
  frame.emit("mov64Reg", { dst: 1, src: CONTEXT_REGISTER });
  frame.emit("call", { imm: TAIL_CALL });
  frame.afterCall("none");
};

/** `bpf_loop` with a callback that works on eight bytes of the caller's stack. */
export const callback: Statement = (frame, world) => {
  if (!world.helpers.has(LOOP) || frame.held > 0 || frame.loops > 0 || world.callbacks.length > 1) return;
  const below = frame.stackPlace(8);
  makeSafe(frame, below, 8);
  const label = frame.label();
  world.callbacks.push({ label, name: `callback${world.callbacks.length + 1}` });
  frame.emit("mov64Reg", { dst: 3, src: 10 });
  frame.emit("add64Imm", { dst: 3, imm: -below });
  frame.emit("lddwCode", { dst: 2, target: label });
  frame.emit("mov64Imm", { dst: 1, imm: frame.random.integer(0, 12) });
  frame.emit("mov64Imm", { dst: 4, imm: 0 });
  frame.emit("call", { imm: LOOP });
  frame.afterCall("safe");
};
