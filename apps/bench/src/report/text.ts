import type { Machine, Results } from "../results.js";
import { tablesOf } from "./tables.js";

/** What a run was measured on and how, a line each. */
export function machineLines({
  date,
  processor,
  processors,
  memory,
  system,
  pinned,
  load,
  versions,
  method,
  ...rest
}: Machine): string[] {
  return [
    `${date.slice(0, 16).replace("T", " ")} UTC, ${Math.round(rest.seconds)} s`,
    `${processor}, ${processors} CPUs, ${Math.round(memory / 2 ** 30)} GiB, ${system}`,
    Object.entries(versions)
      .map(([name, version]) => (name === "clang" ? version : `${name} ${version}`))
      .join(", "),
    `load ${load.map((one) => one.toFixed(1)).join(" to ")}, ${typeof pinned === "number" ? `pinned to CPU ${pinned}` : `not pinned: ${pinned}`}`,
    `${method.rounds} rounds of ${method.round} ms or more of processor time for each contender, in turn${method.quick ? "; a quick run, whose figures are not to be judged by" : ""}`,
    ...rest.mitigations,
  ];
}

const METHOD = `Every contender of a workload runs once first, and all must come to the same result. Then each is warmed up until a round
takes the time above, and rounds are taken in turn. Time is the processor's for this process, system calls included; workers
and outside VMs are timed by the clock on the wall. The kernel is timed as one test run with a large repeat. Shown is the
least, with the distance of the third quartile in percent; the JSON output has minimum, quartiles and median. Workloads are C in
\`apps/bench/workloads\`, with the objects beside them; native code is the same C by clang -O2. Confined and unchecked code
has our verifier's verdict; checked code and the interpreter need none.`;

/** BENCHMARKS.md. `plots` is the picture's path, where there is one. */
export function markdownOf(results: Results, plots?: string): string {
  const tables = tablesOf(results).map(({ title, note, head, rows }) =>
    [
      `## ${title}`,
      ...(note === undefined ? [] : [note]),
      [head, head.map((_, column) => (column === 0 ? "---" : "---:")), ...rows]
        .map((row) => `| ${row.map(escaped).join(" | ")} |`)
        .join("\n"),
    ].join("\n\n"),
  );
  const skipped = skippedLines(results);
  return `${[
    "# Benchmarks",
    "Written by `bpfkit bench --markdown`; change nothing here by hand.",
    machineLines(results.machine)
      .map((line) => `- ${line}`)
      .join("\n"),
    METHOD,
    ...(plots === undefined ? [] : [`![Plots of the figures below](${plots})`]),
    ...tables,
    ...(skipped.length === 0 ? [] : ["## Not measured", skipped.map((line) => `- ${line}`).join("\n")]),
  ].join("\n\n")}\n`;
}

const escaped = (text: string): string => text.replaceAll("|", "\\|");

/** What was not measured, one line for each subject and reason. */
export function skippedLines({ skipped }: Results): string[] {
  const found = new Map<string, string[]>();
  for (const { group, workload, subject, reason } of skipped) {
    const line = `${group}, ${workload}: ${reason}`;
    found.set(line, [...(found.get(line) ?? []), subject]);
  }
  return [...found].map(([line, subjects]) => `${subjects.join(", ")}: ${line}`);
}
