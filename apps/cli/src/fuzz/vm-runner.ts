import type { Engine } from "@bpfkit/core";
import { isBpfkitError } from "@bpfkit/core";
import type { CaseOutcome, FuzzCase, FuzzRunner, RunOutcome } from "@bpfkit/fuzz";
import { load, type Vm } from "@bpfkit/vm";
import { toldFields } from "./context.js";
import { contentsOf } from "./outcome.js";
import type { Licences } from "./verifier-judge.js";

/** Far more than a generated program needs, so that a wrong engine does not hang the session. */
const BUDGET = 20_000_000;

/** Bytes by which everything is moved where addresses are to be others. */
const ELSEWHERE = 0x12340;

/** A runner that is more than its engine. */
export interface VmRunnerOptions {
  /** The engine's, where left out. */
  readonly name?: string;
  /** What the engine runs needs a licence, which is given here; without one a case is skipped. */
  readonly licences?: Licences | undefined;
}

/** An engine over guest memory, with the VM's maps, helpers and contexts. */
export function vmRunner(engine: Engine, { name = engine.name, licences }: VmRunnerOptions = {}): FuzzRunner {
  const run = (offset: number, subject: FuzzCase): CaseOutcome => {
    const skipped = licences?.refusal(subject);
    return skipped === undefined ? runAt(engine, offset, subject) : { skipped, runs: [], maps: {} };
  };
  return {
    name,
    ...(engine.capabilities.returnBits === undefined ? {} : { returnBits: engine.capabilities.returnBits }),
    run: (subject) => run(0, subject),
    runElsewhere: (subject) => run(ELSEWHERE, subject),
  };
}

function runAt(engine: Engine, memoryOffset: number, subject: FuzzCase): CaseOutcome {
  const place = memoryOffset === 0 ? {} : { memoryOffset };
  const vm = load({ programs: subject.programs, maps: subject.maps }, { engine, ...place });
  try {
    return carryOut(vm, subject);
  } finally {
    vm.dispose();
  }
}

function carryOut(vm: Vm, subject: FuzzCase): CaseOutcome {
  const programs = new Map(subject.programs.map((program) => [program.name, program]));
  const fill = (slots: FuzzCase["slots"]): void => {
    for (const { map, index, program } of slots) {
      vm.setSlot(map, index, program === null ? undefined : programs.get(program));
    }
  };
  const runs: RunOutcome[] = [];
  try {
    fill(subject.slots);
    for (const { program, data, ctx: fields = {}, init = [], slots = [] } of subject.runs) {
      fill(slots);
      for (const { map, key, value } of init) vm.map(map).set(key, value);
      const outcome = vm.program(program).run({ data, ctx: fields }, { budget: BUDGET });
      const { r0, dataOut, ctx = {}, fault } = outcome;
      runs.push({
        r0,
        ctx: toldFields(ctx),
        ...(dataOut === undefined ? {} : { data: dataOut }),
        ...(fault === undefined ? {} : { fault: fault.message }),
      });
    }
  } catch (error) {
    if (!isBpfkitError(error)) throw error;
    return { rejection: { program: error.place.program ?? "?", reason: error.message }, runs: [], maps: {} };
  }
  return { runs, maps: contentsOf(vm.maps) };
}
