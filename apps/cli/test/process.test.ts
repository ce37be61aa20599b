import { describe, expect, test } from "vitest";
import { BUILT, bpfkit, built, folderWith, inRoot, objects } from "./harness.js";

const MIXED = inRoot("examples/mixed.o");
const ENTRY = ["run", MIXED, "--program", "entry"];
const folder = folderWith({ "loop.bpf": "again:\nr1 += 1\ngoto again\n" });

describe.skipIf(!built)(BUILT, () => {
  test.concurrent("says its version", async () => {
    expect(await bpfkit(["--version"])).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: "",
    });
  });

  test.concurrent.each([[["--help"]], [["help"]], [["-h"]]])("%j lists the commands", async (args) => {
    const { status, stdout } = await bpfkit(args);
    expect(status).toBe(0);
    for (const name of ["run", "inspect", "disasm", "asm", "test", "conformance"])
      expect(stdout).toContain(`bpfkit ${name} `);
  });

  test.concurrent.each(["run", "inspect", "disasm", "asm", "test", "conformance"])("help for %s", async (name) => {
    const { status, stdout } = await bpfkit([name, "--help"]);
    expect([status, stdout]).toEqual([0, expect.stringContaining(`bpfkit ${name} `)]);
    expect(stdout).toContain("--json");
  });

  test.concurrent("runs, with status 0, 1 and 2", async () => {
    const [fine, faulted, wrong] = await Promise.all([
      bpfkit([...ENTRY, "--json"]),
      bpfkit([...ENTRY, "--json", "--budget", "3"]),
      bpfkit([...ENTRY, "--json", "--budget", "x"]),
    ]);
    expect([fine.status, faulted.status, wrong.status]).toEqual([0, 1, 2]);
    expect(objects(fine)).toMatchObject([{ r0: "42" }]);
    expect(objects(faulted)).toMatchObject([{ fault: { kind: "budget" } }]);
    expect(wrong).toMatchObject({ stdout: "", stderr: expect.stringMatching(/^bpfkit run: [^\n]+\n$/) });
  });

  test.concurrent("writes no colours where it is no terminal", async () => {
    expect((await bpfkit(["inspect", MIXED])).stdout).not.toContain("\u001b");
  });

  test.concurrent("reads standard input", async () => {
    const text = await bpfkit(["asm", "-"], { input: "r0 = 7\nexit" });
    expect(text).toMatchObject({ status: 0, stdout: "b7000000070000009500000000000000\n" });
    expect((await bpfkit(["run", "-", "--json"], { input: text.stdout })).stdout).toContain('"r0":"7"');
    expect(await bpfkit(["run", "-"])).toMatchObject({ status: 2, stderr: "bpfkit run: standard input: is empty\n" });
  });

  test.concurrent.each([
    ["an endless run", ["run", `${folder}/loop.bpf`]],
    ["an endless trace", ["run", `${folder}/loop.bpf`, "--trace"]],
  ])("Ctrl-C ends %s", async (_, args) => {
    const { status } = await bpfkit(args, { signal: { name: "SIGINT", after: 2000 } });
    // A shell shows a process that SIGINT ended as status 130.
    expect(status).toBe("SIGINT");
  });

  test.runIf(process.platform !== "win32").concurrent("a closed pipe ends it quietly", async () => {
    const { spawnSync } = await import("node:child_process");
    const command = `"${process.execPath}" "${inRoot("apps/cli/bin/bpfkit.js")}" run "${folder}/loop.bpf" --trace | head -1`;
    const { stdout, stderr } = spawnSync("sh", ["-c", command], { encoding: "utf8", timeout: 20_000 });
    expect([stdout.split("\n").length, stderr]).toEqual([2, ""]);
  });

  test.concurrent("the plugin is an executable of its own", async () => {
    const bin = inRoot("apps/cli/bin/bpfkit-conformance.js");
    const program = "71 10 01 00 00 00 00 00 95 00 00 00 00 00 00 00";
    expect(await bpfkit(["aa bb"], { bin, input: program })).toEqual({ status: 0, stdout: "bb\n", stderr: "" });
    expect(await bpfkit(["", "--program", program], { bin })).toMatchObject({
      status: 1,
      stdout: "",
      stderr: expect.stringContaining("null pointer"),
    });
  });
});
