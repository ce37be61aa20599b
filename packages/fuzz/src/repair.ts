import type { FuzzCase } from "./case.js";
import { isStep, layOut, type Source, type Step, step } from "./code.js";

/** What a load, a move or a call would have left in its register is left by a number instead. */
const REPLACED = /^(ldx|loadAcquire|mov|call$|callLocal$)/;

/**
 * The case without the instruction a program was refused for, so that the rest of it may tell something: where it would set
 * a register, that gets a number. Undefined where no instruction begins at the slot.
 */
export function repairCase(subject: FuzzCase, program: number, slot: number): FuzzCase | undefined {
  const source = subject.sources[program]!;
  const at = indexOf(source, slot);
  if (at < 0) return undefined;
  const { row, dst, imm } = source.items[at] as Step;
  if (row.name === "exit" || row.name === "mov64Imm") return undefined;
  const target = row.operation === "call" ? 0 : dst;
  const instead = REPLACED.test(row.name) ? [step("mov64Imm", { dst: target, imm: imm & 7 })] : [];
  const sources = subject.sources.with(program, { ...source, items: source.items.toSpliced(at, 1, ...instead) });
  return { ...subject, sources, programs: subject.programs.with(program, layOut(sources[program]!)) };
}

/** The item whose instruction begins at a slot; -1: none. */
function indexOf({ items }: Source, slot: number): number {
  let next = 0;
  return items.findIndex((item) => {
    if (!isStep(item)) return false;
    next += item.row.slots;
    return next - item.row.slots === slot;
  });
}
