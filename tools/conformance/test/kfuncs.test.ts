import { readFileSync } from "node:fs";
import { KernelSession, kernelAvailability, kernelEngine, kernelSessionOf } from "@bpfkit/kernel";
import { type AnyCase, type CaseOptions, idOf, parseCase, runCase } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { jitAt, jitAvailable, LEVELS, skipReason } from "../src/jit.js";

/*
 * Kernel functions (open-coded iterators, regions under RCU and without preemption), each case with the answer of Linux
 * 6.18: verdict, message, stack depth, processed instructions, and where it runs, what it returns. The verifier, every
 * engine and, where there is one, the kernel are held to it.
 */

const cases = ["iterators.jsonl", "regions.jsonl"]
  .flatMap((file) =>
    readFileSync(new URL(`../cases/${file}`, import.meta.url), "utf8")
      .trim()
      .split("\n")
      .map((line, index) => parseCase(JSON.parse(line), `${file}:${index + 1}`)),
  )
  .map((parsed) => [idOf(parsed), parsed] as const);

/** Accepted by the kernel, which takes a pointer to the frame's upper end for one to its first slot; refused here. */
const ONLY_HERE_REFUSED: ReadonlySet<string> = new Set(["step-at-the-frame-top", "destroy-at-the-frame-top"]);

/** Walked for a million instructions, each compared with 64 states. */
const TO_THE_LIMIT = "drained-for-ever";

const full = process.env["BPFKIT_FULL_TESTS"] !== undefined;
const long = cases.filter(([id]) => id === TO_THE_LIMIT);

const readObject = (name: string): Promise<Uint8Array> => Promise.reject(new Error(`no object ${name}`));

function expectedCount(parsed: AnyCase): number | undefined {
  return parsed.shape === "case" ? parsed.case.programs[0]?.expect?.insnsProcessed : undefined;
}

/** Carries a case out, and compares the number of processed instructions as well. */
async function judged(parsed: AnyCase, options: Omit<CaseOptions, "readObject">): Promise<void> {
  let counted: number | undefined;
  const verify: CaseOptions["verify"] = (program, vm) => {
    const answer = options.verify === undefined ? vm.verify(program) : options.verify(program, vm);
    if ("insnsProcessed" in answer) counted = answer.insnsProcessed as number;
    return answer;
  };
  const { ok, skipped, detail } = await runCase(parsed, { ...options, verify, messages: true, readObject });
  expect({ ok, skipped, detail, counted }).toEqual({
    ok: true,
    skipped: undefined,
    detail: [],
    counted: expectedCount(parsed),
  });
}

describe("kernel functions, as Linux 6.18 answered", () => {
  test.each(cases.filter(([id]) => id !== TO_THE_LIMIT))("%s", (_, parsed) => judged(parsed, {}));

  test.skipIf(!full).each(long)("%s (needs BPFKIT_FULL_TESTS=1)", { timeout: 120_000 }, (_, parsed) =>
    judged(parsed, {}),
  );
});

describe.skipIf(!jitAvailable).each(LEVELS)(`kernel functions in jit-x64, %s${skipReason()}`, (safety) => {
  const running = cases.filter(([, parsed]) => parsed.shape === "case" && parsed.case.runs.length > 0);
  test.each(running)("%s", (_, parsed) => judged(parsed, { engine: jitAt(safety) }));
});

const answer = kernelAvailability();
const missing = answer.available ? "" : ` (${answer.reason})`;

describe.skipIf(missing !== "")(`kernel functions in the running kernel${missing}`, () => {
  const verify: NonNullable<CaseOptions["verify"]> = (program, { maps }) => {
    const session = kernelSessionOf(maps) ?? new KernelSession("built");
    session.retain();
    try {
      return session.verdict(program);
    } finally {
      session.release();
    }
  };
  const engine = kernelEngine({ functionInfo: "built" });

  const asked = cases.filter(([id]) => !ONLY_HERE_REFUSED.has(id));
  test.each(asked.filter(([id]) => id !== TO_THE_LIMIT))("%s", (_, parsed) => judged(parsed, { engine, verify }));
  test.skipIf(!full).each(long)("%s (needs BPFKIT_FULL_TESTS=1)", { timeout: 120_000 }, (_, parsed) =>
    judged(parsed, { engine, verify }),
  );
});
