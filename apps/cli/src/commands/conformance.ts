import type { Program } from "@bpfkit/core";
import { type Arguments, shown, usage } from "../arguments.js";
import type { Command } from "../command.js";
import { engineNamed } from "../engines.js";
import { CliError, orRefused } from "../errors.js";
import { readText } from "../files.js";
import { fromHex } from "../hex.js";
import { inputFromBytes, programNamed } from "../input.js";
import { complain, type Output } from "../output.js";

/*
 * A plugin as bpf_conformance_runner starts it: memory as hex in the first argument, which may be empty or missing, then
 * the runner's --plugin_options, then --elf; the program as hex on standard input.
 */

/** Instructions after which a program that does not end is stopped. */
const BUDGET = 1_000_000_000;

/** `bpfkit conformance`, `bpfkit-conformance`: runs one program and prints r0. */
export const command: Command = {
  positionals: "[memory as hex]",
  count: [0, Number.POSITIVE_INFINITY],
  options: {
    program: { kind: "text", value: "HEX", description: "the program, instead of on standard input" },
    elf: { kind: "flag", description: "the program is an ELF object" },
    engine: { kind: "text", value: "NAME", description: "what runs it (interpreter)" },
    interpret: { kind: "flag", description: "the same as --engine interpreter" },
    jit: { kind: "flag", description: "the same as --engine jit-x64" },
    type: { kind: "text", value: "TYPE", description: "program type (raw: r1 is the memory, r2 its length)" },
    debug: { kind: "flag", description: "also print the program, on standard error" },
  },
  examples: ["bpfkit-conformance 'aa bb' --program '71 10 00 00 00 00 00 00 95 00 00 00 00 00 00 00'"],
  run,
};

async function run(given: Arguments, output: Output): Promise<number> {
  const memory = hexOf(given.positionals.join(""), "the memory");
  const { engine } = await engineNamed(engineName(given));
  const program = await readProgram(given);
  if (given.flag("debug")) await printProgram(program);
  const { load } = await import("@bpfkit/vm");
  const runnable = load({ programs: [], maps: [] }, { engine }).runnable(program);
  orRefused(() => runnable.link());
  const { r0, fault } = runnable.run({ data: memory }, engine.capabilities.budget ? { budget: BUDGET } : {});
  if (fault !== undefined) throw new CliError("REFUSED", fault.message);
  if (output.json) output.object({ r0 });
  else output.line(r0.toString(16));
  return 0;
}

function engineName(given: Arguments): string | undefined {
  const named = given.text("engine");
  const asked = [named, given.flag("interpret") ? "interpreter" : undefined, given.flag("jit") ? "jit-x64" : undefined];
  const chosen = asked.filter((name) => name !== undefined);
  if (chosen.length > 1) throw usage("--engine, --interpret and --jit exclude each other; give one");
  return chosen[0];
}

async function readProgram(given: Arguments): Promise<Program> {
  const bytes = hexOf(given.text("program") ?? readText("-"), "the program");
  if (bytes.length === 0) throw usage("needs a program as hex, on standard input or after --program");
  const format = given.flag("elf") ? "elf" : "raw";
  const { source } = await inputFromBytes(bytes, "the program", { format, type: given.text("type") });
  return programNamed(source, undefined, "the program");
}

function hexOf(text: string, what: string): Uint8Array {
  const bytes = fromHex(text);
  if (typeof bytes !== "string") return bytes;
  throw usage(`${what} ${shown(text.trim())} is not hex: ${bytes}`);
}

async function printProgram(program: Program): Promise<void> {
  const { disassemble } = await import("../disassembly.js");
  for (const { slot, text } of disassemble(program)) complain(`${String(slot).padStart(5)}: ${text}`);
}
