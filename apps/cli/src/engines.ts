import type { Engine } from "@bpfkit/core";
import type { CaseOptions } from "@bpfkit/vm";
import { shown, usage } from "./arguments.js";
import { CliError } from "./errors.js";

/** An engine by its name, loaded when it is used. */
export interface EngineRow {
  readonly name: string;
  readonly description: string;
  /** What `--safety` may be, the default first. */
  readonly safety: readonly string[];
  load(): Promise<Engine>;
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

/** An engine ready to be used, and how safely it runs. */
export interface ChosenEngine {
  readonly engine: Engine;
  readonly safety: string;
  /** Whether what it runs was verified by it. */
  readonly verifies: boolean;
}

/** The engine of that name. @throws {CliError} `USAGE` where there is none, `NOT_AVAILABLE` where it does not work here. */
export async function engineNamed(name = "interpreter", safety?: string): Promise<ChosenEngine> {
  const row = rowNamed(name);
  if (safety !== undefined && !row.safety.includes(safety)) {
    throw usage(`--safety ${shown(safety)}: engine ${name} runs ${row.safety.join(" or ")}`);
  }
  const engine = available(await row.load());
  return { engine, safety: safety ?? row.safety[0]!, verifies: row.verifies === true };
}

/** The engine of that name as declarative tests use it. @throws as `engineNamed`. */
export async function engineForTests(name = "interpreter"): Promise<Pick<CaseOptions, "engine" | "verify">> {
  const row = rowNamed(name);
  if (row.forTests === undefined) return { engine: available(await row.load()) };
  const { engine, verify } = await row.forTests();
  return { engine: available(engine), verify };
}

/** Every engine that is available here, and why the others are not. */
export async function availableEngines(names: readonly string[] = ENGINES.map((row) => row.name)): Promise<{
  readonly chosen: readonly ChosenEngine[];
  readonly missing: readonly { name: string; reason: string }[];
}> {
  const chosen: ChosenEngine[] = [];
  const missing: { name: string; reason: string }[] = [];
  for (const name of names) {
    const row = rowNamed(name);
    const engine = await row.load();
    const answer = engine.availability();
    if (answer.available) chosen.push({ engine, safety: row.safety[0]!, verifies: row.verifies === true });
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
