import { ROWS, type Row } from "@bpfkit/isa";
import type { FuzzCase } from "./case.js";
import { isStep, layOut, type Mark, type Step, step } from "./code.js";
import { type Random, seededRandom } from "./random.js";

type Items = readonly (Step | Mark)[];

/**
 * Makes a case slightly wrong: one or two instructions of one program are taken out, doubled, moved, become another
 * operation, width or size, or have a register, offset or number changed. It may still be right; what a verifier says
 * counts. The other programs are the same objects as before.
 */
export function mutateCase(subject: FuzzCase, seed: number): FuzzCase {
  const random = seededRandom(seed);
  const which = random.integer(0, subject.sources.length - 1);
  const source = subject.sources[which]!;
  let items: Items = source.items;
  for (let i = random.integer(1, 2); i > 0; i--) items = mutateItems(random, items);
  const sources = subject.sources.with(which, { ...source, items });
  return { ...subject, sources, programs: subject.programs.with(which, layOut(sources[which]!)) };
}

function mutateItems(random: Random, items: Items): Items {
  const steps = items.flatMap((item, at) => (isStep(item) ? [at] : []));
  const at = random.pick(steps);
  const from = items[at] as Step;
  const how = random.weighted({ remove: 3, double: 1, register: 4, offset: 3, number: 3, swap: 2, row: 4 });
  if (how === "remove") return items.toSpliced(at, 1);
  if (how === "double") return items.toSpliced(at, 0, from);
  if (how === "swap") return swapped(items, at, random.pick(steps));
  if (how === "row") return items.with(at, withAnotherRow(random, from));
  return items.with(at, changed(random, from, how));
}

function swapped(items: Items, one: number, other: number): Items {
  return items.with(one, items[other]!).with(other, items[one]!);
}

/**
 * The same operands in another operation, width or size. What has but one operand (a call, a plain jump) or names a map
 * stays as it is.
 */
function withAnotherRow(random: Random, from: Step): Step {
  const isLike = ({ form, fields, operation }: Row): boolean =>
    form === from.row.form && fields.length > 1 && operation !== "addrSpaceCast";
  const rows = ROWS.filter(isLike);
  if (rows.length === 0 || from.map !== undefined) return from;
  const { fields, name } = random.pick(rows);
  const { target } = from;
  return step(name, {
    ...Object.fromEntries(fields.map((field) => [field, from[field]])),
    ...(target === undefined ? {} : { target }),
  });
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
