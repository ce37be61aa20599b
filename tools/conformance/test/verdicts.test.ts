import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { kernelAvailability, kernelEngine } from "@bpfkit/kernel";
import { type CaseOptions, idOf, parseCase, runCase } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { kernelVerdict } from "../../../apps/cli/src/cases/kernel-verdict.js";

/*
 * Programs of ours that Linux 6.18 was asked about, with its answers: verdict, words, processed instructions. The running
 * kernel is asked again where there is one.
 */

const FOLDER = fileURLToPath(new URL("../cases/verdicts/", import.meta.url));
const cases = readdirSync(FOLDER).flatMap((file) =>
  readFileSync(FOLDER + file, "utf8")
    .trim()
    .split("\n")
    .map((line) => parseCase(JSON.parse(line), file)),
);
const named = cases.map((parsed) => [idOf(parsed), parsed] as const);
const readObject = (name: string): Promise<Uint8Array> => Promise.reject(new Error(`no object ${name}`));

const answer = kernelAvailability();
const ASKED: Pick<CaseOptions, "engine" | "verify"> = {
  engine: kernelEngine({ functionInfo: "as-given" }),
  verify: kernelVerdict,
};

describe.each<[name: string, options: Pick<CaseOptions, "engine" | "verify">, skipped: string]>([
  ["our verifier", {}, ""],
  ["the running kernel", ASKED, answer.available ? "" : answer.reason],
])("verdicts of %s", (_, options, skipped) => {
  test.skipIf(skipped !== "").each(named)(`%s ${skipped}`.trim(), async (_, parsed) => {
    const result = await runCase(parsed, { ...options, messages: true, readObject });
    expect(result.detail).toEqual([]);
    expect(result.verdicts.equal).toBeGreaterThan(0);
  });
});
