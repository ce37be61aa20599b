import { ROWS, type Row } from "@bpfkit/isa";
import { CONTEXT_REGISTER, type Statement } from "./statement.js";

const LOADS: readonly Row[] = ROWS.filter(({ operation }) => operation === "loadPacket");

/** A legacy packet load. Outside the packet it ends the program with 0. It needs the context in r6. */
export const legacyLoad: Statement = (frame, world) => {
  const allowed = world.type === "socket_filter" || world.type === "sched_cls";
  if (!allowed || frame.held > 0 || !frame.locked.has(CONTEXT_REGISTER) || frame.locked.has(0)) return;
  const row = frame.random.pick(LOADS);
  const imm = frame.random.weighted({ inside: 12, outside: 1 }) === "inside" ? frame.random.integer(0, 12) : 3000;
  if (row.fields.includes("src")) {
    const number = frame.safe([CONTEXT_REGISTER]);
    const index = frame.free([number]);
    frame.emit("mov64Reg", { dst: index, src: number });
    frame.emit("and64Imm", { dst: index, imm: 15 });
    frame.emit(row.name, { src: index, imm });
  } else {
    frame.emit(row.name, { imm });
  }
  frame.afterCall("safe");
};
