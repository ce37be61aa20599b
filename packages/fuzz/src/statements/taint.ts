import { CONTEXT_REGISTER, type Statement } from "./statement.js";

/** Helpers whose answer is nobody else's: ktime_get_ns, get_prandom_u32, get_smp_processor_id. */
const UNREPEATABLE = [5, 7, 8];

/** A number that differs between engines: part of an address, a difference of two, the clock, a random number. */
export const taint: Statement = (frame, world) => {
  const helpers = UNREPEATABLE.filter((id) => world.helpers.has(id));
  const target = frame.free();
  const how = frame.random.weighted({ half: 3, difference: 3, ...(helpers.length > 0 ? { helper: 2 } : {}) });
  if (how === "helper") {
    if (frame.locked.has(0)) return;
    frame.emit("call", { imm: frame.random.pick(helpers) });
    frame.afterCall("tainted");
    return;
  }
  if (how === "half") {
    frame.emit(frame.random.pick(["mov32Reg", "movsx3264Reg", "movsx864Reg"] as const), { dst: target, src: 10 });
  } else {
    frame.emit("mov64Reg", { dst: target, src: 10 });
    const other = frame.locked.has(CONTEXT_REGISTER) && frame.random.chance(0.5) ? CONTEXT_REGISTER : 10;
    frame.emit("sub64Reg", { dst: target, src: other });
  }
  frame.set(target, "tainted");
};
