import { slotIndex } from "@bpfkit/core";
import { describe, expect, test } from "vitest";
import { AsmError, parse, print, toText } from "../src/index.js";

const { code } = parse(`
  r6 = r1
  r2 = map[jumps]
  r3 = mapval[.data] + 4
  call helper 12
  call sub
  if r0 != 0 goto out
  call kfunc bpf_x
  out: exit
  sub: r0 = 1 ll
  exit
`);
const options = {
  references: [
    { kind: "map", slot: slotIndex(1), map: "jumps" },
    { kind: "mapValue", slot: slotIndex(3), map: ".data", offset: 4 },
    { kind: "extern", slot: slotIndex(8), symbol: "bpf_x", of: "function", weak: false },
  ],
  subprograms: [
    { name: "main", start: 0 },
    { name: "sub", start: 10 },
  ],
  helperName: (id: number): string | undefined => (id === 12 ? "tail_call" : undefined),
} as const;

test("names for maps, subprograms, helpers and externs; distances for the rest", () => {
  expect(toText(print(code, options))).toBe(`main:
  r6 = r1
  r2 = map[jumps]
  r3 = mapval[.data] + 4
  call tail_call
  call sub
  if r0 != 0 goto +1
  call kfunc bpf_x
  exit
sub:
  r0 = 0x1 ll
  exit
`);
});

test("labels for jump targets", () => {
  const lines = print(code, { ...options, labels: true });
  expect(lines.find((line) => line.slot === 9)?.label).toBe("l9");
  expect(lines.find((line) => line.slot === 7)?.text).toBe("if r0 != 0 goto l9");
});

test("nothing known: numbers only", () => {
  expect(print(code).map((line) => line.text)).toEqual([
    "r6 = r1",
    "r2 = map[0]",
    "r3 = mapval[0] + 4",
    "call 12",
    "call pc+3",
    "if r0 != 0 goto +1",
    "call kfunc 0",
    "exit",
    "r0 = 0x1 ll",
    "exit",
  ]);
});

test("a line has its slot and its bytes", () => {
  const lines = print(code);
  expect(lines.map((line) => line.slot)).toEqual([0, 1, 3, 5, 6, 7, 8, 9, 10, 12]);
  expect(lines.map((line) => line.bytes.length)).toEqual([8, 16, 16, 8, 8, 8, 8, 8, 16, 8]);
});

describe("names that could be read as something else are not used", () => {
  test("a helper that shares its name with a subprogram keeps its number", () => {
    const { code: both } = parse("call helper 12; exit");
    const text = print(both, { subprograms: [{ name: "tail_call", start: 0 }], helperName: options.helperName });
    expect(text[0]?.text).toBe("call 12");
  });

  test("a map whose name text cannot hold keeps its number", () => {
    const { code: one } = parse("r1 = map[7]");
    const references = [{ kind: "map", slot: slotIndex(0), map: "a]b" }] as const;
    expect(print(one, { references })[0]?.text).toBe("r1 = map[7]");
  });

  test("a target inside a 64-bit immediate or outside the code keeps its distance", () => {
    const { code: odd } = parse("goto +1; r1 = 0 ll; goto -9");
    expect(print(odd, { labels: true }).map((line) => line.text)).toEqual(["goto +1", "r1 = 0x0 ll", "goto -9"]);
  });
});

test("what is no instruction prints as bytes", () => {
  const { code: odd } = parse(".raw ff00000000000000; callx r2; .raw b70b000000000000");
  expect(print(odd).map((line) => line.text)).toEqual([".raw ff00000000000000", "callx r2", ".raw b70b000000000000"]);
  expect(print(odd, { syntax: "ubpf" })[1]?.text).toBe("call %r2");
});

test("half a slot is refused", () => {
  expect(() => print(new Uint8Array(12))).toThrow(AsmError);
  expect(() => print(new Uint8Array(12))).toThrow(
    "slot 1: the code ends after 4 bytes of this slot, a slot is 8 bytes",
  );
});

test("no code prints nothing", () => {
  expect(print(new Uint8Array(0))).toEqual([]);
  expect(toText([])).toBe("");
});
