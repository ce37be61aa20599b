import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const SCRIPT = fileURLToPath(new URL("support/hostile-process.mjs", import.meta.url));
/** What the verifier promises of any program. */
const MOST_SECONDS = 60;
const MOST_MEGABYTES = 1000;

const TOO_LARGE = "BPF program is too large. Processed 1000001 insn";
const TOO_COMPLEX = "The sequence of 8193 jumps is too complex.";

/** How each class ends: accepted, or with which words. */
const ENDS: Readonly<Record<string, string | undefined>> = {
  "a straight line": undefined,
  "a straight line, all registers live and changing": undefined,
  "a million slots of branches": TOO_LARGE,
  "deep branching, no path like another": TOO_LARGE,
  "branches that wait": TOO_COMPLEX,
  "a loop that fills the stack": TOO_LARGE,
  "a loop below eight frames of full stacks": TOO_LARGE,
  "thousands of subprograms": "too many subprograms",
  "256 subprograms of branches": undefined,
  "trees of calls eight deep": TOO_LARGE,
  "wild jumps": "jump out of range from insn 0 to -32767",
  "wild jumps inside": TOO_COMPLEX,
};

const inProcess = async (...args: string[]): Promise<unknown> =>
  JSON.parse((await promisify(execFile)(process.execPath, [SCRIPT, ...args])).stdout);

test("the classes are these", async () => {
  expect(await inProcess()).toEqual(Object.keys(ENDS));
});

test.each(Object.entries(ENDS))(
  "%s: ends in time and memory, with facts, in a process with the usual heap",
  { timeout: 120_000 },
  async (name, message) => {
    const answer = await inProcess(name);
    const verdict = message === undefined ? "accept" : "reject";
    expect(answer).toMatchObject({ verdict, message: message ?? "" });
    const { seconds, megabytes } = answer as { seconds: number; megabytes: number };
    expect(seconds).toBeLessThan(MOST_SECONDS);
    expect(megabytes).toBeLessThan(MOST_MEGABYTES);
  },
);
