import type { Engine, Program } from "@bpfkit/core";
import type { Safety } from "@bpfkit/jit-x64";
import type { CaseOptions } from "@bpfkit/vm";
import { shown, usage } from "./arguments.js";
import { CliError } from "./errors.js";

/** What an engine is made with. */
export interface EngineSettings {
  /** One of the row's levels. */
  readonly safety: string;
  /** Whether a verifier accepted a program, which is the licence for less than `checked`. */
  readonly accepted: (program: Program) => boolean;
}

/** An engine by its name, loaded when it is used. */
export interface EngineRow {
  readonly name: string;
  readonly description: string;
  /** What `--safety` may be, the default first. */
  readonly safety: readonly string[];
  /** The default where every program was accepted by a verifier, if it is another. */
  readonly verifiedSafety?: string;
  load(settings: EngineSettings): Promise<Engine>;
  /** It runs only what a verifier of its own accepted. */
  readonly verifies?: true;
  /** How declarative tests use it, where that is another way: programs as they are given, and its own verdicts. */
  forTests?(): Promise<{ readonly engine: Engine; readonly verify: NonNullable<CaseOptions["verify"]> }>;
}

/** Every engine the command knows. A new one is a row here and a dependency. */
export const ENGINES: readonly EngineRow[] = [
  {
    name: "interpreter",
    description: "the reference: runs anywhere, counts instructions, checks every access",
    safety: ["checked"],
    load: async () => (await import("@bpfkit/interpreter")).interpreter,
  },
  {
    name: "jit-x64",
    description: "machine code for x86-64 Linux: checked, or less where the verifier accepted",
    safety: ["checked", "confined", "unchecked"],
    verifiedSafety: "confined",
    load: loadJit,
  },
  {
    name: "kernel",
    description: "the running Linux kernel: verifies, test-runs, attaches nothing; needs CAP_BPF or root",
    safety: ["checked"],
    load: async () => (await import("@bpfkit/kernel")).kernelEngine(),
    verifies: true,
    forTests: async () => {
      const { kernelEngine } = await import("@bpfkit/kernel");
      const { kernelVerdict } = await import("./cases/kernel-verdict.js");
      return { engine: kernelEngine({ functionInfo: "as-given" }), verify: kernelVerdict };
    },
  },
];

async function loadJit({ safety, accepted }: EngineSettings): Promise<Engine> {
  const [{ jitX64 }, { executableMemory }] = await Promise.all([import("@bpfkit/jit-x64"), import("@bpfkit/native")]);
  const verdict = (program: Program) => ({ program, accepted: accepted(program) });
  return jitX64(executableMemory, { safety: safety as Safety, verdict });
}

/** An engine ready to be used, and how safely it runs. */
export interface ChosenEngine {
  readonly engine: Engine;
  readonly safety: string;
  /** Whether what it runs was verified by it. */
  readonly verifies: boolean;
}

/** What a caller wants of an engine, where it is not the default. */
export interface EngineWishes {
  readonly safety?: string | undefined;
  /** Given where every program is asked about before it is linked; nothing is accepted otherwise. */
  readonly accepted?: EngineSettings["accepted"] | undefined;
}

/** The engine of that name. @throws {CliError} `USAGE` where there is none, `NOT_AVAILABLE` where it does not work here. */
export async function engineNamed(name = "interpreter", wishes: EngineWishes = {}): Promise<ChosenEngine> {
  const chosen = await make(rowNamed(name), wishes);
  return { ...chosen, engine: available(chosen.engine) };
}

async function make(row: EngineRow, { safety, accepted }: EngineWishes): Promise<ChosenEngine> {
  if (safety !== undefined && !row.safety.includes(safety)) {
    throw usage(`engine ${row.name} runs ${row.safety.join(" or ")}, not ${shown(safety)}`);
  }
  const level = safety ?? (accepted === undefined ? undefined : row.verifiedSafety) ?? row.safety[0]!;
  const engine = await row.load({ safety: level, accepted: accepted ?? (() => false) });
  return { engine, safety: level, verifies: row.verifies === true };
}

/** The engine of that name as declarative tests use it. @throws as `engineNamed`. */
export async function engineForTests(name = "interpreter"): Promise<Pick<CaseOptions, "engine" | "verify">> {
  const row = rowNamed(name);
  if (row.forTests === undefined) return { engine: available((await make(row, {})).engine) };
  const { engine, verify } = await row.forTests();
  return { engine: available(engine), verify };
}

/** Every engine that is available here, and why the others are not. */
export async function availableEngines(
  names: readonly string[] = ENGINES.map((row) => row.name),
  wishes: EngineWishes = {},
): Promise<{
  readonly chosen: readonly ChosenEngine[];
  readonly missing: readonly { name: string; reason: string }[];
}> {
  const chosen: ChosenEngine[] = [];
  const missing: { name: string; reason: string }[] = [];
  for (const name of names) {
    const one = await make(rowNamed(name), wishes);
    const answer = one.engine.availability();
    if (answer.available) chosen.push(one);
    else missing.push({ name, reason: answer.reason });
  }
  return { chosen, missing };
}

function rowNamed(name: string): EngineRow {
  const row = ENGINES.find((one) => one.name === name);
  if (row !== undefined) return row;
  throw usage(`there is no engine ${shown(name)}; there is ${ENGINES.map((one) => one.name).join(", ")}`);
}

function available(engine: Engine): Engine {
  const answer = engine.availability();
  if (answer.available) return engine;
  throw new CliError("NOT_AVAILABLE", `engine ${engine.name} is ${answer.reason}`);
}
