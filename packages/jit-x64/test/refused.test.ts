import type { Reference } from "@bpfkit/core";
import { slotIndex } from "@bpfkit/core";
import { build, type Instruction } from "@bpfkit/isa";
import { describe, expect, test } from "vitest";
import { compileProgram, JitError } from "../src/index.js";
import { contextOf, programOf } from "./helpers.js";

const compile = (instructions: Instruction[], references: Reference[] = []): unknown =>
  compileProgram({ ...programOf(instructions), references }, contextOf("checked"));
const slot = slotIndex(0);

describe("what is refused when it is compiled", () => {
  const cases: [string, string, number, () => unknown][] = [
    ["a jump past the end", "BAD_TARGET", 0, () => compile([build.ja(5), build.exit()])],
    ["a jump before the start", "BAD_TARGET", 0, () => compile([build.ja(-2), build.exit()])],
    ["a jump into a 64-bit immediate", "BAD_TARGET", 0, () => compile([build.ja(1), build.lddw(0, 1n), build.exit()])],
    ["a call past the end", "BAD_TARGET", 0, () => compile([build.callLocal(9), build.exit()])],
    ["nothing at all", "BAD_INSTRUCTION", 0, () => compile([])],
    ["an unknown opcode", "BAD_INSTRUCTION", 1, () => unknownOpcode()],
    ["a map nobody names", "BAD_MAP", 0, () => compile([build.lddwMap(1, 0), build.exit()])],
    [
      "a map the set does not hold",
      "BAD_MAP",
      0,
      () => compile([build.lddwMap(1, 0), build.exit()], [{ kind: "map", slot, map: "none" }]),
    ],
  ];

  test.each(cases)("%s: %s", (_, code, at, run) => {
    expect(run).toThrow(JitError);
    expect(run).toThrow(
      expect.objectContaining({ code, place: expect.objectContaining({ program: "main", slot: at }) }),
    );
  });

  test("functions that overlap without end: TOO_LARGE, in bounded time", () => {
    const count = 4000;
    // Each instruction calls the next one, so that every slot begins a function that runs to the end.
    const calls = Array.from({ length: count }, () => build.callLocal(0));
    expect(() => compile([...calls, build.exit()])).toThrow(expect.objectContaining({ code: "TOO_LARGE" }));
  });
});

function unknownOpcode(): unknown {
  const program = programOf([build.mov64.imm(0, 0), build.exit()]);
  const code = Uint8Array.from(program.code);
  code[8] = 0xff;
  return compileProgram({ ...program, code }, contextOf("checked"));
}
