import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BUILT, bpfkit, built, folderWith, objects } from "./harness.js";
import { run } from "./in-process.js";

const summary = (min: number) => ({ min, low: min, median: min, high: min, samples: 7 });
const machine = {
  kind: "machine",
  date: "2026-01-02T03:04:05.678Z",
  processor: "A processor",
  processors: 2,
  memory: 2 ** 33,
  system: "Linux",
  mitigations: [],
  load: [0, 0],
  pinned: 1,
  versions: { bpfkit: "0.1.0" },
  method: { quick: false, rounds: 7, round: 15 },
  seconds: 60,
};
const lines = (time: number): string =>
  [
    machine,
    {
      kind: "result",
      group: "compute",
      workload: "alu64",
      subject: "interpreter",
      measure: "run",
      unit: "ns",
      ...summary(time),
    },
    { kind: "skipped", group: "compute", workload: "all", subject: "native", reason: "there is no clang" },
  ]
    .map((row) => `${JSON.stringify(row)}\n`)
    .join("");
const folder = folderWith({ "old.json": lines(100), "new.json": lines(150), "bad.json": "{}\n" });
const file = (name: string): string => join(folder, name);

test("shows saved results in tables, with what was not measured", async () => {
  const { status, stdout } = await run("bench", "--from", file("new.json"));
  expect(status).toBe(0);
  expect(stdout).toMatch(/ns a run\n/);
  expect(stdout).toMatch(/alu64 +150 \+0%/);
  expect(stdout).toContain("native: compute, all: there is no clang");
});

test("--compare says what moved", async () => {
  const args = ["bench", "--from", file("new.json"), "--compare", file("old.json")];
  expect((await run(...args)).stdout).toMatch(/worse 1\.50 times {2}compute, alu64, interpreter, run/);
  expect(objects(await run(...args, "--json")).at(-1)).toMatchObject({ kind: "moved", ratio: 1.5, better: false });
  expect((await run("bench", "--from", file("old.json"), "--compare", file("old.json"))).stdout).toContain(
    "nothing moved beyond noise",
  );
});

test("--save, --html, --svg and --markdown write files", async () => {
  const names = { save: "saved.json", html: "page.html", svg: "plots.svg", markdown: "BENCHMARKS.md" };
  const options = Object.entries(names).flatMap(([name, path]) => [`--${name}`, file(path)]);
  expect(await run("bench", "--from", file("new.json"), ...options)).toMatchObject({ status: 0 });
  const read = (name: string): string => readFileSync(file(name), "utf8");
  expect(read("saved.json")).toBe(lines(150));
  expect(read("page.html")).toContain("<h1>bpfkit bench</h1>");
  expect(read("plots.svg")).toContain("<svg ");
  expect(read("BENCHMARKS.md")).toContain("](plots.svg)");
});

test.each([
  [["--from", file("bad.json")], /bad\.json:1: is neither machine, result nor skipped/],
  [["--peer", "x"], /"x" is no peer; one is name=command/],
  [["--peer", "a=b", "--peer", "a=c"], /two peers have the same name/],
  [["--rounds", "0"], /--rounds must be a whole number from 1/],
  [["--object", file("none.o")], /there is no such file/],
])("%j is refused in one line", async (args, message) => {
  const { status, stdout, stderr } = await run("bench", ...args);
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(message);
  expect(stderr.trim().split("\n")).toHaveLength(1);
});

describe.skipIf(!built)(BUILT, () => {
  test("ends at once with Ctrl-C", { timeout: 30_000 }, async () => {
    const start = performance.now();
    const ended = await bpfkit(["bench", "--quick", "--no-pin"], { signal: { name: "SIGINT", after: 2000 } });
    expect([ended.status, performance.now() - start < 6000]).toEqual(["SIGINT", true]);
  });
});
