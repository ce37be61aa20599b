import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { idOf, load, parseCase, runCase } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { readText, root } from "../src/packages.js";

const FOLDER = "tools/fixtures/";
const cases = readText(`${FOLDER}expect.jsonl`)
  .split("\n")
  .filter((line) => line.trim() !== "")
  .map((line, index) => parseCase(JSON.parse(line), `expect.jsonl:${index + 1}`));

describe("clang's objects return what their C says", () => {
  test.each(cases.map((parsed) => [idOf(parsed), parsed] as const))("%s", async (_, parsed) => {
    const result = await runCase(parsed, { readObject: (path) => readFile(new URL(`${FOLDER}${path}`, root)) });
    expect(result).toMatchObject({ ok: true, detail: [] });
    expect(result.skipped).toBeUndefined();
  });
});

describe("the tour's examples", () => {
  const open = (name: string) => load(readFileSync(fileURLToPath(new URL(`examples/${name}`, root))));

  test("foo inlined and foo called are equivalent", () => {
    const vm = open("inlined-and-called.o");
    for (const name of ["xdp_drop_inlined", "xdp_drop"])
      expect(vm.program(name).run({ data: new Uint8Array(64) }).action).toBe("XDP_DROP");
    expect(vm.program("xdp_drop").program.subprograms.map(({ name }) => name)).toEqual(["xdp_drop", "foo"]);
    vm.dispose();
  });

  test("the entry goes on after a tail call in its subprogram", () => {
    const vm = open("mixed.o");
    const entry = vm.program("entry");
    expect(entry.run({ data: new Uint8Array(64) })).toMatchObject({ r0: 42n, tailCalls: 1, missedTailCalls: 0 });
    vm.setSlot("programs", 0, undefined);
    expect(entry.run({ data: new Uint8Array(64) })).toMatchObject({ r0: 9n, tailCalls: 0, missedTailCalls: 1 });
    vm.dispose();
  });
});
