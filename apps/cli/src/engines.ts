import type { Engine } from "@bpfkit/core";
import { shown, usage } from "./arguments.js";
import { CliError } from "./errors.js";

/** An engine by its name, loaded when it is used. */
export interface EngineRow {
  readonly name: string;
  readonly description: string;
  /** What `--safety` may be, the default first. */
  readonly safety: readonly string[];
  load(): Promise<Engine>;
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
    description: "machine code for x86-64 Linux; faults where the interpreter does",
    safety: ["checked"],
    load: async () => {
      const [{ jitX64 }, { executableMemory }] = await Promise.all([
        import("@bpfkit/jit-x64"),
        import("@bpfkit/native"),
      ]);
      return jitX64(executableMemory, { safety: "checked" });
    },
  },
];

/** An engine ready to be used, and how safely it runs. */
export interface ChosenEngine {
  readonly engine: Engine;
  readonly safety: string;
}

/** The engine of that name. @throws {CliError} `USAGE` where there is none, `NOT_AVAILABLE` where it does not work here. */
export async function engineNamed(name = "interpreter", safety?: string): Promise<ChosenEngine> {
  const row = ENGINES.find((one) => one.name === name);
  if (row === undefined) {
    throw usage(`there is no engine ${shown(name)}; there is ${ENGINES.map((one) => one.name).join(", ")}`);
  }
  if (safety !== undefined && !row.safety.includes(safety)) {
    throw usage(`--safety ${shown(safety)}: engine ${name} runs ${row.safety.join(" or ")}`);
  }
  const engine = await row.load();
  const availability = engine.availability();
  if (!availability.available) {
    throw new CliError("NOT_AVAILABLE", `engine ${name} is not available here: ${availability.reason}`);
  }
  return { engine, safety: safety ?? row.safety[0]! };
}
