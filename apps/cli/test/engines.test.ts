import { join } from "node:path";
import { kernelAvailability } from "@bpfkit/kernel";
import { afterEach, describe, expect, test, vi } from "vitest";
import { folderWith, inRoot, objects } from "./harness.js";
import { run } from "./in-process.js";

const answer = kernelAvailability();
const missing = answer.available ? "" : ` (${answer.reason})`;
const MIXED = inRoot("examples/mixed.o");
const files = folderWith({
  "mark.bpf": "r0 = *(u32 *)(r1 + 8)\nexit\n",
  "wrong.bpf": "exit\n",
  "raw.bpf": "r0 = 7\nexit\n",
  "case.jsonl": JSON.stringify({
    id: "rejected",
    programs: [
      { name: "p", type: "xdp", asm: "exit", expect: { verdict: "reject", errno: "EACCES", message: "R0 !read_ok" } },
    ],
  }),
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe.skipIf(missing !== "")(`the running kernel as an engine${missing}`, () => {
  test("runs, verified", async () => {
    const ended = await run("run", MIXED, "--program", "entry", "--engine", "kernel", "--json");
    expect(objects(ended)).toMatchObject([{ engine: "kernel", verified: true, r0: "42", dataOut: "00".repeat(64) }]);
  });

  test("takes and gives back the context", async () => {
    const ended = await run(
      "run",
      join(files, "mark.bpf"),
      "--type",
      "sched_cls",
      "--engine",
      "kernel",
      "--ctx",
      "mark=9",
      "--json",
    );
    expect(objects(ended)).toMatchObject([{ r0: "9" }]);
  });

  test("refuses in the verifier's words", async () => {
    const ended = await run("run", join(files, "wrong.bpf"), "--type", "xdp", "--engine", "kernel");
    expect(ended.status).toBe(1);
    expect(ended.stderr).toContain("refused: program main: the kernel refused it with EACCES: R0 !read_ok");
  });

  test("judges declarative tests", async () => {
    const ended = await run("test", join(files, "case.jsonl"), "--engine", "kernel", "--messages", "--json");
    expect(objects(ended)).toMatchObject([
      { id: "rejected", ok: true },
      { summary: { passed: 1, failed: 0, skipped: 0 } },
    ]);
  });

  test("agrees with the interpreter: an object for each engine, then the agreement", async () => {
    const ended = await run("compare", MIXED, "--program", "entry", "--json");
    expect(ended.status).toBe(0);
    expect(objects(ended)).toMatchObject([
      { engine: "interpreter", r0: "42", tailCalls: 1 },
      { engine: "jit-x64", r0: "42", tailCalls: 1 },
      { engine: "kernel", r0: "42" },
      { agree: true },
    ]);
  });

  test("one engine's refusal is a difference", async () => {
    const ended = await run(
      "compare",
      join(files, "wrong.bpf"),
      "--type",
      "xdp",
      "--data-hex",
      "00".repeat(64),
      "--json",
    );
    expect(ended.status).toBe(1);
    expect(objects(ended).at(-1)).toMatchObject({ agree: false, differences: [{ what: "the program" }] });
  });

  test("a type the kernel does not have is no difference", async () => {
    const ended = await run("compare", join(files, "raw.bpf"), "--type", "raw");
    expect(ended).toMatchObject({ status: 0, stderr: expect.stringContaining("engine kernel cannot run it") });
    expect(ended.stdout).toContain("agree: interpreter, jit-x64");
  });

  test("is fuzzed against: the same seed, the same coverage", { timeout: 60_000 }, async () => {
    const args = ["fuzz", "--programs", "30", "--seed", "3", "--classes", "packet,maps", "--json"];
    const [one, other] = [await run(...args), await run(...args)];
    expect(one.status).toBe(0);
    expect(objects(one)).toEqual(objects(other));
    expect(objects(one)).toMatchObject([
      {
        seed: 3,
        engines: ["kernel", "interpreter", "jit-x64", "jit-x64:confined", "jit-x64:unchecked"],
        skipped: [],
        coverage: { cases: 30 },
      },
    ]);
  });
});

describe("where the kernel is not there", () => {
  const elsewhere = (): void => {
    vi.spyOn(process, "platform", "get").mockReturnValue("darwin");
  };
  const reason = (engine: string): string =>
    `engine ${engine} is not available here, because this is darwin and not Linux`;
  const REASON = reason("kernel");

  test.each([
    ["run", [MIXED, "--program", "entry"]],
    ["test", [join(files, "case.jsonl")]],
  ])("%s --engine kernel says so in one line", async (command, args) => {
    elsewhere();
    const ended = await run(command, ...args, "--engine", "kernel");
    expect(ended).toMatchObject({ status: 2, stdout: "", stderr: `bpfkit ${command}: ${REASON}\n` });
  });

  test("compare goes on with the engines there are", async () => {
    elsewhere();
    const ended = await run("compare", MIXED, "--program", "entry");
    expect(ended).toMatchObject({
      status: 0,
      stderr: `bpfkit compare: ${reason("jit-x64")}\nbpfkit compare: ${REASON}\n`,
    });
    expect(ended.stdout).toContain("r0 = 42");
  });

  test("fuzz --claims goes on without it", { timeout: 60_000 }, async () => {
    elsewhere();
    const args = ["fuzz", "--claims", "--programs", "20", "--seed", "3"];
    const ended = await run(...args, "--json");
    expect(ended).toMatchObject({ status: 0, stderr: expect.stringContaining("engine kernel is not available") });
    const [answer] = objects(ended) as [{ claims: Record<string, number> }];
    expect(answer).toMatchObject({ seed: 3, kernel: false, claims: { confirmed: 0 } });
    expect(answer.claims["programs"]).toBeGreaterThanOrEqual(20);
    expect(answer.claims["compared"]).toBeGreaterThan(answer.claims["instructions"]!);
    const { stdout } = await run(...args);
    expect(stdout).toMatch(/\d+ programs, \d+ accepted, none open/);
    expect(stdout).not.toContain("the kernel accepted");
  });

  test("fuzz says that one engine is not enough", async () => {
    elsewhere();
    const ended = await run("fuzz", "--programs", "5");
    expect(ended.status).toBe(2);
    expect(ended.stderr).toContain(REASON);
    expect(ended.stderr).toContain("fuzzing holds two engines against each other; here there is interpreter");
  });
});

test.each([
  { args: ["fuzz", "--classes", "loops"], what: "loops is no class of programs; there are alu" },
  { args: ["fuzz", "--engines", "kernel,jit"], what: 'there is no engine "jit"' },
  { args: ["fuzz", "--engines", "jit-x64:free"], what: 'checked or confined or unchecked, not "free"' },
  { args: ["fuzz", "--minutes", "1", "--seconds", "1"], what: "exclude each other" },
  { args: ["fuzz", "--claims", "--engines", "kernel"], what: "--engines says nothing" },
  { args: ["fuzz", "--seed", "x"], what: "--seed must be a whole number" },
  { args: ["compare"], what: "needs <file>" },
])("wrong use: $args", async ({ args, what }) => {
  const ended = await run(...args);
  expect(ended.status).toBe(2);
  expect(ended.stderr).toContain(what);
});
