import type { Engine, ExecutableMemory, LinkSet, NativeCallback, Program, SharedCode, Verdict } from "@bpfkit/core";
import { JitError } from "./error.js";
import { JitLinked, OPEN, type Runtime } from "./linked.js";
import { hasBmi2 } from "./processor.js";
import type { Run } from "./run.js";
import type { Safety } from "./unit.js";
import type { SharedJitCode } from "./units.js";

/** What the engine is to do. */
export interface JitOptions {
  /** `confined` where every program has an accepting verdict, else `checked`. */
  readonly safety?: Safety;
  /** The verdict on a program, the licence for less than `checked`. */
  readonly verdict?: (program: Program) => Verdict | undefined;
  /** Takes every program for verified. For measuring only: a wrong program may then take everything down with it. */
  readonly assumeVerified?: boolean;
  /** Whether BMI2 instructions may be used; asked of the processor where left out. */
  readonly bmi2?: boolean;
}

/** The engine, whose links also run loops in machine code. */
export interface JitEngine extends Engine {
  /** @throws {JitError} `NOT_AVAILABLE`, `UNVERIFIED`, or what `compileProgram` throws, with program and slot. */
  link(set: LinkSet): JitLinked;
  /** @throws {JitError} `NOT_AVAILABLE`, `FOREIGN_CODE`, `DISPOSED`. */
  attach(set: LinkSet, code: SharedCode): JitLinked;
}

/**
 * The JIT as an engine, on executable memory that is passed in (`@bpfkit/native`). What it makes runs on x86-64 Linux only;
 * `compileProgram` and `listProgram` work anywhere.
 */
export function jitX64(native: ExecutableMemory, options: JitOptions = {}): JitEngine {
  return {
    name: "jit-x64",
    capabilities: { counts: true, steps: false, budget: true, workers: true },
    availability: () => native.availability(),
    link: (set) => link(set, native, options),
    attach: (set, code) => attach(set, native, code),
  };
}

/** Code that was linked has its licence, and the level it was compiled with. */
function attach(set: LinkSet, native: ExecutableMemory, code: SharedCode): JitLinked {
  const availability = native.availability();
  if (!availability.available) throw new JitError("NOT_AVAILABLE", `jit-x64 is ${availability.reason}`);
  if (!isJitCode(code)) throw new JitError("FOREIGN_CODE", `the code is of engine ${code.engine}, not of jit-x64`);
  if (Atomics.load(code.open, 0) !== OPEN) throw new JitError("DISPOSED", "the linked set was disposed of");
  const { safety } = code;
  const prove = (): void => {
    if (safety === "confined") proveGuards(set, native);
  };
  prove();
  const runtime = runtimeOf(native);
  return new JitLinked(set, runtime, { safety, prove, bmi2: runtime.bmi2, licence: refuseToCompile }, code);
}

function isJitCode(code: SharedCode): code is SharedJitCode {
  return code.engine === "jit-x64";
}

function refuseToCompile({ name }: Program): never {
  throw new JitError("NOT_SHARED", "it is not among the programs that were shared", { program: name });
}

function link(set: LinkSet, native: ExecutableMemory, options: JitOptions): JitLinked {
  const availability = native.availability();
  if (!availability.available) throw new JitError("NOT_AVAILABLE", `jit-x64 is ${availability.reason}`);
  const accepted = (program: Program): boolean => {
    const verdict = options.verdict?.(program);
    return options.assumeVerified === true || (verdict?.accepted === true && verdict.program === program);
  };
  const safety = options.safety ?? (set.programs.every(accepted) ? "confined" : "checked");
  const prove = (): void => {
    if (safety === "confined") proveGuards(set, native);
  };
  prove();
  return new JitLinked(set, runtimeOf(native), {
    safety,
    prove,
    bmi2: options.bmi2 ?? runtimeOf(native).bmi2,
    licence(program) {
      if (safety === "checked" || accepted(program)) return;
      throw new JitError(
        "UNVERIFIED",
        `safety ${safety} needs an accepting verdict; without one only checked is allowed`,
        {
          program: program.name,
        },
      );
    },
  });
}

/** A 32-bit index reaches 4 GiB, a 16-bit displacement a little to either side, and an interval kept uncut less than these. */
const GUARD_BEFORE = 2 ** 31;
const GUARD_BEHIND = 2 ** 33;

const proven = new WeakSet<WebAssembly.Memory>();

function proveGuards({ memory }: LinkSet, native: ExecutableMemory): void {
  if (memory.views.wasm !== undefined) {
    if (proven.has(memory.views.wasm)) return;
    const { before, behind } = native.guardRegions(memory.views.wasm);
    if (before >= GUARD_BEFORE && behind >= GUARD_BEHIND) {
      proven.add(memory.views.wasm);
      return;
    }
  }
  throw new JitError(
    "NOT_AVAILABLE",
    "confined needs inaccessible memory around guest memory, which is not proven here; use checked",
  );
}

/** One callback and one look at the processor for all links on the same native memory. */
const runtimes = new WeakMap<ExecutableMemory, Runtime>();

function runtimeOf(native: ExecutableMemory): Runtime {
  let runtime = runtimes.get(native);
  if (runtime === undefined) {
    runtime = makeRuntime(native);
    runtimes.set(native, runtime);
  }
  return runtime;
}

function makeRuntime(native: ExecutableMemory): Runtime {
  const runs: Run[] = [];
  const callback: NativeCallback = native.callback((site, program) => runs.at(-1)!.ask(site, program));
  return { native, runs, callback, bmi2: hasBmi2(native) };
}
