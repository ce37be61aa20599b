import { helperById } from "@bpfkit/abi";
import type { Program } from "@bpfkit/core";
import { decodeAt, findRow, INVALID, ROWS } from "@bpfkit/isa";

/** The helper that tail-calls (`BPF_FUNC_tail_call`). */
const TAIL_CALL = 12;

/** A subprogram that is called, or whose address is taken to be called back. */
export interface CallFacts {
  readonly to: string;
  /** Its first slot. */
  readonly start: number;
  /** Instructions that call it, or take its address. */
  readonly sites: number;
}

/** A subprogram and what it uses. */
export interface SubprogramFacts {
  readonly name: string;
  readonly start: number;
  readonly slots: number;
  readonly linkage: "static" | "global";
  /** Subprograms it calls, each once. */
  readonly calls: readonly CallFacts[];
  /** Subprograms whose address it takes, to be called back. */
  readonly callbacks: readonly CallFacts[];
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
  const used = { calls: new Map<number, number>(), callbacks: new Map<number, number>(), helpers: new Set<string>() };
  let tailCalls = 0;
  for (let slot = start; slot < end; ) {
    const index = findRow(program.code, slot);
    if (index === INVALID) {
      slot++;
      continue;
    }
    const row = ROWS[index]!;
    const { imm } = decodeAt(program.code, slot);
    const target = slot + 1 + imm;
    if (row.name === "callLocal") countSite(used.calls, target);
    if (row.name === "lddwCode") countSite(used.callbacks, target);
    if (row.name === "call") used.helpers.add(helperById(imm, program.type)?.name ?? `helper ${imm}`);
    if (row.name === "call" && imm === TAIL_CALL) tailCalls++;
    slot += row.slots;
  }
  const within = program.references.filter(({ slot }) => slot >= start && slot < end);
  return {
    calls: callFacts(program, used.calls),
    callbacks: callFacts(program, used.callbacks),
    helpers: [...used.helpers],
    kfuncs: [...new Set(within.flatMap((one) => (one.kind === "extern" && one.of === "function" ? [one.symbol] : [])))],
    maps: [...new Set(within.flatMap((one) => (one.kind === "extern" ? [] : [one.map])))],
    tailCalls,
  };
}

function countSite(sites: Map<number, number>, target: number): void {
  sites.set(target, (sites.get(target) ?? 0) + 1);
}

function callFacts(program: Program, sites: ReadonlyMap<number, number>): CallFacts[] {
  return [...sites].map(([start, count]) => ({ to: nameAt(program, start), start, sites: count }));
}

function nameAt(program: Program, slot: number): string {
  return program.subprograms.find(({ start }) => start === slot)?.name ?? `slot ${slot}`;
}
