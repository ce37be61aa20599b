import type { MapSpec, Program, Reference } from "@bpfkit/core";
import type { MapField } from "@bpfkit/verifier";
import { programFromCode } from "../code.js";
import { VmError } from "../error.js";
import type { Case, CaseInit, CaseRead, CaseRun, CaseSlot, CaseVerdict, ObjectCase, SingleCase } from "./case.js";
import { fieldsOf, hasContents, mapName, mapSpecOf, programOf, singleProgramOf } from "./load-case.js";
import type { AnyCase } from "./schema.js";

/** A program of a case and what is expected of loading it. */
export interface PlannedProgram {
  readonly program: Program;
  readonly expect: CaseVerdict | undefined;
}

/** A case of any shape, ready to be carried out: everything is made, nothing is done. */
export interface Plan {
  readonly id: string;
  /** In the order they are loaded; those of an object come from it instead. */
  readonly programs: readonly PlannedProgram[];
  readonly maps: readonly MapSpec[];
  readonly mapFields: ReadonlyMap<string, readonly MapField[]>;
  readonly object?: string;
  readonly profile?: Case["profile"];
  readonly slots: readonly CaseSlot[];
  readonly init: readonly CaseInit[];
  readonly runs: readonly CaseRun[];
  readonly reads: readonly CaseRead[];
  /** Runs are held against what verdicts claim. */
  readonly claims?: boolean;
  /** The program is judged as without BTF, as recorded objects were loaded. */
  readonly withoutBtf?: boolean;
  /** Why its expectation does not count, where it says so itself. */
  readonly uncounted?: string;
  /** What an engine with maps of its own (the kernel) would have to be told, and the case only hints at. */
  readonly untold?: string;
}

/** The case's own name. */
export function idOf(parsed: AnyCase): string {
  return parsed.shape === "object" ? `${parsed.case.object}:${parsed.case.program}` : parsed.case.id;
}

/** @throws {VmError} `BAD_CASE`; errors of the assembler for text that is none. */
export async function planOf(parsed: AnyCase): Promise<Plan> {
  if (parsed.shape === "case") return planCase(parsed.case);
  return parsed.shape === "single" ? planSingle(parsed.case) : planObject(parsed.case);
}

async function planCase(one: Case): Promise<Plan> {
  const { id, object, profile, maps, slots, init, runs, reads } = one;
  checkCase(one);
  const programs: PlannedProgram[] = [];
  for (const program of one.programs) {
    // In a case of an object the programs named are the object's; only their expectation is new.
    if (object !== undefined) programs.push({ program: nameOnly(program.name, program.type), expect: program.expect });
    else programs.push({ program: await programOf(program, maps, id), expect: program.expect });
  }
  return {
    id,
    programs,
    maps: maps.map(mapSpecOf),
    mapFields: fieldsByName(maps),
    slots,
    init: [...initOf(maps), ...init],
    runs,
    reads,
    ...(one.claims === true ? { claims: true } : {}),
    ...(object === undefined ? {} : { object }),
    ...(profile === undefined ? {} : { profile }),
  };
}

/** What the fields alone do not show: parts that would be left out without a word. */
function checkCase({ id, object, programs, maps, runs, reads }: Case): void {
  const refuse = (what: string): never => {
    throw new VmError("BAD_CASE", `${id}: ${what}`);
  };
  if (object !== undefined && maps.length > 0) refuse("maps: a case of an object has the object's maps");
  for (const { name, asm, insns, insnsZ } of programs)
    if (object !== undefined && (asm ?? insns ?? insnsZ) !== undefined)
      refuse(`program ${name}: a case of an object has the object's code`);
  maps.forEach((map, index) => {
    if (map.slots !== undefined) refuse(`map ${mapName(map, index)}: its slots are filled by the case's "slots"`);
  });
  for (const { after } of reads)
    if (after !== undefined && after >= runs.length)
      refuse(`a read after run ${after}: the case has ${runs.length} runs, counted from 0`);
}

function nameOnly(name: string, type: string): Program {
  return { name, type, code: new Uint8Array(0), subprograms: [], references: [] };
}

function initOf(maps: Case["maps"]): CaseInit[] {
  return maps.flatMap((map, index) =>
    map.init === undefined || hasContents(map) ? [] : [{ map: index, key: "00".repeat(map.keySize), value: map.init }],
  );
}

function fieldsByName(maps: Case["maps"]): Map<string, readonly MapField[]> {
  const typed = maps.flatMap((map, index) =>
    map.btf === undefined ? [] : [[mapName(map, index), fieldsOf(map)] as const],
  );
  return new Map(typed);
}

async function planSingle(one: SingleCase): Promise<Plan> {
  const program = await singleProgramOf(one);
  const { runs, ...expect } = one.expect;
  const fillers = one.maps.flatMap(({ slots = {} }, map) =>
    Object.entries(slots).map(([index, text]) =>
      fillerOf(text, Number(index), mapName(one.maps[map]!, map), map, program),
    ),
  );
  return {
    id: one.id,
    programs: [{ program, expect }, ...fillers.map(({ filler }) => ({ program: filler, expect: undefined }))],
    maps: one.maps.map(mapSpecOf),
    mapFields: fieldsByName(one.maps),
    slots: fillers.map(({ filler, map, index }) => ({ map, index, program: filler.name })),
    init: initOf(one.maps),
    runs: runs.map(({ data, retval }) => ({
      program: "main",
      ...(data === undefined ? {} : { data }),
      expect: { retval },
    })),
    reads: [],
    ...untoldOf(one),
  };
}

function untoldOf({ attachTo, maps }: SingleCase): Pick<Plan, "untold"> {
  if (attachTo !== undefined) return { untold: `what it attaches to (${attachTo})` };
  return maps.some(({ btf }) => btf !== undefined) ? { untold: "the type of a map's value" } : {};
}

/** What a slot of a recorded program array holds: a program that returns a number, or one that tail-calls slot 1. */
function fillerOf(
  text: string,
  index: number,
  mapOf: string,
  map: number,
  { type, expectedAttachType }: Program,
): { filler: Program; map: number; index: number } {
  const value = /^ret (-?\d+)$/.exec(text)?.[1];
  if (value === undefined && !text.startsWith("loop ")) {
    throw new VmError("BAD_CASE", `slot ${index} of ${mapOf}: must be "ret N" or "loop pN", not "${text}"`);
  }
  const words =
    value === undefined
      ? [0x1218n, 0n, (1n << 32n) | 0x3b7n, (12n << 32n) | 0x85n, (41n << 32n) | 0xb7n, 0x95n]
      : [(BigInt.asUintN(32, BigInt(value)) << 32n) | 0xb7n, 0x95n];
  const references: Reference[] =
    value === undefined ? [{ kind: "map", slot: 0 as Reference["slot"], map: mapOf }] : [];
  const code = new Uint8Array(BigUint64Array.from(words).buffer);
  const facts = { type, references, ...(expectedAttachType === undefined ? {} : { expectedAttachType }) };
  return { filler: programFromCode(code, { name: `${mapOf}[${index}]`, ...facts }), map, index };
}

function planObject(one: ObjectCase): Plan {
  const { object, program, type, expect, typeGuessed } = one;
  const uncounted =
    expect.verdict === "unknown"
      ? `the kernel's answer is not known: ${expect.why ?? ""}`
      : typeGuessed
        ? "the program type was a guess"
        : undefined;
  return {
    id: `${object}:${program}`,
    object,
    withoutBtf: true,
    programs: [{ program: nameOnly(program, type), expect }],
    maps: [],
    mapFields: new Map(),
    slots: [],
    init: [],
    runs: [],
    reads: [],
    ...(uncounted === undefined ? {} : { uncounted }),
  };
}
