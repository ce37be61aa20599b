import { BenchError } from "./error.js";
import type { Machine, Result, Results, Skipped } from "./results.js";

/** Everything as rows, one for each line of JSON: the machine, the results, what was skipped. */
export function rowsOf({ machine, results, skipped }: Results): readonly (Machine | Result | Skipped)[] {
  return [machine, ...results, ...skipped];
}

const NUMBERS = ["min", "low", "median", "high", "samples"] as const;

/** Reads lines that `rowsOf` gave. @throws {BenchError} `BAD_RESULTS` with the line. */
export function parseResults(text: string, file: string): Results {
  let machine: Machine | undefined;
  const results: Result[] = [];
  const skipped: Skipped[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const row = parseRow(line, { file, line: index + 1 });
    if (row.kind === "machine") machine = row;
    else if (row.kind === "result") results.push(row);
    else if (row.kind === "skipped") skipped.push(row);
  }
  if (machine !== undefined) return { machine, results, skipped };
  throw new BenchError("BAD_RESULTS", "has no line of kind machine; bpfkit bench --json writes such files", { file });
}

function parseRow(line: string, place: { file: string; line: number }): Machine | Result | Skipped | { kind: "moved" } {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (cause) {
    throw new BenchError("BAD_RESULTS", "is no JSON; bpfkit bench --json writes an object a line", place, { cause });
  }
  const fields = (typeof row === "object" && row !== null ? row : {}) as Record<string, unknown>;
  const { kind } = fields;
  if (kind === "machine" || kind === "skipped" || kind === "moved") return fields as unknown as Machine | Skipped;
  const whole = kind === "result" && NUMBERS.every((name) => Number.isFinite(fields[name]));
  if (whole && ["group", "workload", "subject", "measure", "unit"].every((name) => typeof fields[name] === "string")) {
    return fields as unknown as Result;
  }
  throw new BenchError(
    "BAD_RESULTS",
    "is neither machine, result nor skipped; bpfkit bench --json writes such lines",
    place,
  );
}
