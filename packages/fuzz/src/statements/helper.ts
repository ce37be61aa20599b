import type { Frame } from "../frame.js";
import { makeSafe } from "./memory.js";
import { CONTEXT_REGISTER, type Statement } from "./statement.js";

const SKB_STORE_BYTES = 9;
const SKB_LOAD_BYTES = 26;
const CSUM_DIFF = 28;
const XDP_ADJUST_HEAD = 44;
const XDP_ADJUST_TAIL = 65;

/** Helpers that give the same answer everywhere, by the program types that have them. */
const HELPERS: Readonly<Record<string, readonly number[]>> = {
  xdp: [CSUM_DIFF, XDP_ADJUST_HEAD, XDP_ADJUST_TAIL],
  sched_cls: [CSUM_DIFF, SKB_STORE_BYTES, SKB_LOAD_BYTES],
  socket_filter: [SKB_LOAD_BYTES],
};

/** A helper with a repeatable answer: packet bytes copied, the packet's ends moved, checksums. */
export const helper: Statement = (frame, world) => {
  const ids = (HELPERS[world.type] ?? []).filter((id) => world.helpers.has(id));
  if (ids.length === 0 || frame.held > 0 || !frame.locked.has(CONTEXT_REGISTER)) return;
  const id = frame.random.pick(ids);
  if (id === CSUM_DIFF) checksum(frame);
  else if (id === XDP_ADJUST_HEAD || id === XDP_ADJUST_TAIL) moveEnd(frame);
  else copyBytes(frame, id);
  frame.emit("call", { imm: id });
  frame.afterCall("safe");
};

function checksum(frame: Frame): void {
  const below = 8 * frame.random.integer(2, frame.stackBytes / 8);
  makeSafe(frame, below, 16);
  place(frame, 1, below);
  frame.emit("mov64Imm", { dst: 2, imm: frame.random.pick([4, 8]) });
  place(frame, 3, below - 8);
  frame.emit("mov64Imm", { dst: 4, imm: frame.random.pick([4, 8]) });
  frame.emit("mov64Imm", { dst: 5, imm: frame.number() });
}

function moveEnd(frame: Frame): void {
  frame.emit("mov64Reg", { dst: 1, src: CONTEXT_REGISTER });
  frame.emit("mov64Imm", { dst: 2, imm: frame.random.pick([-16, -4, 0, 1, 4, 20, 4000]) });
}

function copyBytes(frame: Frame, id: number): void {
  const below = 8 * frame.random.integer(2, frame.stackBytes / 8);
  makeSafe(frame, below, 16);
  frame.emit("mov64Reg", { dst: 1, src: CONTEXT_REGISTER });
  frame.emit("mov64Imm", { dst: 2, imm: frame.random.pick([0, 1, 6, 14, 30, 1000]) });
  place(frame, 3, below);
  frame.emit("mov64Imm", { dst: 4, imm: frame.random.integer(1, 16) });
  if (id === SKB_STORE_BYTES) frame.emit("mov64Imm", { dst: 5, imm: 0 });
}

function place(frame: Frame, register: number, below: number): void {
  frame.emit("mov64Reg", { dst: register, src: 10 });
  frame.emit("add64Imm", { dst: register, imm: -below });
}
