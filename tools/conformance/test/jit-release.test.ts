import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { jitAvailable, skipReason } from "../src/jit.js";

/** `BPFKIT_COMPILE_CYCLES` says how often code is compiled, run and released, by all threads together. */
const CYCLES = Number(process.env["BPFKIT_COMPILE_CYCLES"] ?? 1000);
const SCRIPT = fileURLToPath(new URL("../src/compile-cycles.mjs", import.meta.url));
const built = existsSync(new URL("../../../packages/jit-x64/dist/index.js", import.meta.url));
const reason = skipReason() || (built ? "" : " (skipped: needs the build)");

/** What V8 keeps for itself grows with what it is given; so it is given little, and cleans up when it is asked to. */
const NODE = ["--expose-gc", "--max-semi-space-size=1", "--single-threaded-gc"];
/** V8's heaps breathe by some MiB; what leaked the least of a run's buffers in each cycle would be far above. */
const MOST_BYTES = 24 * 2 ** 20;
const MOST_MAPPINGS = 100;

interface Seen {
  readonly cycles: number;
  /** After each tenth of the cycles, everything collected. */
  readonly rounds: readonly { readonly resident: number; readonly mappings: number; readonly codeBytes: number }[];
  /** How often the mappings were looked at, and what was writable and executable beside V8's own code. */
  readonly looks: number;
  readonly seen: readonly string[];
}

async function cycles(threads: number): Promise<Seen> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE_|VITEST)/.test(name)));
  const args = [...NODE, SCRIPT, `${CYCLES}`, `${threads}`];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return JSON.parse(stdout) as Seen;
}

/** How much more there is in the last rounds than in the first that are warm. */
function growth(values: readonly number[]): number {
  return Math.min(...values.slice(-3)) - Math.min(...values.slice(2, 5));
}

describe.skipIf(!jitAvailable || !built)(`${CYCLES} times compiled, run and released${reason}`, () => {
  test.each([
    ["alone", 0],
    ["while two workers do, too", 2],
  ])(
    "%s: memory stays flat, and no page is ever writable and executable",
    { timeout: 60_000 + CYCLES * 60 },
    async (_, threads) => {
      const { rounds, looks, seen, cycles: done } = await cycles(threads);
      expect(done).toBeGreaterThanOrEqual(CYCLES);
      expect(looks).toBeGreaterThan(10);
      expect(seen).toEqual([]);
      expect(growth(rounds.map(({ codeBytes }) => codeBytes)), JSON.stringify(rounds)).toBeLessThanOrEqual(0);
      expect(growth(rounds.map(({ resident }) => resident)), JSON.stringify(rounds)).toBeLessThan(MOST_BYTES);
      expect(growth(rounds.map(({ mappings }) => mappings)), JSON.stringify(rounds)).toBeLessThan(MOST_MAPPINGS);
    },
  );
});
