import type { FuzzCase } from "./case.js";
import { isStep, layOut, type Mark, type Step } from "./code.js";
import { type Random, seededRandom } from "./random.js";

type Items = readonly (Step | Mark)[];

/**
 * Makes a case slightly wrong, for verdicts to be compared: one instruction of one program is taken out, doubled, moved,
 * or has a register, offset, number or size changed. It may still be right; what the kernel says counts.
 */
export function mutateCase(subject: FuzzCase, seed: number): FuzzCase {
  const random = seededRandom(seed);
  const which = random.integer(0, subject.sources.length - 1);
  const source = subject.sources[which]!;
  let items: Items = source.items;
  for (let i = random.integer(1, 2); i > 0; i--) items = mutateItems(random, items);
  const sources = subject.sources.with(which, { ...source, items });
  return { ...subject, sources, programs: sources.map(layOut) };
}

function mutateItems(random: Random, items: Items): Items {
  const steps = items.flatMap((item, at) => (isStep(item) ? [at] : []));
  const at = random.pick(steps);
  const step = items[at] as Step;
  const how = random.weighted({ remove: 3, double: 1, register: 4, offset: 3, number: 3, swap: 2 });
  if (how === "remove") return items.toSpliced(at, 1);
  if (how === "double") return items.toSpliced(at, 0, step);
  if (how === "swap") return swapped(items, at, random.pick(steps));
  return items.with(at, changed(random, step, how));
}

function swapped(items: Items, one: number, other: number): Items {
  return items.with(one, items[other]!).with(other, items[one]!);
}

/** Only fields the row uses are changed, so that it stays an instruction. */
function changed(random: Random, step: Step, how: "register" | "offset" | "number"): Step {
  const { fields } = step.row;
  if (how === "register") {
    const field = random.pick(["dst", "src"] as const);
    return fields.includes(field) ? { ...step, [field]: random.integer(0, 10) } : step;
  }
  if (how === "offset") {
    if (!fields.includes("offset") || step.target !== undefined) return step;
    const by = random.pick([-512, -8, -4, -1, 1, 4, 8, 64, 512]);
    return { ...step, offset: Math.max(-32768, Math.min(32767, step.offset + by)) };
  }
  if (!fields.includes("imm") || step.target !== undefined || step.map !== undefined) return step;
  return {
    ...step,
    imm: random.pick([0, 1, -1, 8, 64, 0x7fffffff, -0x80000000, (step.imm + 1) | 0, (step.imm - 1) | 0]),
  };
}
