import { DEFAULT_PROFILE } from "@bpfkit/abi";
import type { Program } from "@bpfkit/core";
import { describe, expect, test } from "vitest";
import { type Verdict, VerifierError, verify } from "../src/index.js";

type Slot = readonly [opcode: number, dst: number, src: number, off: number, imm: number];

function program(slots: readonly Slot[], type = "socket_filter"): Program {
  const code = new Uint8Array(slots.length * 8);
  const view = new DataView(code.buffer);
  slots.forEach(([opcode, dst, src, off, imm], index) => {
    code[index * 8] = opcode;
    code[index * 8 + 1] = dst | (src << 4);
    view.setInt16(index * 8 + 2, off, true);
    view.setInt32(index * 8 + 4, imm, true);
  });
  return { name: "p", type, code, subprograms: [], references: [] };
}

const check = (slots: readonly Slot[]): Verdict =>
  verify(program(slots), { maps: new Map(), profile: DEFAULT_PROFILE });

const SET_R0: Slot = [0xb7, 0, 0, 0, 0];
const EXIT: Slot = [0x95, 0, 0, 0, 0];

describe("programs made to hurt end in the limit's words", { timeout: 60_000 }, () => {
  test("one slot more", () => {
    const slots = new Array<Slot>(1_000_000).fill(SET_R0);
    expect(check([...slots, EXIT])).toMatchObject({ verdict: "reject", errno: "E2BIG", message: "" });
  });

  test.each([
    { name: "far out", slots: [[0x05, 0, 0, 32767, 0], EXIT], message: "jump out of range from insn 0 to 32768" },
    { name: "before the start", slots: [[0x05, 0, 0, -2, 0], EXIT], message: "jump out of range from insn 0 to -1" },
    {
      name: "by 32 bits",
      slots: [[0x06, 0, 0, 0, 0x7fffffff], EXIT],
      message: "jump out of range from insn 0 to -2147483648",
    },
    { name: "a call out", slots: [[0x85, 0, 1, 0, 0x7fffffff], EXIT], message: "call to invalid destination" },
  ] as { name: string; slots: Slot[]; message: string }[])("a wild jump $name", ({ slots, message }) => {
    expect(check(slots)).toMatchObject({ verdict: "reject", errno: "EINVAL", message });
  });

  test("random bytes give a verdict or a typed error", () => {
    let seed = 12345;
    const random = (): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return seed >>> 8;
    };
    for (let round = 0; round < 3000; round++) {
      const code = Uint8Array.from({ length: 8 * (1 + (random() % 12)) }, () => random() & 0xff);
      // Half of them end properly.
      if (round % 2 === 0) code.set([0x95, 0, 0, 0, 0, 0, 0, 0], code.length - 8);
      try {
        const verdict = verify({ ...program([EXIT]), code }, { maps: new Map(), profile: DEFAULT_PROFILE });
        expect(["accept", "reject"]).toContain(verdict.verdict);
      } catch (error) {
        if (!(error instanceof VerifierError)) throw error;
      }
    }
  });

  test("half a slot is a typed error", () => {
    const broken = { ...program([EXIT]), code: new Uint8Array(12) };
    expect(() => verify(broken, { maps: new Map(), profile: DEFAULT_PROFILE })).toThrow(
      expect.objectContaining({ code: "BAD_CODE" }),
    );
  });

  test("it stops when asked to", () => {
    const slots: Slot[] = [SET_R0, [0x07, 0, 0, 0, 1], [0x55, 0, 0, -2, 600_000], EXIT];
    let reports = 0;
    const cancel = { cancelled: false };
    const options = {
      maps: new Map(),
      profile: DEFAULT_PROFILE,
      cancel,
      onProgress: () => {
        reports++;
        cancel.cancelled = reports === 3;
      },
    };
    expect(() => verify(program(slots), options)).toThrow(expect.objectContaining({ code: "CANCELLED" }));
    expect(reports).toBe(3);
  });
});
