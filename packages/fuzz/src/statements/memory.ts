import type { InstructionName } from "@bpfkit/isa";
import type { Content, Frame, Window } from "../frame.js";
import type { Statement } from "./statement.js";

type Size = 1 | 2 | 4 | 8;
const SIZES: readonly Size[] = [1, 2, 4, 8];
const LOADS: Readonly<Record<Size, readonly InstructionName[]>> = {
  1: ["ldxB", "ldxsB"],
  2: ["ldxH", "ldxsH"],
  4: ["ldxW", "ldxsW"],
  8: ["ldxDw"],
};
const STORES: Readonly<Record<Size, InstructionName>> = { 1: "stxB", 2: "stxH", 4: "stxW", 8: "stxDw" };
const IMMEDIATE_STORES: Readonly<Record<Size, InstructionName>> = { 1: "stB", 2: "stH", 4: "stW", 8: "stDw" };

/** A load from or store to the stack: at a constant place, through a copy of the frame pointer, or at a variable place. */
export const stack: Statement = (frame) => {
  const how = frame.random.weighted({ store: 4, load: 4, variable: 1.5, spill: 0.7 });
  if (how === "store") store(frame);
  else if (how === "load") load(frame);
  else if (how === "variable") variablePlace(frame);
  else spill(frame);
};

function store(frame: Frame): void {
  const size = frame.random.pick(SIZES);
  const below = frame.stackPlace(size);
  const [register, offset] = stackBase(frame, below);
  if (frame.random.chance(0.4)) {
    frame.emit(IMMEDIATE_STORES[size], { dst: register, offset, imm: frame.number() });
    frame.setStack(below, size, "safe");
  } else {
    // In a loop bytes that were safe must stay so.
    const source = frame.loops === 0 ? frame.scalar([register]) : frame.safe([register]);
    frame.emit(STORES[size], { dst: register, offset, src: source });
    frame.setStack(below, size, frame.content(source));
  }
  if (register !== 10) frame.set(register, "none");
}

/** r10 itself, or a copy of it moved down. */
function stackBase(frame: Frame, below: number): [register: number, offset: number] {
  if (frame.random.chance(0.7)) return [10, -below];
  const register = frame.free();
  const down = frame.random.integer(0, below);
  frame.emit("mov64Reg", { dst: register, src: 10 });
  frame.emit("add64Imm", { dst: register, imm: -down });
  frame.set(register, "pointer");
  return [register, down - below];
}

function load(frame: Frame): void {
  const size = frame.random.pick(SIZES);
  for (let attempt = 0; attempt < 6; attempt++) {
    const below = frame.stackPlace(size);
    const content = frame.stackContent(below, size);
    if (content !== "safe" && content !== "tainted") continue;
    const target = frame.free();
    frame.emit(frame.random.pick(LOADS[size]), { dst: target, src: 10, offset: -below });
    frame.set(target, content);
    return;
  }
  store(frame);
}

/** A byte at `r10 - below + (n & 7)`, of eight that were just written. */
function variablePlace(frame: Frame): void {
  const below = frame.stackPlace(8);
  const value = frame.safe();
  const index = frame.fresh([value]);
  frame.emit("stxDw", { dst: 10, offset: -below, src: value });
  frame.setStack(below, 8, "safe");
  const number = frame.safe([index]);
  const pointer = frame.free([index, number]);
  frame.emit("mov64Reg", { dst: index, src: number });
  frame.emit("and64Imm", { dst: index, imm: 7 });
  frame.emit("mov64Reg", { dst: pointer, src: 10 });
  frame.emit("add64Reg", { dst: pointer, src: index });
  if (frame.random.chance(0.5)) {
    frame.emit("ldxB", { dst: index, src: pointer, offset: -below });
  } else {
    frame.emit("stxB", { dst: pointer, offset: -below, src: index });
  }
  frame.set(pointer, "none");
}

/** An address stored and loaded back whole, as the verifier wants it, and used. */
function spill(frame: Frame): void {
  if (frame.loops > 0) return;
  const below = frame.stackPlace(8);
  const target = frame.free();
  frame.emit("stxDw", { dst: 10, offset: -below, src: 10 });
  frame.emit("ldxDw", { dst: target, src: 10, offset: -below });
  const place = frame.stackPlace(8);
  frame.setStack(below, 8, "pointer");
  if (place !== below) {
    frame.emit("stDw", { dst: target, offset: -place, imm: frame.number() });
    frame.setStack(place, 8, "safe");
  }
  frame.set(target, "none");
}

/** A load from or store to what a window shows: a packet or a map's value. */
export const memory: Statement = (frame, world, block) => {
  if (frame.windows.length === 0) return stack(frame, world, block);
  access(frame, frame.random.pick(frame.windows));
};

/** One access within a window. What lies in it is safe, and only safe numbers are put there. */
export function access(frame: Frame, window: Window): void {
  const size = frame.random.pick(SIZES.filter((bytes) => bytes <= window.size));
  const offset = window.offset + frame.random.integer(0, window.size - size);
  const base = window.register;
  const how = window.writable ? frame.random.weighted({ load: 5, store: 3, immediate: 2 }) : "load";
  if (how === "load") {
    const target = frame.free();
    frame.emit(frame.random.pick(LOADS[size]), { dst: target, src: base, offset });
    frame.set(target, "safe");
  } else if (how === "store") {
    frame.emit(STORES[size], { dst: base, offset, src: frame.safe() });
  } else {
    frame.emit(IMMEDIATE_STORES[size], { dst: base, offset, imm: frame.number() });
  }
}

/** Content of a stack place for statements that only take safe bytes. */
export function makeSafe(frame: Frame, below: number, size: number): void {
  const content: Content = frame.stackContent(below, size);
  if (content === "safe") return;
  for (let at = 0; at < size; at += 8) {
    frame.emit("stDw", { dst: 10, offset: at - below, imm: frame.number() });
    frame.setStack(below - at, 8, "safe");
  }
}
