import { profileFor } from "@bpfkit/abi";
import type { Program } from "@bpfkit/core";
import { explain, type Verdict } from "@bpfkit/verifier";
import { load, type Vm } from "@bpfkit/vm";
import { type Arguments, shown, usage } from "../arguments.js";
import type { Command } from "../command.js";
import { INPUT_OPTIONS, inputOptions, programsNamed, readInput } from "../input.js";
import { type Output, Progress } from "../output.js";

/** Bytes behind r1 of a `raw` program where nothing is said. */
const DEFAULT_MEMORY = 64;

/** `bpfkit verify`: the kernel's verdict in the kernel's words. */
export const command: Command = {
  positionals: "<file>",
  count: [1, 1],
  options: {
    program: { kind: "text", value: "NAME", description: "only this program (function or section name)" },
    ...INPUT_OPTIONS,
    profile: { kind: "text", value: "VERSION", description: "the kernel whose rules apply (6.18)" },
    arch: { kind: "text", value: "ARCH", description: "the architecture whose rules apply (x86-64)" },
    "log-level": { kind: "text", value: "0|1|2", description: "the kernel's log: 0 the last message only (0)" },
    explain: { kind: "flag", description: "say in plain words why a program is rejected, and what helps" },
    memory: { kind: "text", value: "N", description: `bytes behind r1 of a raw program (${DEFAULT_MEMORY})` },
  },
  examples: [
    "bpfkit verify prog.o",
    "bpfkit verify prog.o --program xdp_main --log-level 1",
    "bpfkit verify prog.o --profile 5.9 --explain",
  ],
  async run(given, output) {
    const file = given.positionals[0]!;
    const { source } = await readInput(file, inputOptions(given));
    const vm = load(source, { profile: profileFor(given.text("profile"), given.text("arch")) });
    let status = 0;
    for (const program of programsNamed(source, given.text("program"), file)) {
      const verdict = verdictOn(program, vm, given);
      if (verdict.verdict === "reject") status = 1;
      if (output.json) output.object(verdictObject(program, verdict, given));
      else printVerdict(program, verdict, given, output);
    }
    vm.dispose();
    return status;
  },
};

function verdictOn(program: Program, vm: Vm, given: Arguments): Verdict {
  const progress = new Progress();
  const onProgress = (processed: number, limit: number): void =>
    progress.show(`${program.name}: ${processed} of at most ${limit} instructions`);
  const memorySize = given.whole("memory", 0, 2 ** 31 - 1) ?? DEFAULT_MEMORY;
  const verdict = vm.verify(program, {
    logLevel: logLevel(given),
    facts: given.flag("explain"),
    memorySize,
    onProgress,
  });
  progress.done();
  return verdict;
}

function logLevel(given: Arguments): 0 | 1 | 2 {
  const text = given.text("log-level") ?? "0";
  if (text !== "0" && text !== "1" && text !== "2") throw usage(`--log-level ${shown(text)} must be 0, 1 or 2`);
  return Number(text) as 0 | 1 | 2;
}

function verdictObject(program: Program, verdict: Verdict, given: Arguments): Record<string, unknown> {
  const { name, section, type } = program;
  const { verdict: word, errno, message, slot, insnsProcessed, stackDepth, log } = verdict;
  const explanation = given.flag("explain") ? explain(program, verdict) : undefined;
  return {
    program: name,
    section,
    type,
    verdict: word,
    errno,
    message,
    slot,
    insnsProcessed,
    stackDepth,
    log,
    explanation,
  };
}

function printVerdict(program: Program, verdict: Verdict, given: Arguments, output: Output): void {
  const { name, type } = program;
  const head = `${output.style("strong", name)} (${type})`;
  if (verdict.verdict === "accept") {
    const depths = verdict.stackDepth.join("+");
    output.line(
      `${head}: ${output.style("good", "accepted")}, ${verdict.insnsProcessed} instructions processed, stack ${depths}`,
    );
  } else output.line(`${head}: ${output.style("bad", `rejected, ${verdict.errno}`)}, at slot ${verdict.slot}`);
  const text = logLevel(given) > 0 ? verdict.log : (verdict.message ?? "");
  for (const line of text.split("\n")) if (line !== "") output.line(`  ${line}`);
  if (!given.flag("explain") || verdict.verdict === "accept") return;
  for (const line of explain(program, verdict).split("\n"))
    output.line(line === "" ? "" : `  ${output.style("note", line)}`);
}
