import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { parse } from "@bpfkit/asm";
import { idOf, load, parseCase, programFromCode, runCase } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { parseDataFile } from "../src/data-file.js";
import { hasShared, sharedLines, sharedPath } from "../src/shared.js";
import { engineAt, SHARING } from "../src/workers.js";

const SUITE = "conformance/tests";
const SCENARIOS = "truth/scenarios.jsonl";

const files = hasShared(SUITE) ? readdirSync(sharedPath(SUITE)).filter((name) => /^(?!callx).*\.data$/.test(name)) : [];
/** Those that run something: verdicts are no engine's business. */
const scenarios = sharedLines(SCENARIOS)
  .map((line, index) => parseCase(line, `${SCENARIOS}:${index + 1}`))
  .filter((parsed) => parsed.shape === "case" && parsed.case.runs.length > 0);

describe.each(SHARING)("memory that can be shared changes nothing for one thread: %s", (level) => {
  test.skipIf(!hasShared(SUITE))(`the public suite (skipped without ${SUITE} beside the checkout)`, () => {
    const wrong = files.flatMap((name) => {
      const { asm, mem, result } = parseDataFile(readFileSync(sharedPath(`${SUITE}/${name}`), "utf8"));
      const { code } = parse(asm, { syntax: "ubpf" });
      const program = programFromCode(code, { name, type: "raw" });
      const vm = load({ programs: [program], maps: [] }, { engine: engineAt(level), shared: true });
      const { r0, fault } = vm.program().run({ data: mem });
      vm.dispose();
      return fault === undefined && r0 === result ? [] : [`${name}: ${fault?.message ?? r0}`];
    });
    expect(wrong).toEqual([]);
  });

  // The levels that leave checks out differ from `checked` in nothing that has to do with it.
  const differs = level === "interpreter" || level === "checked";
  test.skipIf(!hasShared(SCENARIOS) || !differs)(
    `scenarios (skipped without ${SCENARIOS} beside the checkout)`,
    async () => {
      const wrong: string[] = [];
      for (const parsed of scenarios) {
        const readObject = (path: string): Promise<Uint8Array> => readFile(sharedPath(`objects/${path}`));
        const { ok, detail } = await runCase(parsed, { readObject, engine: engineAt(level), shared: true });
        if (!ok) wrong.push(`${idOf(parsed)}: ${detail.join("; ")}`);
      }
      expect(wrong).toEqual([]);
    },
  );
});
