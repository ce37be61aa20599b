import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { parse } from "@bpfkit/asm";
import { idOf, load, parseCase, programFromCode, runCase } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { parseDataFile } from "../src/data-file.js";
import { jitAt, jitAvailable, LEVELS, skipReason } from "../src/jit.js";
import { readText, root } from "../src/packages.js";
import { hasShared, sharedLines, sharedPath } from "../src/shared.js";

const SUITE = "conformance/tests";
const SCENARIOS = "truth/scenarios.jsonl";
const FIXTURES = "tools/fixtures/";

const files = hasShared(SUITE) ? readdirSync(sharedPath(SUITE)).filter((name) => /^(?!callx).*\.data$/.test(name)) : [];
/** Those that run something: verdicts are no engine's business. */
const scenarios = sharedLines(SCENARIOS)
  .map((line, index) => parseCase(line, `${SCENARIOS}:${index + 1}`))
  .filter((parsed) => parsed.shape === "case" && parsed.case.runs.length > 0);
const fixtures = readText(`${FIXTURES}expect.jsonl`)
  .split("\n")
  .filter((line) => line.trim() !== "")
  .map((line, index) => parseCase(JSON.parse(line), `expect.jsonl:${index + 1}`));

describe.skipIf(!jitAvailable).each(LEVELS)(`jit-x64, %s${skipReason()}`, (safety) => {
  describe.skipIf(!hasShared(SUITE))(`the public suite (skipped without ${SUITE} beside the checkout)`, () => {
    test.each(files)("%s", (name) => {
      const { asm, mem, result } = parseDataFile(readFileSync(sharedPath(`${SUITE}/${name}`), "utf8"));
      const { code } = parse(asm, { syntax: "ubpf" });
      const vm = load(
        { programs: [programFromCode(code, { name, type: "raw" })], maps: [] },
        { engine: jitAt(safety) },
      );
      const { r0, fault } = vm.program().run({ data: mem });
      vm.dispose();
      expect(fault?.message).toBeUndefined();
      expect(r0).toBe(result);
    });
  });

  describe.skipIf(!hasShared(SCENARIOS))(`scenarios (skipped without ${SCENARIOS} beside the checkout)`, () => {
    test.each(scenarios.map((parsed) => [idOf(parsed), parsed] as const))("%s", async (_, parsed) => {
      const readObject = (path: string): Promise<Uint8Array> => readFile(sharedPath(`objects/${path}`));
      const { ok, detail } = await runCase(parsed, { readObject, engine: jitAt(safety) });
      expect([ok, detail.filter((line) => !line.includes("skipped"))]).toEqual([true, []]);
    });
  });

  describe("clang's objects", () => {
    test.each(fixtures.map((parsed) => [idOf(parsed), parsed] as const))("%s", async (_, parsed) => {
      const readObject = (path: string): Promise<Uint8Array> => readFile(new URL(`${FIXTURES}${path}`, root));
      expect(await runCase(parsed, { readObject, engine: jitAt(safety) })).toMatchObject({ ok: true, detail: [] });
    });
  });
});
