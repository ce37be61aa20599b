import { describe, expect, test } from "vitest";
import { figure } from "../src/report/format.js";
import { htmlOf, svgOf } from "../src/report/pictures.js";
import { ratiosOf, tablesOf } from "../src/report/tables.js";
import { markdownOf, skippedLines } from "../src/report/text.js";
import type { Group, Measure, Result, Results } from "../src/results.js";
import { parseResults, rowsOf } from "../src/rows.js";

function result(
  group: Group,
  measure: Measure,
  workload: string,
  subject: string,
  min: number,
  more: Partial<Result> = {},
): Result {
  const summary = { min, low: min, median: min * 1.02, high: min * 1.1, samples: 7 };
  return { kind: "result", group, workload, subject, measure, unit: "ns", ...summary, ...more };
}

const SUBJECTS = ["interpreter", "jit-x64 confined", "kernel", "native"];

const results: Results = {
  machine: {
    kind: "machine",
    date: "2026-01-02T03:04:05.678Z",
    processor: "A processor <fast>",
    processors: 2,
    memory: 8 * 2 ** 30,
    system: "Linux 6.18 x86_64",
    mitigations: ["spectre_v2: Mitigation: Retpolines"],
    load: [0.5, 1.25],
    pinned: 1,
    versions: { bpfkit: "0.1.0", node: "20.19.0", clang: "clang version 19" },
    method: { quick: false, rounds: 7, round: 15 },
    seconds: 61.4,
  },
  results: [
    ...SUBJECTS.map((subject, index) => result("compute", "run", "empty", subject, 1 + index, { instructions: 2 })),
    ...SUBJECTS.map((subject, index) =>
      result("compute", "run", "alu64", subject, 4001 - 1000 * index, { instructions: 40_000 }),
    ),
    result("compute", "code", "alu64", "kernel", 80, { unit: "bytes", slots: 20 }),
    result("maps", "run", "lookup hash", "kernel", 1500),
    ...[1, 64].flatMap((x) =>
      ["inlined", "called"].map((name) => result("sites", "code", name, "kernel", 100 * x, { x })),
    ),
    ...[100, 1000].map((x) => result("size", "verify", "program", "verifier", 1e4 * x, { x })),
    ...[1, 2].map((x) =>
      result("workers", "throughput", "fnv1a, a VM a worker", "kernel", 1e5 * x, { x, unit: "runs/s" }),
    ),
    result("raw", "run", "alu64", "other | vm", 9000),
  ],
  skipped: ["kernel", "interpreter"].map((subject) => ({
    kind: "skipped",
    group: "workers",
    workload: "shared",
    subject,
    reason: "not available",
  })),
};

test.each([
  [0, "0"],
  [0.2514, "0.251"],
  [1.666, "1.67"],
  [86.24, "86.2"],
  [12345.6, "12,346"],
])("the figure %d is %s", (value, text) => {
  expect(figure(value)).toBe(text);
});

describe("tables", () => {
  const tables = new Map(tablesOf(results).map((table) => [table.title, table]));

  test("times, with ratios less the empty program", () => {
    expect(tables.get("ns a run")!.head).toEqual(["", ...SUBJECTS, "÷ native", "÷ kernel"]);
    expect(tables.get("ns a run")!.rows[1]).toEqual([
      "alu64",
      "4,001 +10%",
      "3,001 +10%",
      "2,001 +10%",
      "1,001 +10%",
      (2999 / 997).toFixed(2),
      (2999 / 1998).toFixed(2),
    ]);
  });

  test("an operation of a map is a part of the run", () => {
    expect(tables.get("Maps, ns an operation")!.rows).toEqual([["lookup hash", "15 +10%"]]);
  });

  test("bytes for each instruction", () => {
    expect(tables.get("Bytes of machine code, and for each BPF instruction")!.rows).toEqual([
      ["alu64", "80 +10% (4.0)"],
    ]);
  });

  test("every row is as long as its head", () => {
    for (const { head, rows } of tables.values()) for (const row of rows) expect(row).toHaveLength(head.length);
  });

  test("a ratio without meaning is not there", () => {
    const noisy = results.results.map((one) => (one.subject === "native" ? { ...one, median: one.min * 3 } : one));
    const ratios = ratiosOf(noisy.filter(({ group, measure }) => group === "compute" && measure === "run"));
    expect([...ratios.keys()]).toEqual(["kernel"]);
  });
});

test("Markdown has the machine, the method, every table, and what was not measured", () => {
  const text = markdownOf(results, "plots.svg");
  expect(text).toContain("- A processor <fast>, 2 CPUs, 8 GiB, Linux 6.18 x86_64");
  expect(text).toContain("- load 0.5 to 1.3, pinned to CPU 1");
  expect(text).toContain("](plots.svg)");
  expect(text).toContain("other \\| vm");
  for (const { title } of tablesOf(results)) expect(text).toContain(`## ${title}`);
  expect(skippedLines(results)).toEqual(["kernel, interpreter: workers, shared: not available"]);
});

describe("pictures", () => {
  test("one SVG with a title for each chart, and bars and lines in it", async () => {
    const svg = await svgOf(results);
    expect(svg.match(/font-weight="600"/g)?.length).toBe(7);
    expect(svg).toMatch(/aria-label="bar"[\s\S]*<rect/);
    expect(svg).toMatch(/aria-label="line"[\s\S]*<path/);
    expect(svg).not.toContain("NaN");
    expect(svg).not.toContain("undefined");
  });

  test("a page whole in itself, with names escaped", async () => {
    const html = await htmlOf(results);
    expect(html).toContain("A processor &lt;fast>");
    expect(html).toContain("<svg ");
    expect(html).not.toMatch(/<(script|link|img)\b/);
  });

  test("of nothing at all there is an empty picture", async () => {
    expect(await svgOf({ ...results, results: [] })).toMatch(/^<svg /);
  });
});

describe("rows", () => {
  const text = rowsOf(results)
    .map((row) => JSON.stringify(row))
    .join("\n");

  test("are read back as they were", () => {
    expect(parseResults(text, "old.json")).toEqual(results);
  });

  test.each([
    ["no JSON", "{", "old.json:1: is no JSON"],
    ["something else", '{"kind":"machine"}\n{"a":1}', "old.json:2: is neither"],
    ["a result without figures", '{"kind":"result","group":"maps"}', "old.json:1: is neither"],
    ["null", "null", "old.json:1: is neither"],
    ["nothing", "\n", "old.json: has no line of kind machine"],
  ])("%s is refused", (_, bad, message) => {
    expect(() => parseResults(bad, "old.json")).toThrow(
      expect.objectContaining({ code: "BAD_RESULTS", message: expect.stringContaining(message) }),
    );
  });
});
