import { executableMemory } from "@bpfkit/native";
import { describe, expect, test } from "vitest";
import { inRoot, objects } from "./harness.js";
import { run } from "./in-process.js";

const MIXED = inRoot("examples/mixed.o");

interface Shown {
  readonly program: string;
  readonly images: readonly {
    subprogram: string;
    bytes: number;
    fixups: readonly { target: string; before: number }[];
  }[];
}

describe("bpfkit jit", () => {
  test("shows BPF, its line of C, machine code, and a call before and after the last pass", async () => {
    const { status, stdout } = await run("jit", MIXED, "--program", "entry");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^entry: 7 instructions, \d+ bytes/);
    expect(stdout).toMatch(/; .*mixed\.c:\d+ result = subprogram\(ctx\);/);
    expect(stdout).toMatch(/call subprogram +[0-9a-f]+ 48 81 ed/);
    expect(stdout).toMatch(/call subprogram {2}\[00000000 -> [0-9a-f]{8}\]/);
  });

  test.each(["checked", "confined", "unchecked"])("as JSON, %s: images with their fixups", async (safety) => {
    const ended = await run("jit", MIXED, "--safety", safety, "--json");
    expect(ended).toMatchObject({ status: 0, stderr: "" });
    const [, entry] = objects(ended) as unknown as Shown[];
    expect(entry!.program).toBe("entry");
    expect(entry!.images.map(({ subprogram }) => subprogram)).toEqual(["entry", "subprogram"]);
    expect(entry!.images[0]!.fixups.filter(({ target }) => target === "subprogram")).toHaveLength(1);
    for (const { fixups } of entry!.images) for (const { before } of fixups) expect(before).toBe(0);
  });
});

const available = executableMemory.availability().available;

describe.skipIf(!available)("bpfkit run --engine jit-x64 (skipped where machine code cannot run)", () => {
  const entry = (...options: string[]) =>
    run("run", MIXED, "--program", "entry", "--engine", "jit-x64", "--json", ...options);

  test("is confined where the verifier accepted", async () => {
    const result = { engine: "jit-x64", r0: "42", tailCalls: 1, missedTailCalls: 0 };
    expect(objects(await entry())).toMatchObject([{ ...result, safety: "confined", verified: true }]);
    expect(objects(await entry("--safety", "unchecked"))).toMatchObject([{ ...result, safety: "unchecked" }]);
  });

  test("is checked, and counts instructions, where nobody asked it", async () => {
    expect(objects(await entry("--no-verify"))).toMatchObject([
      { safety: "checked", verified: false, r0: "42", insns: 12 },
    ]);
  });

  test("less than checked is refused where nothing is verified", async () => {
    const ended = await entry("--safety", "confined", "--no-verify");
    expect(ended.status).toBe(2);
    expect(ended.stderr).toContain("--safety confined needs the verifier");
  });
});
