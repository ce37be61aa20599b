import type { Frame } from "../frame.js";
import { access } from "./memory.js";
import { CONTEXT_REGISTER, type Statement, type World } from "./statement.js";

/** Where the context of a type has `data` and `data_end` (uapi/linux/bpf.h); types without direct access are left out. */
const POINTERS: Readonly<Record<string, readonly [data: number, dataEnd: number]>> = {
  xdp: [0, 4],
  sched_cls: [76, 80],
};

/** Whether programs of a type may touch their packet directly. */
export const hasPacketAccess = (type: string): boolean => POINTERS[type] !== undefined;

/** Loads the packet's ends, checks that enough is there, and works on it within a block. */
export const packet: Statement = (frame, world, block) => {
  const pointers = POINTERS[world.type];
  if (pointers === undefined || !frame.locked.has(CONTEXT_REGISTER) || frame.locked.size > 3) return;
  const { random } = frame;
  const data = frame.freeSaved();
  if (data === undefined) return;
  const [end, limit] = distinct(frame, data);
  const [dataOffset, endOffset] = random.chance(0.5) ? [0, 1] : [1, 0];
  const loads = [
    { dst: data, offset: pointers[0] },
    { dst: end, offset: pointers[1] },
  ];
  for (const which of [dataOffset, endOffset]) frame.emit("ldxW", { ...loads[which]!, src: CONTEXT_REGISTER });
  for (const register of [data, end, limit]) frame.set(register, "pointer");
  const variable = random.chance(0.3);
  if (variable) moveByNumber(frame, data, [end, limit]);
  const size = random.integer(1, variable ? 16 : 40);
  const skip = frame.label();
  frame.emit("mov64Reg", { dst: limit, src: data });
  frame.emit("add64Imm", { dst: limit, imm: size });
  check(frame, limit, end, skip);
  frame.set(end, "none");
  frame.set(limit, "none");
  const before = frame.snapshot();
  frame.locked.add(data);
  if (random.chance(0.25)) length(frame, world, pointers);
  frame.held++;
  const window = { register: data, offset: 0, size, atomics: false, writable: true, packetEnd: pointers[1] };
  frame.windows.push(window);
  access(frame, window);
  block(frame, world, random.integer(1, 4));
  frame.windows.pop();
  frame.held--;
  frame.locked.delete(data);
  frame.set(data, "none");
  frame.place(skip);
  frame.meet({ ...before, registers: before.registers.with(data, "none") });
};

function distinct(frame: Frame, data: number): [end: number, limit: number] {
  const end = frame.free([data]);
  return [end, frame.free([data, end])];
}

/** Moves a packet pointer by a number from 0 to 63. */
function moveByNumber(frame: Frame, data: number, except: readonly number[]): void {
  const number = frame.safe([data, ...except]);
  const index = frame.free([data, number, ...except]);
  frame.emit("mov64Reg", { dst: index, src: number });
  frame.emit("and64Imm", { dst: index, imm: frame.random.pick([7, 15, 63]) });
  frame.set(index, "safe");
  frame.emit("add64Reg", { dst: data, src: index });
}

/** One of the ways to ask whether `limit` lies past the end. */
function check(frame: Frame, limit: number, end: number, skip: number): void {
  const [name, dst, src] = frame.random.pick([
    ["jgtReg", limit, end],
    ["jltReg", end, limit],
  ] as const);
  frame.emit(name, { dst, src, target: skip });
}

/** The packet's length: the one difference of addresses that is the same everywhere. */
function length(frame: Frame, world: World, [data, dataEnd]: readonly [number, number]): void {
  if (world.type !== "xdp") return;
  const target = frame.free();
  const begin = frame.free([target]);
  frame.emit("ldxW", { dst: target, src: CONTEXT_REGISTER, offset: dataEnd });
  frame.emit("ldxW", { dst: begin, src: CONTEXT_REGISTER, offset: data });
  frame.emit("sub64Reg", { dst: target, src: begin });
  frame.set(target, "safe");
  frame.set(begin, "none");
}
