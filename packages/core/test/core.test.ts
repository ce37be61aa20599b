import {
  BpfkitError,
  byteOffset,
  formatPlace,
  guestAddress,
  isBpfkitError,
  mapId,
  type Program,
  programId,
  slotIndex,
  sourceLineAt,
  subprogramAt,
} from "@bpfkit/core";
import { describe, expect, test } from "vitest";

describe("branded numbers", () => {
  const constructors = { guestAddress, slotIndex, byteOffset, mapId, programId };
  const largest: Record<keyof typeof constructors, number> = {
    guestAddress: 2 ** 32 - 1,
    slotIndex: Number.MAX_SAFE_INTEGER,
    byteOffset: Number.MAX_SAFE_INTEGER,
    mapId: 2 ** 31 - 1,
    programId: 2 ** 28 - 1,
  };
  test.each(Object.keys(constructors) as (keyof typeof constructors)[])("%s", (name) => {
    const make = constructors[name];
    for (const good of [0, 1, largest[name]]) expect(make(good)).toBe(good);
    for (const bad of [-1, 0.5, Number.NaN, largest[name] + 1, Number.POSITIVE_INFINITY]) {
      expect(() => make(bad)).toThrow(expect.objectContaining({ code: "OUT_OF_RANGE" }));
    }
  });
});

test.each([
  [{}, ""],
  [
    { file: "a.o", section: "xdp", program: "p", subprogram: "f", slot: 3 },
    "a.o, section xdp, program p, subprogram f, slot 3",
  ],
  [{ program: "p", subprogram: "p", slot: 0 }, "program p, slot 0"],
  [{ file: "a.bpf", line: 3, column: 7 }, "a.bpf:3:7"],
  [{ line: 3 }, "line 3"],
  [{ section: ".BTF", offset: 24 }, "section .BTF, offset 24"],
  [{ slot: 4, source: { file: "main.c", line: 12, column: 1, text: "" } }, "slot 4 (main.c:12)"],
])("%j is worded %j", (place, text) => {
  expect(formatPlace(place)).toBe(text);
});

test("a message stays one line, whatever names are in it", () => {
  const error = new BpfkitError("X", "symbol a\nb\u001b[31m\u2028c", { file: "x\r.o" });
  expect(error.message).toBe("x\\u000d.o: symbol a\\u000ab\\u001b[31m\\u2028c");
});

test("an error carries code, place, name and cause, and is known by its shape", () => {
  class TestError extends BpfkitError<"A" | "B"> {}
  const cause = new Error("inner");
  const error = new TestError("A", "what", { slot: 2 }, { cause });
  expect(error).toMatchObject({ code: "A", place: { slot: 2 }, name: "TestError", message: "slot 2: what", cause });
  expect(isBpfkitError(error)).toBe(true);
  expect(isBpfkitError(new Error("other"))).toBe(false);
  expect(isBpfkitError(Object.assign(new Error("ENOENT"), { code: "ENOENT" }))).toBe(false);
});

/** A `.BTF` section with nothing but strings. */
function btfWithStrings(strings: string): Uint8Array {
  const bytes = new TextEncoder().encode(strings);
  const section = new Uint8Array(24 + bytes.length);
  const view = new DataView(section.buffer);
  view.setUint16(0, 0xeb9f, true);
  view.setUint32(4, 24, true);
  view.setUint32(20, bytes.length, true);
  section.set(bytes, 24);
  return section;
}

describe("places within a program", () => {
  const types = btfWithStrings("\0a.c\0  int x = 1;\0");
  const lines = Uint32Array.of(2, 1, 5, (7 << 10) | 3, 5, 1, 0, 9 << 10);
  const program: Program = {
    name: "p",
    type: "raw",
    code: new Uint8Array(80),
    subprograms: [
      { name: "p", start: slotIndex(0), linkage: "global" },
      { name: "f", start: slotIndex(4), linkage: "static" },
    ],
    references: [],
    btf: { types, functions: [], lines },
  };
  test.each([
    [0, undefined],
    [1, undefined],
    [2, { file: "a.c", line: 7, column: 3, text: "int x = 1;" }],
    [4, { file: "a.c", line: 7, column: 3, text: "int x = 1;" }],
    [5, { file: "a.c", line: 9, column: 0, text: "" }],
    [9, { file: "a.c", line: 9, column: 0, text: "" }],
  ])("the line of slot %i", (slot, line) => {
    expect(sourceLineAt(program, slot)).toEqual(line);
  });
  test.each([
    [0, "p"],
    [3, "p"],
    [4, "f"],
    [99, "f"],
  ])("the subprogram of slot %i", (slot, name) => {
    expect(subprogramAt(program, slot)?.name).toBe(name);
  });
  test("no lines without BTF", () => {
    const { btf: _, ...bare } = program;
    expect(sourceLineAt(bare, 2)).toBeUndefined();
  });
});
