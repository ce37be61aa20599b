import { readFile } from "node:fs/promises";
import { type CaseResult, idOf, parseCase, runCase } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { hasShared, sharedLines, sharedPath } from "../src/shared.js";

const FILES = ["truth/scenarios.jsonl", "truth/verifier-cases.jsonl", "truth/objects.jsonl"];

/** What this verifier answers otherwise than the recorded kernel, and why that stays so. */
const OTHERWISE: Readonly<Record<string, string>> = {
  "sleepable/2":
    "refused by bpf(2) before its verifier: a kprobe names a function to attach to by BTF, which a Program cannot",
  "bpf_get_stack/2": "needs the running kernel's BTF for the type of an iterator's context",
  "linux/test_probe_write_user_kern.o:bpf_prog1": "the recorded kernel is locked down: bpf_probe_write_user is off",
  "linux/tracex7_kern.o:bpf_prog1": "the recorded kernel is built without CONFIG_BPF_KPROBE_OVERRIDE",
};

const readObject = (path: string): Promise<Uint8Array> => readFile(sharedPath(`objects/${path}`));

/** The cases of a recorded file; each is carried out once, when it is first asked for. */
function casesOf(file: string): [id: string, result: () => Promise<CaseResult>][] {
  return sharedLines(file).map((line, index) => {
    const parsed = parseCase(line, `${file}:${index + 1}`);
    let result: Promise<CaseResult> | undefined;
    return [
      idOf(parsed),
      () => {
        result ??= runCase(parsed, { readObject, messages: true });
        return result;
      },
    ];
  });
}

/** Skipped cases by the kind of reason, so that a reason that appears or grows shows in a diff. */
async function skips(cases: ReturnType<typeof casesOf>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [, result] of cases) {
    const { skipped } = await result();
    if (skipped === undefined) continue;
    const reason = skipped.replace(/^(program|map) .*?: /, "").replace(/\bmap\d+\b|`[^`]*`/g, "…");
    counts[reason] = (counts[reason] ?? 0) + 1;
  }
  return counts;
}

describe.each(FILES)("%s, as Linux 6.18 answered", (file) => {
  const cases = casesOf(file);

  describe.skipIf(!hasShared(file))(`(skipped without ${file} beside the checkout)`, () => {
    test.for(cases)("%s", async ([id, result], { skip }) => {
      const { ok, skipped, detail } = await result();
      skip(skipped !== undefined, skipped);
      if (id in OTHERWISE) expect(ok, `${id} now answers as the kernel does: take it off the list`).toBe(false);
      else expect([ok, detail.filter((line) => !line.includes("left out"))]).toEqual([true, []]);
    });

    test("what is skipped, by reason", async () => {
      const name = file.replace(/^.*\/|\..*$/g, "");
      await expect(`${JSON.stringify(await skips(cases), null, 2)}\n`).toMatchFileSnapshot(`skipped-${name}.json`);
    });
  });
});
