import { readFileSync } from "node:fs";
import { ROWS } from "@bpfkit/isa";
import { expect, test } from "vitest";
import { KEYS, NO_INSTRUCTION, NOT_AVAILABLE, TAIL_CALL, WHOLE } from "../src/keys.js";

const source = readFileSync(new URL("../src/loop.ts", import.meta.url), "utf8");
const cases = [...source.matchAll(/^\s+case (0x[0-9a-f]+|\d+):/gm)].map(([, key]) => Number(key));

test("the dispatch loop has each case once", () => {
  expect(new Set(cases).size).toBe(cases.length);
});

test.each(ROWS.filter((row) => KEYS[row.index] !== NOT_AVAILABLE).map((row) => [row.name, row] as const))(
  "%s has a case",
  (_, row) => {
    expect(cases).toContain(KEYS[row.index]);
  },
);

test.each([...WHOLE])("%s has a case for shared memory", (key, whole) => {
  expect(KEYS).toContain(key);
  expect(cases).toContain(whole);
});

test("every case belongs to a row, or to tail_call", () => {
  const known = new Set([...KEYS, TAIL_CALL, ...WHOLE.values()]);
  expect(cases.filter((key) => !known.has(key))).toEqual([]);
  expect(KEYS).not.toContain(NO_INSTRUCTION);
});

test("forms that differ only in what the loop reads from their fields share a case; all others have their own", () => {
  const shared = new Map<number, string[]>();
  for (const row of ROWS) shared.set(KEYS[row.index]!, [...(shared.get(KEYS[row.index]!) ?? []), row.operation]);
  const mixed = [...shared].filter(([key, operations]) => key !== NOT_AVAILABLE && new Set(operations).size > 1);
  const atomicOpcodes = [0xc3, 0xcb, 0xd3, 0xdb];
  expect(mixed.map(([key]) => key).sort()).toEqual(atomicOpcodes);
});
