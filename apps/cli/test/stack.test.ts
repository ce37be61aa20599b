import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { folderWith, inRoot, objects } from "./harness.js";
import { run } from "./in-process.js";

const folder = folderWith({
  "chain.bpf": `*(u64 *)(r10 - 240) = 1; r2 = map[jumps]; r3 = 0; call tail_call; call f; exit;
    f: *(u64 *)(r10 - 280) = 1; r0 = 1; exit`,
});
const file = `${folder}/chain.bpf`;

describe("bpfkit stack", () => {
  test("says a verdict for each profile, with the change that would pass", async () => {
    const { status, stdout } = await run("stack", file, "--profile", "5.9,6.18", "--arch", "x86-64,riscv64");
    const table = stdout
      .slice(stdout.indexOf("\nkernel ") + 1)
      .trimEnd()
      .split("\n");
    expect(status).toBe(1);
    expect(table.map((line) => line.split(/ {2,}/).slice(0, 4).join(" "))).toEqual([
      "kernel arch program verdict",
      "5.9 x86-64 main reject",
      "6.18 x86-64 main reject",
      "5.9 riscv64 main reject",
      "6.18 riscv64 main reject",
    ]);
    expect(table[2]).toContain("combined stack size of 2 calls is 528. Too large");
    expect(table[2]).toContain("`main` → `f` keep 528 bytes: 8 too many (`f` 280 → 272)");
  });

  test("takes frames from the verifier where it accepts, else from its own estimate", async () => {
    const mixed = inRoot("examples/mixed.o");
    const estimated = async (...args: string[]): Promise<unknown[]> => {
      const [report] = objects(await run("stack", mixed, "--program", "entry", "--json", ...args));
      return (report!["frames"] as { bytes: number; estimated: boolean }[]).map((frame) => [
        frame.bytes,
        frame.estimated,
      ]);
    };
    expect(await estimated()).toEqual([
      [8, false],
      [0, false],
    ]);
    expect(await estimated("--no-verify")).toEqual([
      [8, true],
      [0, true],
    ]);
  });

  test("prints an object a program, then one of the set", async () => {
    const [program, set] = objects(await run("stack", file, "--json", "--type", "xdp", "--slot", "jumps:0=main"));
    expect(program).toMatchObject({ program: "main", profile: "6.18", arch: "x86-64", verdict: "reject", limit: 512 });
    expect(set).toMatchObject({
      arrays: [{ map: "jumps", members: [{ index: 0, program: "main" }] }],
      cycles: [["main"]],
    });
  });

  test.each([
    ["svg", "<svg"],
    ["html", "<!doctype html>"],
    ["dot", "digraph"],
    ["mermaid", "flowchart"],
  ])("draws --%s to standard output or a file", async (picture, start) => {
    const { stdout } = await run("stack", file, `--${picture}`);
    expect(stdout.startsWith(start)).toBe(true);
    await run("stack", file, `--${picture}`, "-o", `${folder}/${picture}`);
    expect(readFileSync(`${folder}/${picture}`, "utf8")).toBe(stdout);
  });

  test.each([
    [["--svg", "--dot"], /one picture at a time/],
    [["--svg", "--json"], /no JSON/],
    [["--svg", "--profile", "5.9,6.18"], /--svg draws one profile/],
    [["--width", "700"], /needs a picture/],
    [["--svg", "--width", "100"], /from 600 to 1600/],
    [["--profile", "4.1"], /there are rules from 4.15/],
    [["--arch", "mips"], /there are rules for/],
    [["--slot", "nothing:0=main"], /no program array nothing/],
    [["--slot", "jumps:0=other"], /no program other; there are main/],
    [["--slot", "jumps"], /must be MAP:INDEX=PROGRAM/],
  ])("refuses %j in one line", async (args, message) => {
    const { status, stdout, stderr } = await run("stack", file, ...args);
    expect([status, stdout, stderr.trimEnd().split("\n").length]).toEqual([2, "", 1]);
    expect(stderr).toMatch(message);
  });
});

test("bpfkit profiles prints a row a profile", async () => {
  const { stdout } = await run("profiles");
  const json = objects(await run("profiles", "--json"));
  expect(stdout.trimEnd().split("\n")).toHaveLength(json.length + 1);
  expect(json).toContainEqual(expect.objectContaining({ version: "5.10", arch: "x86-64", mixed: true }));
  expect(objects(await run("profiles", "--json", "--arch", "riscv64")).every(({ mixed }) => mixed === false)).toBe(
    true,
  );
});
