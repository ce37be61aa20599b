import { readFile } from "node:fs/promises";
import { type CaseResult, idOf, parseCase, runCase } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { hasShared, sharedLines, sharedPath } from "../src/shared.js";

const readObject = (path: string): Promise<Uint8Array> => readFile(sharedPath(`objects/${path}`));

/** The cases of a recorded file, and their results as they are asked for. */
function casesOf(file: string): [id: string, run: () => Promise<CaseResult>][] {
  return sharedLines(file).map((line, index) => {
    const parsed = parseCase(line, `${file}:${index + 1}`);
    return [idOf(parsed), () => runCase(parsed, { readObject })];
  });
}

/** Skipped cases by the kind of reason, so that a reason that appears or grows shows in a diff. */
async function skips(cases: ReturnType<typeof casesOf>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [, run] of cases) {
    const { skipped } = await run();
    if (skipped === undefined) continue;
    const reason = skipped.replace(/^program .*?: /, "").replace(/\bmap\d+\b|`[^`]*`/g, "…");
    counts[reason] = (counts[reason] ?? 0) + 1;
  }
  return counts;
}

describe.each(["truth/scenarios.jsonl", "truth/verifier-cases.jsonl"])("%s, as Linux 6.18 answered", (file) => {
  const cases = casesOf(file);
  const title = `(skipped without ${file} beside the checkout)`;

  describe.skipIf(!hasShared(file))(title, () => {
    test.for(cases)("%s", async ([, run], { skip }) => {
      const { ok, skipped, detail } = await run();
      skip(skipped !== undefined, skipped);
      expect([ok, detail.filter((line) => !line.includes("skipped"))]).toEqual([true, []]);
    });

    test("what is skipped, by reason", async () => {
      const name = file.replace(/^.*\/|\..*$/g, "");
      await expect(`${JSON.stringify(await skips(cases), null, 2)}\n`).toMatchFileSnapshot(`skipped-${name}.json`);
    });
  });
});
