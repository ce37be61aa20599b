import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AsmError, parse } from "../src/index.js";

/** Hostile texts given to the parser: raise it for a long session. */
const FUZZ_RUNS = Number(process.env["BPFKIT_FUZZ_RUNS"] ?? 3000);

describe.each(["kernel", "ubpf"] as const)("%s syntax", (syntax) => {
  test(
    "any text gives code or an AsmError with a place",
    () => {
      const words = fc.constantFrom(
        ..."r1 w2 r10 r11 %r3 = += s>= - + * ( ) [ ] , : ; # // /* */ \n 0 5 -1 0x10 99999999999999999999 ll if goto call".split(
          " ",
        ),
        ..."exit lock *(u32 *)(r1 + 4) add jeq ldxdw [%r1+2] map[m] mapval[0] func l l: .raw 95 é 𝕏 \0".split(" "),
        "9500000000000000",
        "\n",
      );
      const text = fc.oneof(
        fc.string({ unit: "binary" }),
        fc.array(words).map((all) => all.join(" ")),
      );
      fc.assert(
        fc.property(text, (hostile) => {
          try {
            const { code, lines } = parse(hostile, { syntax });
            expect(lines.length).toBe(code.length / 8);
          } catch (error) {
            if (!(error instanceof AsmError)) throw error;
            expect(error.place.line).toBeGreaterThanOrEqual(1);
            expect(error.place.column).toBeGreaterThanOrEqual(1);
            expect(error.message).not.toMatch(/\n|undefined|NaN/);
          }
        }),
        { numRuns: FUZZ_RUNS },
      );
    },
    30_000 + FUZZ_RUNS,
  );
});
