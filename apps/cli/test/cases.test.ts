import { describe, expect, test } from "vitest";
import { folderWith, inRoot, objects } from "./harness.js";
import { run } from "./in-process.js";

const program = (asm: string) => ({ programs: [{ name: "main", type: "xdp", asm }] });
const PASSES = {
  id: "two",
  title: "returns two",
  ...program("r0 = 2; exit"),
  runs: [{ expect: { retval: 2, action: "XDP_PASS" } }],
};
const FAILS = { id: "three", ...program("r0 = 3; exit"), runs: [{ expect: { retval: 4 } }] };
const SKIPS = {
  id: "later",
  programs: [{ name: "main", type: "xdp", asm: "r1 = map[0]; r0 = 0; exit", expect: { verdict: "accept" } }],
  maps: [{ type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 4096 }],
  runs: [{ expect: { retval: 0 } }],
};
const COMPARES_NOTHING = { id: "nothing", ...program("r0 = 3; exit"), runs: [{}] };

const lines = (...cases: unknown[]): string => `${cases.map((one) => JSON.stringify(one)).join("\n")}\n`;
const YAML = `
- id: two
  programs: [{ name: main, type: xdp, asm: "r0 = 2; exit" }]
  runs:
    - expect: { retval: 2 }
`;
const folder = folderWith({
  "good.jsonl": lines(PASSES),
  "bad.jsonl": lines(PASSES, FAILS, SKIPS, COMPARES_NOTHING),
  "good.json": JSON.stringify([PASSES, PASSES], null, 2),
  "one.json": JSON.stringify(PASSES, null, 2),
  "good.yaml": YAML,
  "good.txt": YAML,
  "object.jsonl": lines({
    id: "mixed",
    object: inRoot("examples/mixed.o"),
    runs: [{ program: "entry", expect: { r0: "42" } }],
  }),
  "missing.jsonl": lines({ id: "gone", object: "gone.o", runs: [{ expect: { r0: "42" } }] }),
});
const file = (name: string): string => `${folder}/${name}`;

describe("every form of file", () => {
  test.each([
    ["good.jsonl", 1],
    ["good.json", 2],
    ["one.json", 1],
    ["good.yaml", 1],
    ["good.txt", 1],
    ["object.jsonl", 1],
  ])("%s", async (name, passed) => {
    expect(await run("test", file(name))).toEqual({
      status: 0,
      stdout: `${passed} passed, 0 failed, 0 skipped\n`,
      stderr: "",
    });
  });

  test("several files at once", async () => {
    expect((await run("test", file("good.jsonl"), file("good.yaml"))).stdout).toBe("2 passed, 0 failed, 0 skipped\n");
  });
});

test("a failure, a skip with its reason, a case that compares nothing; status 1", async () => {
  const { status, stdout } = await run("test", file("bad.jsonl"));
  expect(status).toBe(1);
  expect(stdout).toMatch(/^failed three\n {2}run 0 of main: .*3.*4/);
  expect(stdout).toContain("failed nothing\n  the case compares nothing\n");
  expect(stdout).toMatch(/1 passed, 2 failed, 1 skipped\n$/);
});

test("an object a case and the summary last as JSON", async () => {
  const all = objects(await run("test", file("bad.jsonl"), "--json"));
  expect(all.map(({ id, ok }) => [id, ok])).toEqual([
    ["two", true],
    ["three", false],
    ["later", true],
    ["nothing", false],
    [undefined, undefined],
  ]);
  expect(all[2]).toHaveProperty("skipped", expect.any(String));
  expect(all[4]).toEqual({ summary: { passed: 1, failed: 2, skipped: 1, verdicts: { equal: 1, different: 0 } } });
});

test("--filter looks at ids and titles, and says where it fits none", async () => {
  expect((await run("test", file("bad.jsonl"), "--filter", "TWO")).stdout).toBe("1 passed, 0 failed, 0 skipped\n");
  expect(await run("test", file("bad.jsonl"), "--filter", "nope")).toMatchObject({
    status: 2,
    stderr: 'bpfkit test: --filter "nope" fits none of 4 cases\n',
  });
});

test("an object that is not there fails its case by name", async () => {
  const { status, stdout } = await run("test", file("missing.jsonl"));
  expect([status, stdout]).toEqual([1, expect.stringContaining("gone.o: there is no such file")]);
});
