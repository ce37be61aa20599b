import { encode, type Instruction, ROWS, rowOf } from "@bpfkit/isa";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { instruction, instructionOf } from "../../isa/test/arbitrary.js";
import { type ParseOptions, type PrintOptions, parse, print, toText } from "../src/index.js";

const SYNTAXES = ["kernel", "ubpf"] as const;
const HELPERS = ["map_lookup_elem", "tail_call", "l3", "pc", "kfunc", "local", "bpf_loop"];
const helperName = (id: number): string | undefined => HELPERS[id];
const helperId = (name: string): number | undefined => {
  const id = HELPERS.indexOf(name);
  return id < 0 ? undefined : id;
};

/** Brings jumps, calls and function addresses near, so that many of them hit an instruction. */
function near(one: Instruction): Instruction {
  const { target } = rowOf(one);
  return target === undefined ? one : { ...one, [target]: one[target] % 12 };
}

const program: fc.Arbitrary<Uint8Array> = fc.array(instruction, { maxLength: 30 }).map((all) => encode(all.map(near)));

function roundTrip(code: Uint8Array, printing: PrintOptions, parsing: ParseOptions): string {
  const text = toText(print(code, printing));
  expect(parse(text, parsing).code).toEqual(code);
  return text;
}

describe.each(SYNTAXES)("%s syntax", (syntax) => {
  test("parse undoes print for every row", () => {
    for (const row of ROWS) {
      fc.assert(
        fc.property(instructionOf(row), (one) => void roundTrip(encode([one]), { syntax }, { syntax })),
        { numRuns: 25 },
      );
    }
  });

  test("parse undoes print with labels, subprograms and helper names", () => {
    const subprograms = [
      { name: "main", start: 0 },
      { name: "sub.cold", start: 5 },
      { name: "l7", start: 6 },
      { name: "r3", start: 8 },
      { name: "tail_call", start: 9 },
    ];
    fc.assert(
      fc.property(program, fc.boolean(), (code, labels) => {
        roundTrip(code, { syntax, labels, subprograms, helperName }, { syntax, helperId });
      }),
      { numRuns: 500 },
    );
  });

  test("printing what was parsed from print gives the same text", () => {
    fc.assert(
      fc.property(program, fc.boolean(), (code, labels) => {
        const text = roundTrip(code, { syntax, labels }, { syntax });
        expect(toText(print(parse(text, { syntax }).code, { syntax, labels }))).toBe(text);
      }),
    );
  });

  test("any whole slots print and come back, valid or not", () => {
    const slots = fc.array(
      fc.oneof(
        fc.uint8Array({ minLength: 8, maxLength: 8 }),
        instruction.map((one) => encode([one])),
      ),
    );
    fc.assert(
      fc.property(slots, fc.boolean(), (parts, labels) => {
        roundTrip(Uint8Array.from(parts.flatMap((part) => [...part])), { syntax, labels }, { syntax });
      }),
      { numRuns: 300 },
    );
  });
});
