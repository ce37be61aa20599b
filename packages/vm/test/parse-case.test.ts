import { idOf, parseCase } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { failing } from "./support.js";

const CASE = { id: "one", programs: [{ name: "main", type: "raw", asm: "r0 = 1; exit" }] };
const SINGLE = { id: "two", type: "xdp", insns: "b700000001000000", expect: { verdict: "accept" } };
const OBJECT = { object: "x.o", section: "xdp", program: "main", type: "xdp", slots: 2, expect: { verdict: "accept" } };

describe("the three shapes", () => {
  test.each([
    ["case", CASE, "one"],
    ["case", { id: "of an object", object: "x.o", runs: [{ expect: { retval: 1 } }] }, "of an object"],
    ["single", SINGLE, "two"],
    ["object", OBJECT, "x.o:main"],
  ])("a %s", (shape, value, id) => {
    const parsed = parseCase(value, "cases.jsonl:1");
    expect([parsed.shape, idOf(parsed)]).toEqual([shape, id]);
  });

  test("a note may stand anywhere", () => {
    const note = "why";
    const value = {
      ...CASE,
      note,
      programs: [{ ...CASE.programs[0], note }],
      maps: [{ type: "array", keySize: 4, valueSize: 4, maxEntries: 1, note }],
      slots: [{ map: 0, index: 0, delete: true, note }],
      init: [{ map: 0, key: "00000000", value: "00000000", note }],
      runs: [{ expect: { r0: 1 }, note }],
      reads: [{ map: 0, count: 1, note }],
    };
    expect(parseCase(value, "x").shape).toBe("case");
  });
});

describe("what is wrong is named by its field", () => {
  const run = (expectation: unknown) => ({ ...CASE, runs: [{ expect: expectation }] });
  const read = (one: unknown) => ({ ...CASE, reads: [one] });
  test.each<[string, unknown, string | RegExp]>([
    ["no object", 5, "here: must be Object, not 5"],
    ["nothing", null, "here: must be Object, not null"],
    ["no id", {}, 'here: id: must be "id", not undefined'],
    ["an unknown field", { ...CASE, run: [] }, "here: run: there is no such field"],
    ["an unknown expectation", run({ retvall: 1 }), "here: runs.0.expect.retvall: there is no such field"],
    ["a program without a type", { id: "x", programs: [{ name: "main" }] }, /^here: programs\.0\.type: must be/],
    [
      "a program's type of a number",
      { id: "x", programs: [{ name: "main", type: 6 }] },
      "here: programs.0.type: must be string, not 6",
    ],
    ["a fraction", run({ retval: 1.5 }), /^here: runs\.0\.expect\.retval: /],
    ["a number as text", run({ retval: "2" }), /^here: runs\.0\.expect\.retval: must be a number, or "error N"/],
    ["r0 of words", run({ r0: "two" }), /^here: runs\.0\.expect\.r0: must be a decimal or 0x number/],
    [
      "bytes of three digits",
      run({ dataOut: "123" }),
      /^here: runs\.0\.expect\.dataOut: must be hex, two digits a byte/,
    ],
    ["a negative index", { ...CASE, slots: [{ map: -1, index: 0 }] }, /^here: slots\.0\.map: /],
    [
      "a verdict of none",
      { id: "x", programs: [{ name: "m", type: "raw", expect: { verdict: "yes" } }] },
      /^here: programs\.0\.expect\.verdict: must be/,
    ],
    ["a read of nothing", read({ map: 0 }), /^here: reads\.0: must have "key" with "expect"/],
    ["a read without its expectation", read({ map: 0, key: "00" }), /^here: reads\.0: must have "key" with "expect"/],
    ["an expectation without a key", read({ map: 0, expect: "00" }), /^here: reads\.0: must have "key" with "expect"/],
    ["a single case's slot of words", { ...SINGLE, mapRefs: { first: 0 } }, /^here: mapRefs\.first: must be a slot/],
    ["a single case without expectation", { ...SINGLE, expect: undefined }, /^here: /],
    ["an object case without slots", { ...OBJECT, slots: undefined }, /^here: slots: /],
  ])("%s", (_, value, message) => {
    expect(() => parseCase(value, "here")).toThrow(failing("BAD_CASE", message) as Error);
  });
});
