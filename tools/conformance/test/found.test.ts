import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { interpreter } from "@bpfkit/interpreter";
import { idOf, parseCase, runCase } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";

/**
 * What fuzzing found, each with the seed that made it. `linux`: where Linux itself differs from RFC 9669 and from what its
 * verifier believes, so only our engines are held to it. `verifier`: where our verifier gave another verdict than Linux, or
 * claimed what a run then broke, as Linux may do, too.
 */
const FOLDERS = ["linux", "verifier"];

describe.each(FOLDERS)("cases/%s", (folder) => {
  const path = fileURLToPath(new URL(`../cases/${folder}/`, import.meta.url));
  const cases = readdirSync(path).flatMap((file) =>
    readFileSync(path + file, "utf8")
      .trim()
      .split("\n")
      .map((line) => parseCase(JSON.parse(line), file)),
  );

  test.each(cases.map((parsed) => [idOf(parsed), parsed] as const))("%s", async (_, parsed) => {
    const readObject = (name: string): Promise<Uint8Array> => Promise.reject(new Error(`no object ${name}`));
    const { ok, skipped, detail } = await runCase(parsed, { engine: interpreter, readObject });
    expect({ ok, skipped, detail: detail.filter((line) => !line.includes("skipped")) }).toEqual({
      ok: true,
      skipped: undefined,
      detail: [],
    });
  });
});
