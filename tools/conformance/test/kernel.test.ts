import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parse } from "@bpfkit/asm";
import { KernelSession, kernelAvailability, kernelEngine, kernelSessionOf } from "@bpfkit/kernel";
import { type CaseOptions, idOf, load, parseCase, programFromCode, runCase } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { hasShared, sharedLines } from "../src/shared.js";

const answer = kernelAvailability();
const missing = answer.available ? "" : ` (${answer.reason})`;
const FIXTURES = new URL("../../fixtures/", import.meta.url);

/** The running kernel's own verdict. */
const verify: NonNullable<CaseOptions["verify"]> = (program, { maps }) => {
  const session = kernelSessionOf(maps) ?? new KernelSession();
  session.retain();
  try {
    return session.verdict(program);
  } finally {
    session.release();
  }
};

const readObject = (path: string): Promise<Uint8Array> => readFile(fileURLToPath(new URL(path, FIXTURES)));

/** Cases the kernel cannot be asked, by id: what they are skipped for. */
const SKIPPED: Readonly<Record<string, RegExp>> = { F21: /its map cannot be made/ };

async function judged(line: unknown, where: string): Promise<void> {
  const parsed = parseCase(line, where);
  const engine = kernelEngine({ functionInfo: "as-given" });
  const { ok, skipped, detail } = await runCase(parsed, { engine, verify, messages: true, readObject });
  const reason = SKIPPED[idOf(parsed)] ?? (where === "expect.jsonl" ? /no programs of type raw/ : undefined);
  if (skipped !== undefined && reason !== undefined) expect(skipped).toMatch(reason);
  else expect({ ok, skipped, detail }).toEqual({ ok: true, skipped: undefined, detail: [] });
}

describe.skipIf(missing !== "")(`declarative tests on the running kernel${missing}`, () => {
  const fixtures = readFileSync(new URL("expect.jsonl", FIXTURES), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { id: string });

  test.each(fixtures.map((line) => [line.id, line] as const))("clang's objects: %s", (_, line) =>
    judged(line, "expect.jsonl"),
  );

  const file = "truth/scenarios.jsonl";
  describe.skipIf(!hasShared(file))(`(skipped without ${file} beside the checkout)`, () => {
    const scenarios = sharedLines(file) as { id: string }[];
    test.each(scenarios.map((line) => [line.id, line] as const))("%s", (_, line) => judged(line, file));
  });
});

test.skipIf(missing !== "")(
  `repeated runs are a loop in the kernel, and state goes on from run to run${missing}`,
  () => {
    const { code, references } = parse(`
    r2 = mapval[counter]
    r0 = *(u64 *)(r2 + 0)
    r0 += 1
    *(u64 *)(r2 + 0) = r0
    exit`);
    const counter = { name: "counter", type: "array", keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 };
    const programs = [programFromCode(code, { name: "count", type: "xdp", references })];
    const maps = [counter];
    const vm = load({ programs, maps }, { engine: kernelEngine() });
    const runnable = vm.runnable(programs[0]!);
    expect(runnable.run({ data: new Uint8Array(64) }, { repeat: 5 }).r0).toBe(5n);
    expect(runnable.run({ data: new Uint8Array(64) }).r0).toBe(6n);
    vm.dispose();
  },
);
