import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parseArguments } from "../src/arguments.js";
import type { Command } from "../src/command.js";
import { command as profiles } from "../src/commands/profiles.js";
import { command as stack } from "../src/commands/stack.js";
import { Output, toJson } from "../src/output.js";

const folder = mkdtempSync(join(tmpdir(), "bpfkit-stack-"));
afterAll(() => rmSync(folder, { recursive: true }));

const file = join(folder, "chain.bpf");
writeFileSync(
  file,
  "*(u64 *)(r10 - 240) = 1; r2 = map[jumps]; r3 = 0; call tail_call; call f; exit; f: *(u64 *)(r10 - 280) = 1; r0 = 1; exit",
);

/** Keeps lines instead of writing them. */
class Kept extends Output {
  readonly lines: string[] = [];
  override line(text = ""): void {
    this.lines.push(text);
  }
  override object(value: unknown): void {
    this.lines.push(toJson(value));
  }
}

async function run(command: Command, ...args: string[]): Promise<{ status: number; lines: string[] }> {
  const given = parseArguments(args, command.options, command.positionals, command.count);
  const output = new Kept(given.flag("json"));
  return { status: await command.run(given, output), lines: output.lines };
}

describe("bpfkit stack", () => {
  test("says a verdict for each profile, with the change that would pass", async () => {
    const { status, lines } = await run(stack, file, "--profile", "5.9,6.18", "--arch", "x86-64,riscv64");
    expect(status).toBe(1);
    const table = lines.slice(lines.findIndex((line) => line.startsWith("kernel")));
    expect(table.map((line) => line.split(/ {2,}/).slice(0, 4).join(" "))).toEqual([
      "kernel arch program verdict",
      "5.9 x86-64 main reject",
      "6.18 x86-64 main reject",
      "5.9 riscv64 main reject",
      "6.18 riscv64 main reject",
    ]);
    expect(table[2]).toContain(
      "combined stack size of 2 calls is 528. Too large; `main` → `f` keep 528 bytes: 8 too many",
    );
  });

  test("prints an object a program", async () => {
    const { lines } = await run(stack, file, "--json", "--type", "xdp", "--slot", "jumps:0=-");
    expect(JSON.parse(lines[0]!)).toMatchObject({ program: "main", profile: "6.18", verdict: "reject", limit: 512 });
  });

  test.each([
    ["svg", "<svg"],
    ["html", "<!doctype html>"],
    ["dot", "digraph"],
    ["mermaid", "flowchart"],
  ])("draws --%s to standard output or a file", async (picture, start) => {
    const { lines } = await run(stack, file, `--${picture}`);
    expect(lines.join("\n").startsWith(start)).toBe(true);
    const target = join(folder, picture);
    await run(stack, file, `--${picture}`, "-o", target);
    expect(readFileSync(target, "utf8")).toBe(`${lines.join("\n")}\n`);
  });

  test.each([
    [["--svg", "--dot"], /one picture at a time/],
    [["--svg", "--json"], /no JSON/],
    [["--width", "700"], /needs a picture/],
    [["--svg", "--width", "100"], /from 600 to 1600/],
    [["--profile", "4.1"], /there are rules from 4.15/],
    [["--arch", "mips"], /there are rules for/],
    [["--slot", "nothing:0=main"], /no program array nothing/],
    [["--slot", "jumps"], /must be MAP:INDEX=PROGRAM/],
  ])("refuses %j", async (args, message) => {
    await expect(run(stack, file, ...args)).rejects.toThrow(message);
  });
});

test("bpfkit profiles prints a row a profile", async () => {
  const text = await run(profiles);
  const json = await run(profiles, "--json");
  expect(text.lines.join("\n").split("\n").length).toBe(json.lines.length + 1);
  expect(json.lines.map((line) => JSON.parse(line))).toContainEqual(
    expect.objectContaining({ version: "5.10", mixed: true }),
  );
});
