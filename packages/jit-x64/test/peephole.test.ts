import { build, type Instruction } from "@bpfkit/isa";
import { describe, expect, test } from "vitest";
import { type Listing, listProgram, type Safety } from "../src/index.js";
import { programOf } from "./helpers.js";

function list(instructions: Instruction[], safety: Safety = "unchecked"): Listing {
  const profile = { tailCallLimit: 33, tailCallCount: "shared", maxFrames: 8 } as const;
  const set = { maps: new Map(), helpers: new Map(), profile, effects: {} };
  return listProgram(programOf([...instructions, build.exit()]), set, safety);
}

const machineOf = (instructions: Instruction[], safety?: Safety): string[] =>
  list(instructions, safety).images[0]!.rows.flatMap(({ machine }) => machine.map(({ text }) => text));

const byte = (dst: 0 | 2 | 3 | 4 | 5, offset: number): Instruction => build.ldx.u8(dst, 1, offset);

describe("several instructions as one", () => {
  test.each<[string, Instruction[], string[]]>([
    ["move and add", [build.mov64.reg(0, 10), build.add64.imm(0, -8)], ["lea rax, [rbp-0x8]"]],
    ["move and add a register", [build.mov32.reg(0, 1), build.add32.reg(0, 2)], ["lea eax, [rdi+rsi]"]],
    ["zero extension", [build.lsh64.imm(0, 32), build.rsh64.imm(0, 32)], ["mov eax, eax"]],
    [
      "sign extension of another register",
      [build.mov64.reg(0, 1), build.lsh64.imm(0, 32), build.arsh64.imm(0, 32)],
      ["movsxd rax, edi"],
    ],
    [
      "a rotation, whose helper is dead",
      [build.mov32.reg(2, 0), build.rsh32.imm(2, 19), build.lsh32.imm(0, 13), build.or32.reg(0, 2)],
      ["rol eax, 0xd"],
    ],
    [
      "two bytes in order",
      [byte(0, 12), byte(2, 13), build.lsh64.imm(2, 8), build.or64.reg(0, 2)],
      ["movzx eax, word [r12+rdi+0xc]"],
    ],
    [
      "two bytes in reverse",
      [byte(0, 13), byte(2, 12), build.lsh64.imm(2, 8), build.or64.reg(0, 2)],
      ["movzx eax, word [r12+rdi+0xc]", "rol ax, 0x8", "movzx eax, ax"],
    ],
    [
      "four bytes, joined in pairs",
      [
        byte(0, 0),
        byte(2, 1),
        build.lsh32.imm(2, 8),
        build.or32.reg(2, 0),
        byte(3, 2),
        build.lsh32.imm(3, 16),
        byte(0, 3),
        build.lsh32.imm(0, 24),
        build.or32.reg(0, 3),
        build.or32.reg(0, 2),
      ],
      ["mov eax, dword [r12+rdi]"],
    ],
    ["and, then a test for zero", [build.and64.imm(0, 7), build.jeq.imm(0, 0, 0)], ["and eax, 0x7", "je 0x20f"]],
    ["multiplication by five", [build.mul32.imm(0, 5)], ["lea eax, [rax+rax*4]"]],
  ])("%s", (_, instructions, wanted) => {
    const found = machineOf(instructions).map((line) => line.replace(/^(je) .*/, "$1"));
    expect(found).toEqual([...wanted.map((line) => line.replace(/^(je) .*/, "$1")), "ret"]);
  });

  test("not where something else wants a part's value", () => {
    const rotation = [build.mov32.reg(2, 0), build.rsh32.imm(2, 19), build.lsh32.imm(0, 13), build.or32.reg(0, 2)];
    expect(machineOf([...rotation, build.add64.reg(0, 2)])).toHaveLength(rotation.length + 2);
    const bytes = [byte(0, 0), byte(2, 1), build.lsh64.imm(2, 8), build.or64.reg(0, 2)];
    expect(machineOf([...bytes, build.add64.reg(0, 2)])).toHaveLength(bytes.length + 2);
  });

  test("not across a place that is jumped to", () => {
    const parts = [build.jeq.imm(1, 0, 1), build.mov64.reg(0, 10), build.add64.imm(0, -8)];
    expect(machineOf(parts)).toContain("add rax, -0x8");
  });

  test("no loads where each access is checked", () => {
    const bytes = [byte(0, 0), byte(2, 1), build.lsh64.imm(2, 8), build.or64.reg(0, 2)];
    expect(machineOf(bytes, "checked").filter((line) => line.includes("movzx") && line.includes("r12"))).toHaveLength(
      2,
    );
  });
});

describe("a listing", () => {
  const listing = list([build.mov64.reg(0, 10), build.add64.imm(0, -8), build.mov64.imm(0, 0)]);

  test("has every slot once, in order, with the bytes of its image", () => {
    const [image] = listing.images;
    expect(image!.rows.map(({ slot }) => slot)).toEqual([0, 1, 2, 3]);
    const bytes = image!.rows.flatMap(({ machine }) => machine.flatMap((line) => [...line.bytes]));
    expect(bytes).toHaveLength(image!.size);
  });

  test("lists what was translated with the one before without code of its own", () => {
    expect(listing.images[0]!.rows.map(({ machine }) => machine.length)).toEqual([1, 0, 1, 1]);
  });
});
