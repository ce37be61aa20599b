import { DEFAULT_PROFILE } from "@bpfkit/abi";
import { type Effects, isBpfkitError, type Program, programId, slotIndex } from "@bpfkit/core";
import { interpreter } from "@bpfkit/interpreter";
import { encode, ROWS } from "@bpfkit/isa";
import { createGuestMemory } from "@bpfkit/memory";
import { load, programFromCode } from "@bpfkit/vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assembled, MAPS } from "../src/assembled.js";

/** What linking and running a program on 16 bytes throws: an error's code and message; or nothing. */
function refusal(program: Program): [code: string, message: string] | undefined {
  const vm = load({ programs: [program], maps: MAPS });
  try {
    vm.program().run({ data: new Uint8Array(16) }, { budget: 10_000 });
    return undefined;
  } catch (error) {
    if (!isBpfkitError(error)) throw error;
    return [error.code, error.message];
  } finally {
    vm.dispose();
  }
}

const raw = (code: Uint8Array | number[], more: Partial<Program> = {}): Program => ({
  name: "main",
  type: "raw",
  code: Uint8Array.from(code),
  subprograms: [],
  references: [],
  ...more,
});
const EXIT = [0x95, 0, 0, 0, 0, 0, 0, 0];
const wide = (src: number, imm = 0): number[] => [
  0x18,
  src << 4,
  0,
  0,
  imm & 0xff,
  0,
  0,
  0,
  ...new Array<number>(8).fill(0),
];
const jump = (by: number): number[] => [0x05, 0, by & 0xff, (by >> 8) & 0xff, 0, 0, 0, 0];
const call = (by: number): number[] => [
  0x85,
  0x10,
  0,
  0,
  by & 0xff,
  (by >> 8) & 0xff,
  by < 0 ? 0xff : 0,
  by < 0 ? 0xff : 0,
];
const at = (slot: number) => slotIndex(slot);

describe("programs that cannot be linked say why and where", () => {
  test.each<[string, Program, string, string | RegExp]>([
    ["no whole slots", raw([...EXIT, 1, 2, 3]), "BAD_INSTRUCTION", /^program main, slot 1: .*8 bytes/],
    ["half a 64-bit load", raw(wide(0).slice(0, 8)), "BAD_INSTRUCTION", /^program main, slot 0: /],
    ["an opcode of none", raw([0xff, 0, 0, 0, 0, 0, 0, 0]), "BAD_INSTRUCTION", /^program main, slot 0: /],
    ["a register of none", raw([0xb7, 0x0b, 0, 0, 0, 0, 0, 0]), "BAD_INSTRUCTION", /r11/],
    ["a call by register", raw([0x8d, 0, 0, 0, 0, 0, 0, 0, ...EXIT]), "BAD_INSTRUCTION", /callx/],
    [
      "a jump past the end",
      raw([...jump(1), ...EXIT]),
      "BAD_TARGET",
      "program main, slot 0: the target, slot 2, is outside the program (0 to 1)",
    ],
    ["a jump before the start", raw([...jump(-2), ...EXIT]), "BAD_TARGET", "slot -1, is outside the program"],
    [
      "a jump into a 64-bit load",
      raw([...jump(1), ...wide(0), ...EXIT]),
      "BAD_TARGET",
      "program main, slot 0: the target, slot 2, is the middle of a 64-bit immediate",
    ],
    ["a call past the end", raw([...call(1), ...EXIT]), "BAD_TARGET", "slot 2, is outside"],
    ["a function past the end", raw([...wide(4, 9), ...EXIT]), "BAD_TARGET", "slot 10, is outside"],
    [
      "a map nobody named",
      raw([...wide(1), ...EXIT]),
      "BAD_REFERENCE",
      "program main, slot 0: the 64-bit load of a map has no reference that names one",
    ],
    [
      "a map that is not there",
      raw([...wide(1), ...EXIT], { references: [{ kind: "map", slot: at(0), map: "none" }] }),
      "BAD_MAP",
      "program main, slot 0: map none is not in the link set",
    ],
    [
      "a reference where no map is loaded",
      raw(EXIT, { references: [{ kind: "map", slot: at(0), map: "counters" }] }),
      "BAD_REFERENCE",
      "program main, slot 0: no instruction here takes a reference to map counters",
    ],
    [
      "a reference in the middle of a 64-bit load",
      raw([...wide(0), ...EXIT], { references: [{ kind: "map", slot: at(1), map: "counters" }] }),
      "BAD_REFERENCE",
      "slot 1: no instruction here takes",
    ],
    [
      "a reference behind the end",
      raw(EXIT, { references: [{ kind: "extern", slot: at(7), symbol: "jiffies", of: "variable", weak: true }] }),
      "BAD_REFERENCE",
      "slot 7: no instruction here takes a reference to extern jiffies",
    ],
    [
      "a map's reference where a value is loaded",
      raw([...wide(2), ...EXIT], { references: [{ kind: "map", slot: at(0), map: "counters" }] }),
      "BAD_REFERENCE",
      /slot 0: /,
    ],
    [
      "two references at one slot",
      raw([...wide(1), ...EXIT], {
        references: [
          { kind: "map", slot: at(0), map: "counters" },
          { kind: "map", slot: at(0), map: "programs" },
        ],
      }),
      "BAD_REFERENCE",
      "program main, slot 0: a second reference, to map programs, at one slot",
    ],
    ...[64, -1, 0.5, Number.NaN].map((offset): [string, Program, string, string] => [
      `a value's offset of ${offset}`,
      raw([...wide(2), ...EXIT], { references: [{ kind: "mapValue", slot: at(0), map: "counters", offset }] }),
      "BAD_MAP",
      `program main, slot 0: offset ${offset} is outside the value of map counters (64 bytes)`,
    ]),
    [
      "the value of a program array",
      raw([...wide(2), ...EXIT], { references: [{ kind: "mapValue", slot: at(0), map: "programs", offset: 0 }] }),
      "BAD_MAP",
      "map programs is no array of one entry",
    ],
  ])("%s", (_, program, code, words) => {
    const [got, message] = refusal(program) ?? [];
    expect([got, message]).toEqual([code, message]);
    expect(message).toMatch(words);
  });

  test.each<[string, Program]>([
    ["no code", raw([])],
    ["a subprogram's code that ends without exit", raw([...call(1), ...EXIT, 0xb7, 0, 0, 0, 0, 0, 0, 0])],
  ])("%s is a fault of the run", (_, program) => {
    const vm = load({ programs: [program], maps: [] });
    expect(vm.program().run().fault?.kind).toBe("bad-jump");
    vm.dispose();
  });

  test.each([
    ["none", []],
    ["out of order", [{ start: 2 }, { start: 0 }]],
    ["beyond the code", [{ start: 0 }, { start: 99 }]],
    ["two of one start", [{ start: 0 }, { start: 0 }]],
  ])("a table of subprograms with %s only costs names", (_, table) => {
    const subprograms = table.map(({ start }, index) => ({
      name: `f${index}`,
      start: at(start),
      linkage: "static" as const,
    }));
    const program = { ...assembled("main", "r0 = 5; call f; exit; f: r0 = *(u8 *)(r9 + 0); exit"), subprograms };
    const vm = load({ programs: [program], maps: [] });
    const { fault } = vm.program().run();
    expect(fault?.place).toMatchObject({ program: "main", slot: 3 });
    vm.dispose();
  });

  test("a quarter of a million functions, each with its address taken", () => {
    const slots = 500_000;
    const code = new Uint8Array(8 * (slots + 1));
    // Each takes its own address.
    const own = [0x18, 0x40, 0, 0, 0xff, 0xff, 0xff, 0xff];
    for (let slot = 0; slot < slots; slot += 2) code.set(own, 8 * slot);
    code.set(EXIT, 8 * slots);
    expect(refusal(raw(code))).toBeUndefined();
  });
});

const effects: Effects = { clock: () => 0n, random: () => 0, cpu: () => 0, trace: () => {} };
const budget = { budget: 2000 };
const runs = Number(process.env["FC_NUM_RUNS"] ?? 300);

describe("law: random code is refused with a typed error, faults, or ends", () => {
  const memory = createGuestMemory();
  const data = memory.reserve("the memory", 64, "read-write");
  const context = { r1: BigInt(data.start), r2: 64n, type: "raw" };

  function outcome(code: Uint8Array): string {
    const program = programFromCode(code, { name: "main", type: "raw" });
    const set = { programs: [program], maps: new Map(), helpers: new Map(), memory, effects, profile: DEFAULT_PROFILE };
    try {
      const linked = interpreter.link(set);
      const first = linked.run(programId(0), context, budget);
      memory.views.u8.fill(0, data.start, data.start + 64);
      const second = linked.run(programId(0), context, budget);
      memory.views.u8.fill(0, data.start, data.start + 64);
      const third = linked.run(programId(0), context, budget);
      // The same on the same memory: nothing is left of a run.
      expect(third).toEqual(second);
      linked.dispose();
      return first.fault?.kind ?? "end";
    } catch (error) {
      if (isBpfkitError(error)) return error.code;
      throw error;
    }
  }

  test("random bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 160 }), (code) => {
        expect(outcome(code)).toMatch(/^[A-Z_]+$|^[a-z-]+$/);
      }),
      { numRuns: runs },
    );
  });

  test("random instructions, all of which are some", () => {
    const seen = new Set<string>();
    const rows = ROWS.filter(({ name }) => !name.startsWith("lddwMap"));
    const instruction = fc
      .record({
        row: fc.constantFrom(...rows),
        dst: fc.nat(9),
        src: fc.nat(10),
        near: fc.integer({ min: -4, max: 6 }),
        imm: fc.oneof(fc.integer({ min: -8, max: 8 }), fc.integer()),
      })
      .map(({ row, dst, src, near, imm }) => {
        const has = (field: "dst" | "src" | "offset" | "imm", value: number): number =>
          row.fields.includes(field) ? (row.target === field ? near : value) : 0;
        const own = { dst: has("dst", dst), src: has("src", src), offset: has("offset", near), imm: has("imm", imm) };
        return { opcode: row.opcode, ...own, ...row.select, ...(row.slots === 2 ? { nextImm: 0 } : {}) };
      });
    fc.assert(
      fc.property(fc.array(instruction, { minLength: 1, maxLength: 12 }), (list) => {
        const last = { opcode: 0x95, dst: 0, src: 0, offset: 0, imm: 0 };
        seen.add(outcome(encode([...list, last])));
      }),
      { numRuns: runs },
    );
    for (const kind of ["end", "read", "write", "BAD_TARGET"]) expect(seen).toContain(kind);
  });
});
