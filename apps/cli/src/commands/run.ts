import type { Program } from "@bpfkit/core";
import { fixedEffects } from "@bpfkit/helpers";
import { type Arguments, usage } from "../arguments.js";
import type { Command } from "../command.js";
import { type ChosenEngine, ENGINES, engineNamed } from "../engines.js";
import { orRefused } from "../errors.js";
import type { Output } from "../output.js";
import { runOnce } from "../run/execute.js";
import { DATA_OPTIONS, type RunData, readContext, readData } from "../run/inputs.js";
import { Printk } from "../run/printk.js";
import { printRun, runObject } from "../run/report.js";
import { mustBeAccepted } from "../run/verified.js";
import { PROGRAM_OPTIONS, type Prepared, prepare } from "../run/vm.js";

/** Runs of one context at most: each takes 8 bytes of results. */
const MOST_REPEATS = 100_000_000;

/** Bytes of the packet, all zero, that a program of a packet type gets where none is given. */
const DEFAULT_PACKET_BYTES = 64;

/** `bpfkit run`: a program on a packet, a pcap or memory. */
export const command: Command = {
  positionals: "<file>",
  count: [1, 1],
  options: {
    ...DATA_OPTIONS,
    ...PROGRAM_OPTIONS,
    engine: {
      kind: "text",
      value: ENGINES.map(({ name }) => name).join("|"),
      description: "what runs it (interpreter)",
    },
    safety: {
      kind: "text",
      value: "checked|confined|unchecked",
      description: "how accesses are confined, of what the engine has",
    },
    repeat: { kind: "text", value: "N", description: "run so often on the same context (1)" },
    budget: { kind: "text", value: "N", description: "instructions after which a run is stopped (none)" },
    "dump-maps": { kind: "flag", description: "show what the maps hold at the end" },
    all: { kind: "flag", description: "with --dump-maps: array entries that are all zero, too" },
    trace: { kind: "flag", description: "show each instruction and the registers it changes" },
    "trace-frames": { kind: "flag", description: "show frames: calls, returns, tail calls, missed tail calls" },
    "trace-svg": { kind: "text", value: "FILE", description: "draw the stack of the last run when it was deepest" },
    "no-verify": { kind: "flag", description: "run without asking the verifier" },
  },
  examples: [
    "bpfkit run lb.o --program xdp_lb --packet 'eth/ipv4(dst=10.0.0.2)/udp(dport=53)'",
    "bpfkit run prog.o --pcap traffic.pcap --dump-maps --json",
    "bpfkit run main.o --slot jmp_table:0=other.o#handler --trace-frames",
  ],
  run,
};

async function run(given: Arguments, output: Output): Promise<number> {
  const data = await readData(given);
  const ctx = readContext(given);
  const budget = given.whole("budget", 1, Number.MAX_SAFE_INTEGER);
  const options = { repeat: given.whole("repeat", 1, MOST_REPEATS) ?? 1, ...(budget === undefined ? {} : { budget }) };
  const accepted = new Set<Program>();
  const { engine, safety, verifies } = await engineFor(given, accepted);
  const printk = new Printk();
  const prepared = await prepare(given, { engine, effects: fixedEffects({ trace: (line) => printk.add(line) }) });
  const { vm, runnable } = prepared;
  const asks = !verifies && !given.flag("no-verify");
  const verified = verifies || asks;
  if (asks) mustBeAccepted(runnable.program, vm, runnable.type === "raw" ? memorySize(data) : 0, accepted, output);
  orRefused(() => runnable.link());
  const hooks = await tracing(given, prepared, output);
  let status = 0;
  let index = 0;
  for (const one of data) {
    index++;
    const input = { data: one ?? defaultData(runnable.type), ctx };
    const timed = runOnce(runnable, input, options, hooks, data.count > 1);
    if ("refused" in timed || timed.outcome.fault !== undefined) status = 1;
    const maps = given.flag("dump-maps") && index === data.count ? vm.dumpMaps({ all: given.flag("all") }) : undefined;
    const facts = { engine: engine.name, safety, verified, data: input.data, printk: printk.take(), maps };
    if (output.json) output.object(runObject(runnable, timed, facts));
    else printRun(runnable, timed, facts, output, data.count === 1 ? "" : `${index}: `);
  }
  vm.dispose();
  return status;
}

/** What the verifier takes for the memory of a `raw` program: what the smallest of its runs has. */
function memorySize(data: RunData): number {
  return Math.min(...Array.from(data, (one) => one?.length ?? 0));
}

async function engineFor(given: Arguments, accepted: ReadonlySet<Program>): Promise<ChosenEngine> {
  const licence = given.flag("no-verify") ? undefined : (program: Program) => accepted.has(program);
  const chosen = await engineNamed(given.text("engine"), { safety: given.text("safety"), accepted: licence });
  if (chosen.safety !== "checked" && licence === undefined)
    throw usage(`--safety ${chosen.safety} needs the verifier; leave --no-verify out`);
  const { name, capabilities } = chosen.engine;
  if (given.text("budget") !== undefined && !capabilities.budget)
    throw usage(`engine ${name} has no --budget; the interpreter has`);
  const trace = ["trace", "trace-frames", "trace-svg"].find((name) => given.flag(name));
  if (trace !== undefined && !capabilities.steps) throw usage(`engine ${name} has no --${trace}; the interpreter has`);
  return chosen;
}

function defaultData(type: string): Uint8Array | undefined {
  return type === "raw" ? undefined : new Uint8Array(DEFAULT_PACKET_BYTES);
}

async function tracing(given: Arguments, { vm }: Prepared, output: Output) {
  const wanted = {
    instructions: given.flag("trace"),
    frames: given.flag("trace-frames"),
    svg: given.text("trace-svg"),
  };
  if (wanted.svg === "") throw usage("--trace-svg needs a file name");
  if (!wanted.instructions && !wanted.frames && wanted.svg === undefined) return undefined;
  const { traceHooks } = await import("../run/trace.js");
  return traceHooks(vm, output, wanted);
}
