import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "../src/index.js";

const SHARED = new URL("../../../../shared/", import.meta.url);
const SCENARIOS = new URL("truth/scenarios.jsonl", SHARED);
const SUITE = new URL("conformance/tests/", SHARED);

const hex = (code: Uint8Array): string => Buffer.from(code).toString("hex");

/** The kernel's ids of the helpers the scenarios call. */
const HELPERS = new Map([
  ["map_lookup_elem", 1],
  ["get_prandom_u32", 7],
  ["tail_call", 12],
  ["skb_load_bytes", 26],
  ["ringbuf_reserve", 131],
  ["ringbuf_discard", 133],
  ["loop", 181],
]);

interface Scenario {
  readonly id: string;
  readonly programs: readonly { readonly name: string; readonly asm?: string; readonly insns?: string }[];
}

describe.skipIf(!existsSync(SCENARIOS))("kernel scenarios (skipped where shared/truth is not there)", () => {
  const scenarios: Scenario[] = existsSync(SCENARIOS)
    ? readFileSync(SCENARIOS, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Scenario)
    : [];

  test("every program's text assembles to the slots the kernel was given", () => {
    let compared = 0;
    for (const { id, programs } of scenarios) {
      for (const { name, asm, insns } of programs) {
        if (!asm || insns === undefined) continue;
        const { code } = parse(asm, { helperId: (helper) => HELPERS.get(helper) });
        expect(hex(code), `${id} ${name}`).toBe(insns);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(200);
  });
});

describe.skipIf(!existsSync(SUITE))(
  "the public conformance suite (skipped where shared/conformance is not there)",
  () => {
    const files = existsSync(SUITE) ? readdirSync(SUITE).filter((file) => file.endsWith(".data")) : [];
    const section = (text: string, name: string): string | undefined =>
      new RegExp(`^-- ${name}\\n([\\s\\S]*?)(?=^-- |$(?![\\s\\S]))`, "m").exec(text)?.[1];

    test.each(files)("%s", (file) => {
      const text = readFileSync(new URL(file, SUITE), "utf8");
      const { code } = parse(section(text, "asm") ?? "", { syntax: "ubpf" });
      expect(code.length).toBeGreaterThan(0);
      const raw = section(text, "raw");
      if (raw === undefined) return;
      const words = raw.replace(/#.*/g, "").trim().split(/\s+/);
      const wire = words.map((word) =>
        Buffer.from(BigInt(word).toString(16).padStart(16, "0"), "hex").reverse().toString("hex"),
      );
      expect(hex(code)).toBe(wire.join(""));
    });
  },
);
