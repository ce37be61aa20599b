import type { Frame } from "../frame.js";
import { CONTEXT_REGISTER, type Statement, type World } from "./statement.js";

/** 32-bit context fields that a test run sets the same everywhere: where they lie, and whether a program may write them. */
const FIELDS: Readonly<Record<string, { readonly read: readonly number[]; readonly write: readonly number[] }>> = {
  // ingress_ifindex, rx_queue_index
  xdp: { read: [12, 16], write: [] },
  // len, pkt_type, mark, protocol, priority, ifindex, tc_index, cb
  sched_cls: { read: [0, 4, 8, 16, 32, 40, 44, 48, 52, 56, 60, 64], write: [8, 32, 48, 52, 56, 60, 64] },
  socket_filter: { read: [0, 4, 8, 16, 32, 40, 44, 48, 52, 56, 60, 64], write: [48, 52, 56, 60, 64] },
};

/** Reads or writes a field of the context. */
export const context: Statement = (frame, world) => {
  const fields = FIELDS[world.type];
  if (fields === undefined || !frame.locked.has(CONTEXT_REGISTER)) return;
  if (fields.write.length > 0 && frame.random.chance(0.4)) {
    frame.emit("stxW", { dst: CONTEXT_REGISTER, offset: frame.random.pick(fields.write), src: frame.safe() });
    return;
  }
  loadField(frame, world);
};

/** A field of the context in a register; undefined where there is none to be read. */
export function loadField(frame: Frame, world: World): number | undefined {
  const fields = FIELDS[world.type];
  if (fields === undefined || !frame.locked.has(CONTEXT_REGISTER)) return undefined;
  const target = frame.free();
  frame.emit("ldxW", { dst: target, src: CONTEXT_REGISTER, offset: frame.random.pick(fields.read) });
  frame.set(target, "safe");
  return target;
}
