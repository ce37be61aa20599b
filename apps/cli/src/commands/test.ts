import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { CaseOptions, CaseResult } from "@bpfkit/vm";
import { idOf, runCase } from "@bpfkit/vm";
import { shown, usage } from "../arguments.js";
import { type FoundCase, readCases } from "../cases/read.js";
import type { Command } from "../command.js";
import { engineForTests } from "../engines.js";
import { readBytes } from "../files.js";
import { type Output, Progress } from "../output.js";

/** `bpfkit test`: declarative tests. */
export const command: Command = {
  positionals: "<file…>",
  count: [1, Number.POSITIVE_INFINITY],
  options: {
    engine: { kind: "text", value: "NAME", description: "what runs them (interpreter)" },
    messages: { kind: "flag", description: "compare the verifier's messages, too" },
    filter: { kind: "text", value: "TEXT", description: "only cases with this in their id or title" },
    cpus: { kind: "text", value: "N", description: "CPUs that per-CPU maps have values for (1)" },
  },
  examples: ["bpfkit test cases.jsonl", "bpfkit test *.yaml --filter tail-call --json"],
  async run(given, output) {
    const engine = await engineForTests(given.text("engine"));
    const settings = { ...engine, messages: given.flag("messages"), cpus: given.whole("cpus", 1, 1024) ?? 1 };
    const filter = given.text("filter");
    const all = (await Promise.all(given.positionals.map(readCases))).flat();
    const cases = filter === undefined ? all : all.filter((one) => fits(one, filter));
    if (cases.length === 0) throw usage(`--filter ${shown(filter ?? "")} fits none of ${all.length} cases`);
    const summary = await runAll(cases, settings, output);
    if (output.json) output.object({ summary });
    else printSummary(summary, output);
    return summary.failed > 0 ? 1 : 0;
  },
};

function fits({ parsed }: FoundCase, filter: string): boolean {
  const title = "title" in parsed.case ? (parsed.case.title ?? "") : "";
  return `${idOf(parsed)}\n${title}`.toLowerCase().includes(filter.toLowerCase());
}

interface Summary {
  passed: number;
  failed: number;
  skipped: number;
  /** Of all cases, those included that are skipped for their runs. */
  readonly verdicts: { equal: number; different: number };
}

async function runAll(
  cases: readonly FoundCase[],
  settings: Omit<CaseOptions, "readObject">,
  output: Output,
): Promise<Summary> {
  const summary: Summary = { passed: 0, failed: 0, skipped: 0, verdicts: { equal: 0, different: 0 } };
  const reasons = new Map<string, number>();
  const progress = new Progress();
  for (const [index, { file, parsed }] of cases.entries()) {
    progress.show(`${index + 1} of ${cases.length}: ${idOf(parsed)}`);
    const readObject = async (path: string): Promise<Uint8Array> => readBytes(objectPath(file, path));
    const result = await runCase(parsed, { ...settings, readObject });
    const kind = result.skipped !== undefined ? "skipped" : result.ok ? "passed" : "failed";
    summary[kind]++;
    summary.verdicts.equal += result.verdicts.equal;
    summary.verdicts.different += result.verdicts.different;
    if (result.skipped !== undefined) {
      // Without the place, so that one reason is one line.
      const reason = result.skipped.replace(/^(program|map) [^:]*: /, "");
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    if (output.json) output.object(result);
    else if (kind === "failed") printFailure(result, progress, output);
  }
  progress.done();
  if (!output.json)
    for (const [reason, count] of reasons) output.line(`${output.style("note", `skipped ${count}:`)} ${reason}`);
  return summary;
}

/** An object beside the test file, or in the folder `objects` beside the test file's: recorded answers lie so. */
function objectPath(file: string, path: string): string {
  const beside = resolve(dirname(file), path);
  const inObjects = resolve(dirname(file), "../objects", path);
  return existsSync(beside) || !existsSync(inObjects) ? beside : inObjects;
}

function printFailure({ id, detail }: CaseResult, progress: Progress, output: Output): void {
  progress.done();
  output.line(`${output.style("bad", "failed")} ${id}`);
  for (const line of detail) output.line(`  ${line}`);
}

function printSummary({ passed, failed, skipped, verdicts }: Summary, output: Output): void {
  if (verdicts.equal + verdicts.different > 0)
    output.line(`verdicts: ${verdicts.equal} equal, ${verdicts.different} different`);
  const text = `${passed} passed, ${failed} failed, ${skipped} skipped`;
  output.line(output.style(failed > 0 ? "bad" : "good", text));
}
