import { expect, test } from "vitest";
import { decode, encode, IsaError, validate } from "../src/index.js";

/** Random byte strings given to the decoder: raise it for a long session. */
const FUZZ_RUNS = Number(process.env["BPFKIT_FUZZ_RUNS"] ?? 20_000);

test(
  `${FUZZ_RUNS} random byte strings decode or give an IsaError`,
  () => {
    let state = 0x9e3779b9;
    const random = (): number => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state >>> 0;
    };
    let valid = 0;
    for (let run = 0; run < FUZZ_RUNS; run++) {
      const code = Uint8Array.from({ length: random() % 41 }, () => random());
      // Most random slots die on a reserved field: clear some, so that the checks behind it are met too.
      if (run % 2 === 0) for (let at = 0; at < code.length; at++) if (at % 8 !== 0 && random() % 4 !== 0) code[at] = 0;
      try {
        validate(code);
        expect(encode(decode(code))).toEqual(code);
        valid++;
      } catch (error) {
        if (!(error instanceof IsaError)) throw error;
        expect(error.place.slot).toBeLessThanOrEqual(code.length / 8);
        expect(error.message).not.toMatch(/\n|undefined|NaN/);
      }
    }
    expect(valid).toBeGreaterThan(0);
  },
  30_000 + FUZZ_RUNS,
);
