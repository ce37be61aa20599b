import { basename, dirname, relative } from "node:path";
import {
  bench,
  htmlOf,
  type Moved,
  machineLines,
  markdownOf,
  movedBetween,
  parsePeer,
  parseResults,
  type Results,
  rowsOf,
  skippedLines,
  svgOf,
  tablesOf,
} from "@bpfkit/bench";
import { type Arguments, usage } from "../arguments.js";
import type { Command } from "../command.js";
import { readBytes, readText, writeBytes } from "../files.js";
import { type Output, Progress, toJson } from "../output.js";
import { printTable } from "../table.js";

const MOST_ROUNDS = 1000;

/** `bpfkit bench`: engines timed side by side. */
export const command: Command = {
  positionals: "",
  count: [0, 0],
  options: {
    quick: { kind: "flag", description: "under a minute, to see that all works; its figures say little" },
    rounds: { kind: "text", value: "N", description: "rounds of each contender (7, or 2 of a quick run)" },
    peer: {
      kind: "list",
      value: "NAME=COMMAND",
      description: "an outside VM: a bpf_conformance plugin, or a command with {program} and {memory}",
    },
    object: { kind: "list", value: "FILE", description: "also parse, load, verify and link this object" },
    compare: { kind: "text", value: "OLD.json", description: "mark what moved beyond noise since that --json output" },
    save: { kind: "text", value: "FILE", description: "write what --json prints, too" },
    html: { kind: "text", value: "FILE", description: "write a page with plots and tables" },
    svg: { kind: "text", value: "FILE", description: "write the plots as one picture" },
    markdown: { kind: "text", value: "FILE", description: "write everything as Markdown, with --svg's picture" },
    from: { kind: "text", value: "RUN.json", description: "show that --json output instead of measuring" },
    "no-pin": { kind: "flag", description: "do not pin to one CPU" },
  },
  examples: [
    "bpfkit bench --quick",
    "bpfkit bench --json > new.json && bpfkit bench --from new.json --compare old.json --html bench.html",
    "bpfkit bench --peer ubpf='ubpf_plugin --jit' --peer other='other-vm --mem {memory} {program}'",
  ],
  run,
};

async function run(given: Arguments, output: Output): Promise<number> {
  const old = readResults(given.text("compare"));
  const results = readResults(given.text("from")) ?? (await measure(given));
  const moved = old === undefined ? undefined : movedBetween(old, results);
  if (output.json) for (const row of [...rowsOf(results), ...(moved ?? [])]) output.object(row);
  else print(results, moved, output);
  await writeFiles(given, results);
  return 0;
}

async function measure(given: Arguments): Promise<Results> {
  const peers = given.list("peer").map(parsePeer);
  if (new Set(peers.map(({ name }) => name)).size < peers.length) throw usage("two peers have the same name");
  const objects = given.list("object").map((file) => ({ name: basename(file), bytes: readBytes(file) }));
  const rounds = given.whole("rounds", 1, MOST_ROUNDS);
  const progress = new Progress();
  try {
    return await bench({
      quick: given.flag("quick"),
      peers,
      objects,
      pin: !given.flag("no-pin"),
      ...(rounds === undefined ? {} : { rounds }),
      onProgress: (text) => progress.show(text),
    });
  } finally {
    progress.done();
  }
}

function readResults(file: string | undefined): Results | undefined {
  return file === undefined ? undefined : parseResults(readText(file), file);
}

function print(results: Results, moved: readonly Moved[] | undefined, output: Output): void {
  for (const line of machineLines(results.machine)) output.line(output.style("faint", line));
  for (const { title, note, head, rows } of tablesOf(results)) {
    output.line();
    output.line(output.style("strong", title));
    if (note !== undefined) output.line(output.style("faint", note));
    printTable(output, head, rows);
  }
  const skipped = skippedLines(results);
  if (skipped.length > 0) output.line(`\n${output.style("note", "not measured")}`);
  for (const line of skipped) output.line(`  ${line}`);
  if (moved !== undefined) printMoved(moved, output);
}

function printMoved(moved: readonly Moved[], output: Output): void {
  output.line();
  output.line(output.style("strong", moved.length === 0 ? "nothing moved beyond noise" : "what moved beyond noise"));
  for (const { now, ratio, better } of moved) {
    const where = [now.group, now.workload, now.x, now.subject, now.measure].filter((part) => part !== undefined);
    const times = `${ratio.toFixed(2)} times`;
    output.line(
      `  ${output.style(better ? "good" : "bad", `${better ? "better" : "worse"} ${times}`)}  ${where.join(", ")}`,
    );
  }
}

async function writeFiles(given: Arguments, results: Results): Promise<void> {
  const [html, svg, markdown] = ["html", "svg", "markdown"].map((name) => given.text(name));
  const write = (file: string, text: string): void => writeBytes(file, new TextEncoder().encode(text));
  const save = given.text("save");
  if (save !== undefined)
    write(
      save,
      rowsOf(results)
        .map((row) => `${toJson(row)}\n`)
        .join(""),
    );
  if (html !== undefined) write(html, await htmlOf(results));
  if (svg !== undefined) write(svg, await svgOf(results));
  if (markdown !== undefined)
    write(markdown, markdownOf(results, svg === undefined ? undefined : relative(dirname(markdown), svg)));
}
