import type { Program } from "@bpfkit/core";
import { SLOT_BYTES } from "@bpfkit/core";
import type { FuzzCase, MapWrite, SlotChange } from "./case.js";
import { type Difference, hex } from "./compare.js";
import type { CaseOutcome } from "./runner.js";

/** A declarative test as `bpfkit test` reads it; plain JSON. */
export type CaseFile = Readonly<Record<string, unknown>>;

/**
 * Writes a case as a declarative test that expects what `outcome` says, with the seed that made it.
 * @param difference What was found with it, for the title.
 */
export function caseFile(subject: FuzzCase, outcome: CaseOutcome, difference?: Difference): CaseFile {
  const { seed, class: className, maps, slots, runs } = subject;
  const index = (name: string): number => maps.findIndex((map) => map.name === name);
  return {
    id: `fuzz-${className}-${seed}`,
    title: difference === undefined ? `generated, class ${className}` : titleOf(difference),
    note: `seed ${seed}, class ${className}, shrunk`,
    programs: subject.programs.map((program) => ({
      name: program.name,
      type: program.type,
      insns: hex(codeWithIndices(program, index)),
      ...functionsOf(program),
    })),
    maps: maps.map(({ name, type, keySize, valueSize, maxEntries, flags }) => ({
      name,
      type,
      keySize,
      valueSize,
      maxEntries,
      ...(flags === 0 ? {} : { flags }),
    })),
    ...(slots.length === 0 ? {} : { slots: slots.map((slot) => slotOf(slot, index)) }),
    runs: runs.map((run, i) => ({
      program: run.program,
      data: hex(run.data),
      ...(run.slots === undefined ? {} : { slots: run.slots.map((slot) => slotOf(slot, index)) }),
      ...(run.ctx === undefined ? {} : { ctx: textOf(Object.entries(run.ctx)) }),
      ...(run.init === undefined ? {} : { init: run.init.map((write) => initOf(write, index)) }),
      expect: expectation(outcome.runs[i]),
    })),
    reads: readsOf(outcome, index),
  };
}

function titleOf({ what, left, right }: Difference): string {
  return `${what}: ${left.engine} ${clip(left.value)}, ${right.engine} ${clip(right.value)}`;
}

const clip = (text: string): string => (text.length > 80 ? `${text.slice(0, 77)}...` : text);

/** A copy of the slots in which a load that names a map says the map's index, as the format has it. */
function codeWithIndices(program: Program, index: (name: string) => number): Uint8Array {
  const code = Uint8Array.from(program.code);
  const view = new DataView(code.buffer);
  for (const reference of program.references) {
    if (reference.kind !== "extern") view.setInt32(reference.slot * SLOT_BYTES + 4, index(reference.map), true);
  }
  return code;
}

/** Function information, which the kernel wants where a subprogram tail-calls or is a callback. */
function functionsOf(program: Program): { btfFuncs?: unknown } {
  if (program.subprograms.length < 2) return {};
  return {
    btfFuncs: program.subprograms.map(({ name, start }) => ({
      name,
      off: start,
      linkage: "static",
      args: [],
      ret: "int",
    })),
  };
}

function slotOf(change: SlotChange, index: (name: string) => number): unknown {
  return { map: index(change.map), index: change.index, program: change.program };
}

function expectation(run: CaseOutcome["runs"][number] | undefined): unknown {
  if (run === undefined) return {};
  const ctx = Object.entries(run.ctx ?? {}).filter(([, value]) => value !== 0n);
  return {
    retval: Number(BigInt.asUintN(32, run.r0)),
    ...(run.data === undefined ? {} : { dataOut: hex(run.data) }),
    ...(ctx.length === 0 ? {} : { ctx: textOf(ctx) }),
  };
}

/** Numbers as decimal text, which JSON has no room for otherwise. */
function textOf(fields: readonly (readonly [name: string, value: bigint])[]): Record<string, string> {
  return Object.fromEntries(fields.map(([name, value]) => [name, String(value)]));
}

function initOf({ map, key, value }: MapWrite, index: (name: string) => number): unknown {
  return { map: index(map), key: hex(key), value: hex(value) };
}

function readsOf(outcome: CaseOutcome, index: (name: string) => number): unknown[] {
  return Object.entries(outcome.maps).flatMap(([name, entries]) =>
    entries.filter(([key]) => key !== "").map(([key, value]) => ({ map: index(name), key, expect: value })),
  );
}
