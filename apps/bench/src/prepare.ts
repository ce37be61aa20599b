import type { Engine, Linked, LinkSet, Program } from "@bpfkit/core";
import { isProgramArray } from "@bpfkit/core";
import { load, type Outcome, type RunInput, type Vm, type VmOptions, type VmProgram, type VmSource } from "@bpfkit/vm";
import { BenchError } from "./error.js";
import { objectNamed } from "./files.js";
import type { Subject } from "./subjects.js";
import type { Workload } from "./workloads.js";

/** Programs our verifier was asked about: undefined where it accepted, else why not. */
const refusals = new WeakMap<Program, string | null>();

function refusalOf(vm: Vm, program: Program): string | undefined {
  let refusal = refusals.get(program);
  if (refusal === undefined) {
    const { verdict, message } = vm.verify(program);
    refusal = verdict === "accept" ? null : `the verifier rejects ${program.name}: ${message?.split("\n")[0]}`;
    refusals.set(program, refusal);
  }
  return refusal ?? undefined;
}

/** A workload with one subject, linked and ready. */
export interface Prepared {
  readonly vm: Vm;
  readonly runnable: VmProgram;
  readonly linked: Linked;
}

/** Makes a VM of programs with a subject's engine; `linkedOf` tells what a program was last linked to. */
export function vmOf(
  source: VmSource,
  subject: Subject,
  options: VmOptions = {},
): { readonly vm: Vm; linkedOf(program: VmProgram): Linked } {
  let vm: Vm | undefined;
  const engine = subject.make((program) => vm !== undefined && refusalOf(vm, program) === undefined);
  let last: Linked | undefined;
  const capturing: Engine = {
    ...engine,
    link(set: LinkSet) {
      last = engine.link(set);
      return last;
    },
  };
  vm = load(source, { ...options, engine: capturing });
  return {
    vm,
    linkedOf(program) {
      program.link();
      return last!;
    },
  };
}

/** @throws {BenchError} `REFUSED` where a subject needs verdicts, and a program that would run has none that accepts. */
export function requireVerdicts(subject: Subject, vm: Vm, program: Program): void {
  if (!subject.licensed) return;
  for (const one of vm.reachable(program)) {
    const refusal = refusalOf(vm, one);
    if (refusal !== undefined) throw new BenchError("REFUSED", refusal);
  }
}

/** Loads a workload, with its slots and entries. @throws as `requireVerdicts`, and what loading and linking throw. */
export function prepare(workload: Workload, subject: Subject, options: VmOptions = {}): Prepared {
  const object = objectNamed(workload.object);
  const { vm, linkedOf } = vmOf(workload.group === "raw" ? asRaw(object) : object, subject, options);
  try {
    for (const { map, index, program } of workload.slots ?? []) vm.setSlot(map, index, vm.program(program).program);
    if (workload.keyStep !== undefined) fillMaps(vm, workload.keyStep);
    const runnable = vm.program(workload.program);
    requireVerdicts(subject, vm, runnable.program);
    return { vm, runnable, linked: linkedOf(runnable) };
  } catch (error) {
    vm.dispose();
    throw error;
  }
}

/** The section says nothing of a raw entry's type. */
function asRaw(source: VmSource): VmSource {
  return { ...source, programs: source.programs.map((program) => ({ ...program, type: "raw" })) };
}

/** Fills every data map to the brim, with zeros for values. */
function fillMaps(vm: Vm, step: number): void {
  for (const map of vm.maps.values()) {
    if (isProgramArray(map) || map.spec.section !== undefined) continue;
    const { type, valueSize, maxEntries } = map.spec;
    const cpus = map.cpus ?? vm.engine.capabilities.cpus ?? 1;
    const value = new Uint8Array(type.includes("percpu") ? Math.ceil(valueSize / 8) * 8 * cpus : valueSize);
    for (let index = 0; index < maxEntries; index++) {
      map.set(new Uint8Array(Uint32Array.of(index * step).buffer), value);
    }
  }
}

/** Runs once. @throws {BenchError} `FAULT`. */
export function runOnce(runnable: VmProgram, input: RunInput, repeat = 1): Outcome {
  const outcome = runnable.run(input, { repeat });
  if (outcome.fault === undefined) return outcome;
  throw new BenchError("FAULT", `${runnable.program.name} on ${outcome.engine}: ${outcome.fault.message}`);
}
