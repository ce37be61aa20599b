import { profileFor } from "@bpfkit/abi";
import { isBpfkitError, isProgramArray, type MapStorage, type Program } from "@bpfkit/core";
import { Claims } from "../claims/claims.js";
import { VmError } from "../error.js";
import { fromHex } from "../hex.js";
import type { RunInput, VmOptions } from "../types.js";
import { load, type Vm } from "../vm.js";
import type { CaseInit, CaseRead, CaseRun, CaseSlot } from "./case.js";
import { type CaseAnswer, compareOutcome, compareRead, compareVerdict } from "./compare.js";
import { idOf, type Plan, type PlannedProgram, planOf } from "./plan.js";
import { Report } from "./report.js";
import type { AnyCase } from "./schema.js";

/** What running a case needs beside the case. */
export interface CaseOptions extends VmOptions {
  /** Reads the object a case names. */
  readonly readObject: (path: string) => Promise<Uint8Array>;
  /** Gives the verdict on a program with the VM's maps: another verifier than `@bpfkit/verifier`, or a kernel. */
  readonly verify?: (program: Program, vm: Vm) => CaseAnswer;
  /** Compare the verifier's message too. */
  readonly messages?: boolean;
}

/** What a case came to. */
export interface CaseResult {
  readonly id: string;
  readonly ok: boolean;
  /** Why it could not be judged; then `ok` is true and says nothing. */
  readonly skipped?: string;
  /** How many verdicts were as expected and how many not, also of a case that is skipped for its runs. */
  readonly verdicts: { readonly equal: number; readonly different: number };
  /** What differed, and what was left out, a line each. */
  readonly detail: readonly string[];
}

/** Codes of errors that say that something a case needs is not there: no failure, but no pass either. */
const MISSING = new Set(["UNSUPPORTED_MAP_TYPE", "UNSUPPORTED_PROGRAM_TYPE", "NOT_AVAILABLE"]);

/** Thrown within this file where a case needs what is not there. */
class Missing extends Error {}

/**
 * Carries out a declarative test and compares what it expects.
 * @throws {VmError} `BAD_CASE` where it does not follow the format; a program that cannot be read is a failure instead.
 */
export async function runCase(parsed: AnyCase, options: CaseOptions): Promise<CaseResult> {
  const first = await attempt(parsed, options);
  if (parsed.shape !== "single" || !first.failed || first.broken) return first.result;
  // Recorded results may be pointers, whose numbers are each engine's own: those are the ones that move with memory.
  const moved = await attempt(parsed, { ...options, memoryOffset: (options.memoryOffset ?? 0) + MOVE });
  if (moved.result.detail.join("\n") === first.result.detail.join("\n")) return first.result;
  const skipped = "its result depends on addresses, which are each engine's own";
  return { id: first.result.id, ok: true, skipped, verdicts: first.result.verdicts, detail: [] };
}

/** Far enough to change the low 32 bits of every address, in odd bits too. */
const MOVE = 0x12348;

/** A case carried out once. */
interface Attempt {
  readonly result: CaseResult;
  readonly failed: boolean;
  /** It failed by more than a value that differs. */
  readonly broken: boolean;
}

async function attempt(parsed: AnyCase, options: CaseOptions): Promise<Attempt> {
  const report = new Report();
  const result = await judge(parsed, options, report);
  return { result, failed: report.failed, broken: report.broken };
}

async function judge(parsed: AnyCase, options: CaseOptions, report: Report): Promise<CaseResult> {
  const id = idOf(parsed);
  let vm: Vm | undefined;
  try {
    const plan = await planOf(parsed);
    if (plan.uncounted !== undefined) throw new Missing(plan.uncounted);
    if (plan.untold !== undefined && options.engine?.createMaps !== undefined) {
      throw new Missing(`the kernel would have to be told ${plan.untold}, which the case only hints at`);
    }
    vm = await newVm(plan, options);
    new Execution(vm, options, report).carryOut(plan);
  } catch (error) {
    if (error instanceof Missing || (isBpfkitError(error) && MISSING.has(error.code)))
      return report.skip(id, error.message);
    if (!isBpfkitError(error) || error.code === "BAD_CASE") throw error;
    report.broke(error.message);
  } finally {
    vm?.dispose();
  }
  return report.result(id);
}

async function newVm(plan: Plan, options: CaseOptions): Promise<Vm> {
  const { version, arch, tailCallLimit } = plan.profile ?? {};
  const profile = { ...profileFor(version, arch), ...(tailCallLimit === undefined ? {} : { tailCallLimit }) };
  const settings: VmOptions = plan.profile === undefined ? options : { ...options, profile };
  if (plan.object !== undefined) return load(await options.readObject(plan.object), settings);
  try {
    return load({ programs: [], maps: plan.maps, mapFields: plan.mapFields }, settings);
  } catch (error) {
    const nothingElse = plan.programs.length === 0 && plan.runs.length === 0 && plan.reads.length === 0;
    if (nothingElse && isBpfkitError(error))
      throw new Missing(`its map cannot be made, and it expects nothing else: ${error.message}`);
    throw error;
  }
}

/** Instructions after which a run that is held against claims ends. */
const WATCH_BUDGET = 1_000_000;

/** One case being carried out. */
class Execution {
  readonly #vm: Vm;
  readonly #options: CaseOptions;
  readonly #report: Report;
  /** What was loaded, and what was not, by name. */
  readonly #programs = new Map<string, Program>();
  readonly #rejected = new Map<string, CaseAnswer>();
  #claims: Map<Program, Claims> | undefined;

  constructor(vm: Vm, options: CaseOptions, report: Report) {
    this.#vm = vm;
    this.#options = options;
    this.#report = report;
  }

  carryOut(plan: Plan): void {
    for (const { program, expect } of plan.programs) this.#load(program.name, this.#planned(plan, program), expect);
    if (plan.object !== undefined) for (const program of this.#vm.programs) this.#loadUnlessDone(program);
    for (const slot of plan.slots) this.#fillSlot(slot);
    for (const one of plan.init) this.#write(one);
    if (plan.claims === true) this.#learnClaims();
    for (const [index, run] of plan.runs.entries()) {
      this.#run(run, index);
      this.#read(plan.reads.filter(({ after }) => after === index));
    }
    this.#read(plan.reads.filter(({ after }) => after === undefined));
  }

  /** A program of the case; of an object, the one of that name, as the case says it was loaded. */
  #planned({ object, withoutBtf }: Plan, program: Program): Program {
    if (object === undefined) return program;
    const { program: found } = this.#vm.program(program.name);
    if (withoutBtf !== true) return found;
    const { btf: _, ...bare } = found;
    return { ...bare, type: program.type };
  }

  /** Loads a program: it must fit the owner of each program array it names, then comes the verdict. */
  #load(name: string, program: Program, expect: PlannedProgram["expect"]): void {
    const answer = ownerRefusal(program, this.#vm) ?? this.#verdict(program, expect);
    if (expect !== undefined) compareVerdict(this.#report, name, expect, answer, this.#options.messages ?? false);
    if (answer.verdict === "accept") this.#programs.set(name, program);
    else this.#rejected.set(name, answer);
  }

  #loadUnlessDone(program: Program): void {
    const { name } = program;
    if (!this.#programs.has(name) && !this.#rejected.has(name)) this.#load(name, program, undefined);
  }

  #verdict(program: Program, expect: PlannedProgram["expect"]): CaseAnswer {
    // No kernel has raw programs, and how much memory theirs is differs from run to run.
    if (program.type === "raw" && expect?.verdict === undefined) return { verdict: "accept" };
    return this.#options.verify?.(program, this.#vm) ?? this.#vm.verify(program, { facts: false });
  }

  /** Programs that run are held against the verifier here, whatever else gives their verdicts. */
  #learnClaims(): void {
    this.#claims = new Map();
    for (const program of this.#programs.values())
      this.#claims.set(program, new Claims(program, this.#vm.verify(program)));
  }

  #watch(program: Program, input: RunInput, index: number): void {
    const { broken } = this.#vm
      .runnable(program)
      .watch((one) => this.#claims?.get(one), input, { budget: WATCH_BUDGET });
    const found =
      broken && `${broken.found} at slot ${broken.slot} of ${broken.program}, where it is claimed: ${broken.claimed}`;
    this.#report.compare(`run ${index} of ${program.name}`, "as claimed", found ?? "as claimed");
  }

  #map(ref: number | string): MapStorage {
    if (typeof ref === "string") return this.#vm.map(ref);
    const map = [...this.#vm.maps.values()][ref];
    if (map === undefined) throw new VmError("BAD_CASE", `there is no map ${ref}; the case has ${this.#vm.maps.size}`);
    return map;
  }

  #program(name: string | undefined): Program {
    const [first] = this.#programs.keys();
    const [firstRejected] = this.#rejected.keys();
    const wanted = name ?? first ?? firstRejected;
    if (wanted === undefined) throw new VmError("BAD_CASE", "there is no program to run");
    const program = this.#programs.get(wanted);
    if (program !== undefined) return program;
    const rejected = this.#rejected.get(wanted);
    if (rejected === undefined) throw new VmError("BAD_CASE", `there is no program ${wanted}`);
    throw new VmError("BAD_PROGRAM", `program ${wanted} is rejected: ${rejected.message?.replaceAll("\n", "; ")}`);
  }

  #fillSlot({ map, index, program, flags = 0, expect = "ok", ...slot }: CaseSlot): void {
    const array = this.#map(map);
    if (!isProgramArray(array)) throw new VmError("BAD_CASE", `map ${array.spec.name} is no program array`);
    const empties = slot.delete || program === null || program === undefined;
    const filled = empties ? undefined : this.#program(program);
    const answer = answerOf(() => {
      if (filled === undefined) array.deleteProgram(Number(index));
      else array.setProgram(Number(index), filled, flags);
    });
    this.#report.compare(`slot ${index} of map ${array.spec.name}:`, expect, answer);
  }

  #write({ map, key, value, values }: CaseInit): void {
    const { name } = this.#map(map).spec;
    this.#vm.seed(name, [
      { key, ...(value === undefined ? {} : { value }), ...(values === undefined ? {} : { values }) },
    ]);
  }

  #read(reads: readonly CaseRead[]): void {
    for (const read of reads) compareRead(this.#report, read, this.#map(read.map));
  }

  #run(run: CaseRun, index: number): void {
    for (const slot of run.slots ?? []) this.#fillSlot(slot);
    for (const one of run.init ?? []) this.#write(one);
    const expect = run.expect ?? {};
    if (typeof expect.retval === "string") {
      this.#report.leftOut(`run ${index} is left out: the kernel could not run it either (${expect.retval})`);
      return;
    }
    const program = this.#program(run.program);
    const data = run.data === undefined ? new Uint8Array(64) : fromHex(run.data, '"data"');
    const ctx = Object.fromEntries(Object.entries(run.ctx ?? {}).map(([field, value]) => [field, BigInt(value)]));
    if (this.#claims !== undefined) {
      this.#watch(program, { data, ctx }, index);
      return;
    }
    const outcome = this.#vm
      .runnable(program)
      .run({ data, ctx }, run.repeat === undefined ? {} : { repeat: run.repeat });
    if (outcome.fault?.kind === "not-available" && expect.fault === undefined) throw new Missing(outcome.fault.message);
    compareOutcome(this.#report, `run ${index} of ${program.name}`, expect, outcome);
  }
}

/** The kernel refuses at load, without a log, what the owner of a program array it names does not allow. */
function ownerRefusal(program: Program, vm: Vm): CaseAnswer | undefined {
  for (const reference of program.references) {
    const map = reference.kind === "map" ? vm.maps.get(reference.map) : undefined;
    if (map === undefined || !isProgramArray(map)) continue;
    const answer = answerOf(() => map.bindOwner(program));
    if (answer !== "ok") return { verdict: "reject", errno: answer, message: "" };
  }
  return undefined;
}

/** What the kernel would answer: `ok`, or the errno's name. */
function answerOf(action: () => void): string {
  try {
    action();
    return "ok";
  } catch (error) {
    if (isBpfkitError(error)) return error.code;
    throw error;
  }
}
