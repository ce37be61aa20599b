import type { FrameInfo } from "@bpfkit/core";
import { ROWS } from "@bpfkit/isa";
import { FIELDS } from "./context.js";
import { frameAt } from "./fault.js";
import type { RunBuffer } from "./run-context.js";
import type { Site } from "./sites.js";
import { imageAt, type Unit, type Units } from "./units.js";

/**
 * Frames of an entry, innermost first, from the native stack that was kept when a fault left it: saved registers, return
 * address, what the caller had pushed. `slot` is where the innermost is.
 */
export function keptFrames(units: Units, buffer: RunBuffer, unit: Unit, site: Site, slot: number): FrameInfo[] {
  const stack = buffer.keptStack();
  let frame = buffer.getInteger(FIELDS.frame);
  const frames = [frameAt(unit.compiled.program, slot, frame)];
  for (let at = imageAt(unit, site.start).savedBytes / 8; at < stack.length; ) {
    const back = units.returnAt(stack[at]!);
    if (back === undefined || back === "entry") break;
    frame += back.call.stackBytes;
    frames.push(frameAt(back.unit.compiled.program, back.call.slot, frame));
    at += 1 + (back.call.pushed + back.image.savedBytes) / 8;
  }
  return frames;
}

/** The slot `count` instructions on in straight-line code. */
export function slotAfter(unit: Unit, slot: number, count: number): number {
  const { row } = unit.compiled.plan.table;
  let at = slot;
  for (let i = 0; i < count; i++) at += ROWS[row[at]!]?.slots ?? 1;
  return at;
}
