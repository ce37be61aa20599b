import { type Program, slotIndex } from "@bpfkit/core";
import { encode, type Instruction } from "@bpfkit/isa";
import type { CompileContext, Safety } from "../src/index.js";

export const LEVELS: readonly Safety[] = ["checked", "confined", "unchecked"];

/** A program of these instructions; `starts` are the slots of its static functions. */
export function programOf(instructions: readonly Instruction[], starts: readonly number[] = []): Program {
  const functions = starts.map((start, index) => ({
    name: `f${index + 1}`,
    start: slotIndex(start),
    linkage: "static" as const,
  }));
  const main = { name: "main", start: slotIndex(0), linkage: "global" as const };
  return { name: "main", type: "raw", code: encode(instructions), subprograms: [main, ...functions], references: [] };
}

/** A compile with nothing around it. */
export function contextOf(safety: Safety, more: Partial<CompileContext> = {}): CompileContext {
  return {
    safety,
    maps: new Map(),
    helpers: new Map(),
    profile: { tailCallLimit: 33, tailCallCount: "shared", maxFrames: 8 },
    cells: undefined,
    id: 0,
    bmi2: true,
    jumpSlots: () => undefined,
    functionIndex: () => 0,
    ...more,
  };
}
