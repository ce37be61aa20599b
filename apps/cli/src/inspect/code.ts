import { helperById } from "@bpfkit/abi";
import type { Program } from "@bpfkit/core";
import { decodeAt, findRow, INVALID, ROWS } from "@bpfkit/isa";

/** The helper that tail-calls (`BPF_FUNC_tail_call`). */
const TAIL_CALL = 12;

/** A subprogram and what it uses. */
export interface SubprogramFacts {
  readonly name: string;
  readonly start: number;
  readonly slots: number;
  readonly linkage: "static" | "global";
  /** Subprograms it calls, each once. */
  readonly calls: readonly string[];
  /** Subprograms whose address it takes, to be called back. */
  readonly callbacks: readonly string[];
  readonly helpers: readonly string[];
  readonly kfuncs: readonly string[];
  readonly maps: readonly string[];
  /** Places it tail-calls at. */
  readonly tailCalls: number;
}

/** What each subprogram of a program uses, found by reading its instructions. */
export function subprogramFacts(program: Program): SubprogramFacts[] {
  const end = program.code.length / 8;
  return program.subprograms.map(({ name, start, linkage }, index) => {
    const behind = program.subprograms[index + 1]?.start ?? end;
    return { name, start, slots: behind - start, linkage, ...usedIn(program, start, behind) };
  });
}

function usedIn(
  program: Program,
  start: number,
  end: number,
): Omit<SubprogramFacts, "name" | "start" | "slots" | "linkage"> {
  const used = { calls: new Set<string>(), callbacks: new Set<string>(), helpers: new Set<string>() };
  let tailCalls = 0;
  for (let slot = start; slot < end; ) {
    const index = findRow(program.code, slot);
    if (index === INVALID) {
      slot++;
      continue;
    }
    const row = ROWS[index]!;
    const { imm } = decodeAt(program.code, slot);
    const target = (): string => nameAt(program, slot + 1 + imm);
    if (row.name === "callLocal") used.calls.add(target());
    if (row.name === "lddwCode") used.callbacks.add(target());
    if (row.name === "call") used.helpers.add(helperById(imm, program.type)?.name ?? `helper ${imm}`);
    if (row.name === "call" && imm === TAIL_CALL) tailCalls++;
    slot += row.slots;
  }
  const within = program.references.filter(({ slot }) => slot >= start && slot < end);
  return {
    calls: [...used.calls],
    callbacks: [...used.callbacks],
    helpers: [...used.helpers],
    kfuncs: [...new Set(within.flatMap((one) => (one.kind === "extern" && one.of === "function" ? [one.symbol] : [])))],
    maps: [...new Set(within.flatMap((one) => (one.kind === "extern" ? [] : [one.map])))],
    tailCalls,
  };
}

function nameAt(program: Program, slot: number): string {
  return program.subprograms.find(({ start }) => start === slot)?.name ?? `slot ${slot}`;
}
