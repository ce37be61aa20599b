import { isBpfkitError } from "@bpfkit/core";
import { fixedEffects } from "@bpfkit/helpers";
import type { Arguments } from "../arguments.js";
import type { Command } from "../command.js";
import { type Compared, differencesOf } from "../compare/differences.js";
import { availableEngines, type ChosenEngine } from "../engines.js";
import { CliError } from "../errors.js";
import { complain, type Output } from "../output.js";
import { runOnce } from "../run/execute.js";
import { DATA_OPTIONS, readContext, readData } from "../run/inputs.js";
import { Printk } from "../run/printk.js";
import { printRun, type Run, runObject } from "../run/report.js";
import { PROGRAM_OPTIONS, prepare } from "../run/vm.js";

const MOST_REPEATS = 1_000_000;
const DEFAULT_PACKET_BYTES = 64;

/** `bpfkit compare`: the same run on every engine. */
export const command: Command = {
  positionals: "<file>",
  count: [1, 1],
  options: {
    ...DATA_OPTIONS,
    ...PROGRAM_OPTIONS,
    engines: { kind: "text", value: "A,B", description: "engines to compare (all that are here)" },
    repeat: { kind: "text", value: "N", description: "run so often on the same context (1)" },
  },
  examples: [
    "bpfkit compare lb.o --program xdp_lb --packet 'eth/ipv4/udp'",
    "bpfkit compare prog.o --pcap traffic.pcap --json",
  ],
  run,
};

async function run(given: Arguments, output: Output): Promise<number> {
  const names = given.text("engines")?.split(",");
  const { chosen, missing } = await availableEngines(names);
  for (const { name, reason } of missing) complain(`bpfkit compare: engine ${name} is ${reason}`);
  if (chosen.length === 0) throw new CliError("NOT_AVAILABLE", "none of the engines is available here");
  // Maps have values for as many CPUs on every engine, if one of them decides how many.
  const cpus = chosen.find(({ engine }) => engine.capabilities.cpus !== undefined)?.engine.capabilities.cpus ?? 1;
  const results: Compared[] = [];
  for (const one of chosen) {
    const result = await runOn(one, cpus, given, output);
    if (result !== undefined) results.push(result);
  }
  const differences = results.slice(1).flatMap((result) => differencesOf(results[0]!, result));
  if (output.json) {
    output.object({ agree: differences.length === 0, ...(differences.length === 0 ? {} : { differences }) });
  } else {
    for (const { what, left, right } of differences) {
      output.line(
        `${output.style("bad", "differs")} ${what}: ${left.engine} ${left.value}, ${right.engine} ${right.value}`,
      );
    }
    const engines = results.map(({ engine }) => engine).join(", ");
    if (results.length < 2)
      output.line(output.style("note", `nothing to compare with: it ran on ${engines || "no engine"}`));
    else if (differences.length === 0) output.line(output.style("good", `agree: ${engines}`));
  }
  if (differences.length > 0) await explain(chosen, given, output);
  return differences.length === 0 ? 0 : 1;
}

/**
 * Runs everything on one engine, and prints it. A refusal is a result, too: the others may not refuse. Undefined where the
 * engine has no way to run such a program, which says nothing of the others.
 */
async function runOn(
  { engine, safety, verifies }: ChosenEngine,
  cpus: number,
  given: Arguments,
  output: Output,
): Promise<Compared | undefined> {
  const printk = new Printk();
  const { name } = engine;
  const bits = engine.capabilities.returnBits ?? 64;
  try {
    const prepared = await prepare(given, {
      engine,
      cpus,
      effects: fixedEffects({ trace: (line) => printk.add(line) }),
    });
    const { vm, runnable } = prepared;
    try {
      runnable.link();
      const runs: Run[] = [];
      const data = await readData(given);
      for (const one of data) {
        const input = { data: one ?? defaultData(runnable.type), ctx: readContext(given) };
        const repeat = given.whole("repeat", 1, MOST_REPEATS) ?? 1;
        const timed = runOnce(runnable, input, { repeat }, undefined, data.count > 1);
        runs.push(timed);
        const maps = output.json && runs.length === data.count ? vm.dumpMaps() : undefined;
        const facts = { engine: name, safety, verified: verifies, data: input.data, printk: printk.take(), maps };
        if (output.json) output.object(runObject(runnable, timed, facts));
        else printRun(runnable, timed, facts, output, data.count === 1 ? "" : `${runs.length}: `);
      }
      return { engine: name, bits, runs, maps: vm.dumpMaps() };
    } finally {
      vm.dispose();
    }
  } catch (error) {
    if (!isBpfkitError(error) || error instanceof CliError) throw error;
    if (error.code === "NOT_AVAILABLE") {
      complain(`bpfkit compare: engine ${name} cannot run it: ${error.message}`);
      return undefined;
    }
    if (output.json) output.object({ engine: name, refused: error.message });
    else output.line(`${name}: ${output.style("bad", "refused")} ${error.message}`);
    return { engine: name, bits, refused: error.message, runs: [], maps: {} };
  }
}

function defaultData(type: string): Uint8Array | undefined {
  return type === "raw" ? undefined : new Uint8Array(DEFAULT_PACKET_BYTES);
}

/** Shows what the engines that can step did: frames, which is where calls and tail calls part. */
async function explain(chosen: readonly ChosenEngine[], given: Arguments, output: Output): Promise<void> {
  if (output.json) return;
  const { traceHooks } = await import("../run/trace.js");
  for (const { engine } of chosen.filter((one) => one.engine.capabilities.steps)) {
    const { vm, runnable } = await prepare(given, { engine, effects: fixedEffects() });
    try {
      output.line(output.style("strong", `what ${engine.name} did:`));
      const hooks = traceHooks(vm, output, { instructions: true, frames: true });
      for (const one of await readData(given)) {
        const input = { data: one ?? defaultData(runnable.type), ctx: readContext(given) };
        runOnce(runnable, input, { repeat: 1 }, hooks, true);
      }
    } catch (error) {
      if (!isBpfkitError(error)) throw error;
      output.line(`refused: ${error.message}`);
    } finally {
      vm.dispose();
    }
  }
}
