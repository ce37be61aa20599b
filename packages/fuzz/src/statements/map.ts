import type { MapSpec } from "@bpfkit/core";
import type { Frame } from "../frame.js";
import { access, makeSafe } from "./memory.js";
import type { Statement } from "./statement.js";

const LOOKUP = 1;
const UPDATE = 2;
const DELETE = 3;
const PUSH = 87;
const POP = 88;
const PEEK = 89;

/** One use of a data map: a lookup with work on the value, an update, a deletion, or the value's own address. */
export const map: Statement = (frame, world, block) => {
  if (world.maps.length === 0 || frame.held > 1) return;
  const spec = frame.random.pick(world.maps);
  if (spec.keySize === 0) return queue(frame, spec);
  const how = frame.random.weighted({ lookup: 5, update: 2, delete: 1, ...(hasAddress(spec) ? { direct: 2 } : {}) });
  if (how === "direct") return direct(frame, spec);
  const key = keyOnStack(frame, spec);
  if (how === "lookup") {
    passKey(frame, spec, key);
    frame.emit("call", { imm: LOOKUP });
    frame.afterCall("none");
    onValue(frame, spec, (inner) => block(inner, world, frame.random.integer(1, 3)));
  } else if (how === "update") {
    const value = valueOnStack(frame, spec, key);
    passKey(frame, spec, key);
    passPlace(frame, 3, value);
    frame.emit("mov64Imm", { dst: 4, imm: frame.random.pick([0, 0, 0, 1, 2]) });
    frame.emit("call", { imm: UPDATE });
    frame.afterCall("safe");
  } else {
    passKey(frame, spec, key);
    frame.emit("call", { imm: DELETE });
    frame.afterCall("safe");
  }
};

/** Only an array of one value has an address of its own. */
const hasAddress = (spec: MapSpec): boolean => spec.type === "array" && spec.maxEntries === 1;

/** A key on the stack: mostly one that may be there. */
function keyOnStack(frame: Frame, spec: MapSpec): number {
  const below = frame.stackPlace(8);
  frame.emit("stDw", { dst: 10, offset: -below, imm: 0 });
  frame.setStack(below, 8, "safe");
  if (frame.random.chance(0.5)) {
    frame.emit("stW", { dst: 10, offset: -below, imm: frame.random.integer(0, spec.maxEntries) });
  } else {
    const number = frame.safe();
    const index = frame.free([number]);
    frame.emit("mov64Reg", { dst: index, src: number });
    frame.emit("and64Imm", { dst: index, imm: 7 });
    frame.set(index, "safe");
    frame.emit("stxW", { dst: 10, offset: -below, src: index });
  }
  return below;
}

function valueOnStack(frame: Frame, spec: MapSpec, key: number): number {
  const lowest = Math.floor(frame.stackBytes / 8) * 8;
  const below = key + spec.valueSize <= lowest ? key + spec.valueSize : key;
  if (below === key) {
    // No room beside the key: the value begins where the stack does.
    makeSafe(frame, lowest, spec.valueSize);
    return lowest;
  }
  makeSafe(frame, below, spec.valueSize);
  return below;
}

function passKey(frame: Frame, spec: MapSpec, key: number): void {
  passPlace(frame, 2, key);
  frame.emit("lddwMap", { dst: 1, map: spec.name });
}

function passPlace(frame: Frame, register: number, below: number): void {
  frame.emit("mov64Reg", { dst: register, src: 10 });
  frame.emit("add64Imm", { dst: register, imm: -below });
}

/** Tests r0 for null and works on the value it points to, kept in a register that survives calls if there is one. */
function onValue(frame: Frame, spec: MapSpec, inner: (frame: Frame) => void): void {
  const skip = frame.label();
  const before = frame.snapshot();
  frame.emit("jeqImm", { dst: 0, imm: 0, target: skip });
  const kept = frame.locked.size < 4 ? frame.freeSaved() : undefined;
  const register = kept ?? 0;
  if (kept !== undefined) frame.emit("mov64Reg", { dst: kept, src: 0 });
  frame.set(0, "none");
  frame.set(register, "pointer");
  const window = { register, offset: 0, size: spec.valueSize, atomics: true, writable: true };
  frame.locked.add(register);
  frame.windows.push(window);
  access(frame, window);
  // A pointer in r0 does not survive a call.
  if (kept === undefined) frame.held += 2;
  inner(frame);
  if (kept === undefined) frame.held -= 2;
  frame.windows.pop();
  frame.locked.delete(register);
  frame.set(register, "none");
  frame.place(skip);
  frame.meet({ ...before, registers: before.registers.with(register, "none").with(0, "none") });
}

function direct(frame: Frame, spec: MapSpec): void {
  const register = frame.free();
  const offset = 8 * frame.random.integer(0, spec.valueSize / 8 - 1);
  frame.emit("lddwMapValue", { dst: register, map: spec.name, nextImm: offset });
  frame.set(register, "pointer");
  frame.locked.add(register);
  const window = { register, offset: 0, size: spec.valueSize - offset, atomics: true, writable: true };
  for (let i = frame.random.integer(1, 3); i > 0; i--) access(frame, window);
  frame.locked.delete(register);
  frame.set(register, "none");
}

/** Push, pop or peek of a queue or stack. */
function queue(frame: Frame, spec: MapSpec): void {
  const below = spec.valueSize * frame.random.integer(1, Math.floor(frame.stackBytes / spec.valueSize));
  makeSafe(frame, below, spec.valueSize);
  passPlace(frame, 2, below);
  frame.emit("lddwMap", { dst: 1, map: spec.name });
  const helper = frame.random.pick([PUSH, PUSH, POP, PEEK]);
  if (helper === PUSH) frame.emit("mov64Imm", { dst: 3, imm: frame.random.pick([0, 2]) });
  frame.emit("call", { imm: helper });
  frame.afterCall("safe");
}
