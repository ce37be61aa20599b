import type { InstructionName } from "@bpfkit/isa";
import type { Frame, Window } from "../frame.js";
import { loadField } from "./context.js";
import { makeSafe } from "./memory.js";
import { CONTEXT_REGISTER, type Statement, type World } from "./statement.js";

/*
 * Numbers nobody knows are shaped, compared, stored and loaded, and then used as offsets. Whether one stays within the
 * memory it is used on is left open: what follows numbers with care (a verifier) decides, and takes offence at some.
 */

const MASKS = [1, 3, 7, 15, 31, 63, 127, 255, 0x38, 0x7c, -8, -256, 0x7fffffff];
const SMALL = [1, 2, 3, 4, 7, 8, 16, -1, -2, -4, -8];
const EXTENSIONS = ["movsx864Reg", "movsx1664Reg", "movsx3264Reg", "movsx832Reg", "movsx1632Reg", "mov32Reg"] as const;
const BYTE_ORDERS = ["be16", "le16", "be32", "le32", "bswap16", "neg64", "neg32"] as const;
/** Shift left and back: how compilers extend the low half, a byte, or a bit field. */
const BACK = [
  ["lsh64Imm", "rsh64Imm"],
  ["lsh64Imm", "arsh64Imm"],
  ["lsh32Imm", "rsh32Imm"],
  ["lsh32Imm", "arsh32Imm"],
] as const;

const SMALL_STEPS = [
  "add64Imm",
  "add64Imm",
  "sub64Imm",
  "add32Imm",
  "sub32Imm",
  "xor64Imm",
  "or64Imm",
  "xor32Imm",
] as const;
const WITH_ANOTHER = [
  "add64Reg",
  "sub64Reg",
  "and64Reg",
  "or64Reg",
  "xor64Reg",
  "mul64Reg",
  "add32Reg",
  "sub32Reg",
  "and32Reg",
  "lsh64Reg",
  "rsh64Reg",
] as const;
const SHIFTS = ["rsh64Imm", "rsh64Imm", "arsh64Imm", "lsh64Imm", "rsh32Imm", "arsh32Imm", "lsh32Imm"] as const;

/** One of the ways to use a number of which little is known. */
export const range: Statement = (frame, world) => {
  const how = frame.random.weighted({ offset: 5, clamp: 2, spill: 2, link: 2 });
  if (how === "clamp") clamp(frame, world);
  else if (how === "spill") spill(frame, world);
  else if (how === "link") link(frame, world);
  else offset(frame, unknown(frame, world));
};

/** A register with a number that may be anything: a counter, out of memory or the context; or a safe one there is. */
function unknown(frame: Frame, world: World): number {
  const { random, counters, windows } = frame;
  if (counters.length > 0 && random.chance(0.5)) return random.pick(counters);
  if (windows.length > 0 && random.chance(0.6)) return loadFrom(frame, random.pick(windows));
  if (random.chance(0.5)) return loadField(frame, world) ?? frame.safe();
  return frame.safe();
}

function loadFrom(frame: Frame, window: Window): number {
  const target = frame.free([window.register]);
  const [name, size] = frame.random.pick([
    ["ldxB", 1],
    ["ldxsB", 1],
    ["ldxH", 2],
    ["ldxsH", 2],
    ["ldxW", 4],
    ["ldxsW", 4],
    ["ldxDw", 8],
  ] as const);
  if (size > window.size) return frame.safe();
  const at = window.offset + frame.random.integer(0, window.size - size);
  frame.emit(name, { dst: target, src: window.register, offset: at });
  frame.set(target, "safe");
  return target;
}

/** A copy of a number in a register of its own, whole or its low half. */
function copy(frame: Frame, number: number): number {
  const target = frame.free([number]);
  frame.emit(frame.random.chance(0.8) ? "mov64Reg" : "mov32Reg", { dst: target, src: number });
  frame.set(target, "safe");
  return target;
}

type Shape = (frame: Frame, dst: number) => void;

const SHAPES: Readonly<Record<string, Shape>> = {
  mask: (frame, dst) => {
    const { random } = frame;
    frame.emit(random.pick(["and64Imm", "and64Imm", "and32Imm"]), { dst, imm: random.pick(MASKS) });
  },
  shift,
  back,
  extend: (frame, dst) => frame.emit(frame.random.pick(EXTENSIONS), { dst, src: dst }),
  small: (frame, dst) => frame.emit(frame.random.pick(SMALL_STEPS), { dst, imm: frame.random.pick(SMALL) }),
  multiply: (frame, dst) => {
    const { random } = frame;
    frame.emit(random.pick(["mul64Imm", "mul32Imm"]), { dst, imm: random.pick([2, 3, 4, 5, 8, -1]) });
  },
  swap: (frame, dst) => frame.emit(frame.random.pick(BYTE_ORDERS), { dst }),
  other: (frame, dst) => {
    const src = frame.safe([dst]);
    frame.emit(frame.random.pick(WITH_ANOTHER), { dst, src });
  },
};
const SHAPE_WEIGHTS = { mask: 4, shift: 2, back: 1.5, extend: 1.5, small: 3, multiply: 1, swap: 0.5, other: 1 };

/** One step by which a number gets another range. */
function shape(frame: Frame, register: number): void {
  SHAPES[frame.random.weighted(SHAPE_WEIGHTS)]!(frame, register);
}

function back(frame: Frame, dst: number): void {
  const { random } = frame;
  const [out, home] = random.pick(BACK);
  const most = out === "lsh64Imm" ? 63 : 31;
  const usual = most === 63 ? [32, 48, 56, 60] : [16, 24, 28];
  const imm = random.chance(0.6) ? random.pick(usual) : random.integer(1, most);
  frame.emit(out, { dst, imm });
  frame.emit(home, { dst, imm: random.chance(0.8) ? imm : random.integer(1, most) });
}

function shift(frame: Frame, dst: number): void {
  const { random } = frame;
  const name = random.pick(SHIFTS);
  const most = name.includes("32") ? 31 : 63;
  const imm = name.startsWith("lsh") ? random.integer(1, 4) : random.integer(1, most);
  frame.emit(name, { dst, imm });
}

const ABOVE = ["jgtImm", "jgeImm", "jgt32Imm", "jge32Imm"] as const;
const ABOVE_SIGNED = ["jsgtImm", "jsgeImm", "jsgt32Imm", "jsge32Imm"] as const;

/** Leaves for `out` unless a number is small enough: what stays behind is bounded, mostly. */
function bound(frame: Frame, dst: number, most: number, out: number): void {
  const { random } = frame;
  const how = random.weighted({ unsigned: 5, signed: 3, register: 1.5, bits: 1, equal: 0.7 });
  if (how === "unsigned") frame.emit(random.pick(ABOVE), { dst, imm: most, target: out });
  else if (how === "signed") {
    const below = { dst, imm: random.pick([0, 0, 0, 1, -1, -4]), target: out };
    frame.emit(random.pick(ABOVE_SIGNED), { dst, imm: most, target: out });
    if (random.chance(0.85)) frame.emit(random.pick(["jsltImm", "jsltImm", "jslt32Imm", "jsleImm"]), below);
  } else if (how === "register") {
    const other = frame.free([dst]);
    frame.emit("mov64Imm", { dst: other, imm: most });
    frame.set(other, "safe");
    if (random.chance(0.4)) shape(frame, other);
    frame.emit(random.pick(["jgtReg", "jgeReg", "jsgtReg", "jgt32Reg", "jneReg"]), { dst, src: other, target: out });
  } else if (how === "bits") {
    frame.emit(random.pick(["jsetImm", "jset32Imm"]), {
      dst,
      imm: random.pick([-8, -16, -32, -64, 7, 3]),
      target: out,
    });
  } else {
    frame.emit(random.pick(["jneImm", "jeqImm", "jne32Imm", "jeq32Imm"]), {
      dst,
      imm: random.integer(0, 9),
      target: out,
    });
  }
}

/** Makes all of a function's stack safe: what a wrong offset comes to must be the same everywhere. */
export const fillStack = (frame: Frame): void => makeSafe(frame, frame.stackBytes, frame.stackBytes);

/** A result of which something is known: its caller may build on that. */
export function shapeResult(frame: Frame): void {
  frame.emit("mov64Reg", { dst: 0, src: frame.safe([0]) });
  frame.set(0, "safe");
  for (let i = frame.random.integer(0, 2); i > 0; i--) shape(frame, 0);
  frame.emit("and64Imm", { dst: 0, imm: frame.random.pick(MASKS) });
}

/** What a number is used on: bytes from `register + offset` on. */
function targetOf(frame: Frame): Window {
  if (frame.windows.length > 0 && frame.random.chance(0.6)) return frame.random.pick(frame.windows);
  const below = 8 * frame.random.integer(1, frame.stackBytes / 8);
  fillStack(frame);
  return { register: 10, offset: -below, size: below, atomics: false, writable: true };
}

/** Shapes and bounds a copy of a number, adds it to a pointer, and loads or stores there. */
function offset(frame: Frame, number: number): void {
  const { random } = frame;
  const target = targetOf(frame);
  const index = copy(frame, number);
  for (let i = random.integer(0, 3); i > 0; i--) shape(frame, index);
  const before = frame.snapshot();
  const skip = frame.label();
  const most = Math.max(0, target.size - random.pick([1, 1, 2, 4, 8]));
  if (random.chance(0.25)) frame.emit("and64Imm", { dst: index, imm: random.pick([1, 3, 7, 15]) });
  else for (let i = random.integer(1, 2); i > 0; i--) bound(frame, index, most, skip);
  if (random.chance(0.4)) shape(frame, index);
  access(frame, target, index, skip);
  frame.place(skip);
  frame.meet(before);
}

function access(frame: Frame, target: Window, index: number, skip: number): void {
  const { random } = frame;
  const size = random.pick([1, 1, 1, 2, 4, 8].filter((bytes) => bytes <= target.size));
  const isStack = target.register === 10;
  const pointer = frame.free([index, target.register]);
  // The stack is only reached at multiples of the size, and never backwards.
  if (isStack && size > 1) frame.emit("and64Imm", { dst: index, imm: -size });
  frame.emit("mov64Reg", { dst: pointer, src: target.register });
  const isBackward = !isStack && random.chance(0.1);
  frame.emit(isBackward ? "sub64Reg" : "add64Reg", { dst: pointer, src: index });
  const where = target.offset + (isBackward ? target.size >> 1 : 0) + random.pick(isStack ? [0] : [0, 0, 0, 1, 8, -1]);
  if (target.packetEnd !== undefined) checkPacket(frame, target.packetEnd, pointer, where + size, skip);
  if (random.chance(0.6) || !target.writable) {
    const into = frame.free([pointer]);
    frame.emit(loadOf(size, random.chance(0.3)), { dst: into, src: pointer, offset: where });
    frame.set(into, "safe");
  } else if (random.chance(0.5)) {
    frame.emit(STORES[size]!, { dst: pointer, src: frame.safe([pointer]), offset: where });
  } else {
    const name = ({ 1: "stB", 2: "stH", 4: "stW", 8: "stDw" } as const)[size]!;
    frame.emit(name, { dst: pointer, offset: where, imm: frame.number() });
  }
  frame.set(pointer, "none");
}

/** A packet pointer that was moved by a number must be held against the packet's end again. */
function checkPacket(frame: Frame, endOffset: number, pointer: number, size: number, skip: number): void {
  const end = frame.free([pointer]);
  const limit = frame.free([pointer, end]);
  frame.emit("ldxW", { dst: end, src: CONTEXT_REGISTER, offset: endOffset });
  frame.emit("mov64Reg", { dst: limit, src: pointer });
  frame.emit("add64Imm", { dst: limit, imm: size });
  frame.emit(frame.random.pick(["jgtReg", "jgtReg", "jgeReg"]), { dst: limit, src: end, target: skip });
  frame.set(end, "none");
  frame.set(limit, "none");
}

const STORES: Readonly<Record<number, InstructionName>> = { 1: "stxB", 2: "stxH", 4: "stxW", 8: "stxDw" };
const LOADS: Readonly<Record<number, InstructionName>> = { 1: "ldxB", 2: "ldxH", 4: "ldxW", 8: "ldxDw" };
const SIGNED_LOADS: Readonly<Record<number, InstructionName>> = { 1: "ldxsB", 2: "ldxsH", 4: "ldxsW", 8: "ldxDw" };
const loadOf = (size: number, isSigned: boolean): InstructionName => (isSigned ? SIGNED_LOADS : LOADS)[size]!;

/** A number out of bounds is replaced by a known one, so that two ways with different ranges meet. */
function clamp(frame: Frame, world: World): void {
  const { random } = frame;
  const number = copy(frame, unknown(frame, world));
  if (random.chance(0.5)) shape(frame, number);
  const [far, end] = [frame.label(), frame.label()];
  bound(frame, number, random.pick([1, 3, 7, 15, 30, 63]), far);
  const before = frame.snapshot();
  if (random.chance(0.3)) shape(frame, number);
  frame.emit("ja", { target: end });
  const after = frame.snapshot();
  frame.place(far);
  frame.knowledge = before;
  frame.emit("mov64Imm", { dst: number, imm: random.pick([0, 1, 7, 8, -1, -8]) });
  frame.place(end);
  frame.meet(after);
  if (random.chance(0.6)) offset(frame, number);
}

/** A number goes through the stack, whole or in part; what is learned of it meanwhile is learned of its copy there. */
function spill(frame: Frame, world: World): void {
  const { random } = frame;
  fillStack(frame);
  const number = copy(frame, unknown(frame, world));
  if (random.chance(0.6)) shape(frame, number);
  const below = frame.stackPlace(8);
  const size = random.pick([8, 8, 8, 4, 4, 2, 1]);
  frame.emit(STORES[size]!, { dst: 10, src: number, offset: -below });
  const skip = frame.label();
  const before = frame.snapshot();
  if (random.chance(0.6)) bound(frame, number, random.pick([3, 7, 15, 31]), skip);
  const part = random.chance(0.7) ? size : random.pick([1, 2, 4, 8]);
  const at = random.chance(0.8) ? 0 : random.integer(0, Math.floor(8 / part) - 1) * part;
  const back = frame.free([number]);
  frame.emit(loadOf(part, random.chance(0.3)), { dst: back, src: 10, offset: at - below });
  frame.set(back, "safe");
  offset(frame, back);
  frame.place(skip);
  frame.meet(before);
}

/** Two registers hold one number, or numbers a constant apart; one is compared, the other is used. */
function link(frame: Frame, world: World): void {
  const { random } = frame;
  const one = copy(frame, unknown(frame, world));
  for (let i = random.integer(0, 2); i > 0; i--) shape(frame, one);
  const other = copy(frame, one);
  if (random.chance(0.5)) {
    const name = random.pick(["add64Imm", "add64Imm", "add32Imm", "sub64Imm"] as const);
    frame.emit(name, { dst: random.pick([one, other]), imm: random.pick(SMALL) });
  }
  const skip = frame.label();
  const before = frame.snapshot();
  const [compared, used] = random.chance(0.5) ? [one, other] : [other, one];
  bound(frame, compared, random.pick([3, 7, 8, 15, 31]), skip);
  offset(frame, used);
  frame.place(skip);
  frame.meet(before);
}
