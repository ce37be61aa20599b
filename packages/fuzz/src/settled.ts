import type { FuzzCase } from "./case.js";
import { isStep, layOut, type Mark, type Source, type Step, step } from "./code.js";

/** What the stack is filled with: no number a program is likely to make itself. */
const FILLING = 0x5a17c0de;

/**
 * The case with every function's stack filled before anything else. The kernel lets programs of root read stack they never
 * wrote; a difference that goes away with this is one of old bytes on the stack and says nothing of an engine.
 */
export function withFilledStack(subject: FuzzCase): FuzzCase {
  const sources = subject.sources.map(filled);
  return { ...subject, sources, programs: sources.map(layOut) };
}

function filled(source: Source): Source {
  const items = source.items.flatMap((item) =>
    isStep(item) || item.stackBytes === undefined ? [item] : [item, ...filling(item.stackBytes)],
  );
  return { ...source, items: [...filling(source.stackBytes), ...items] };
}

function filling(bytes: number): (Step | Mark)[] {
  return Array.from({ length: bytes / 8 }, (_, i) => step("stDw", { dst: 10, offset: -8 * (i + 1), imm: FILLING }));
}
