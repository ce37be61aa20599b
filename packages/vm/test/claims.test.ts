import type { Program } from "@bpfkit/core";
import { Claims, parseCase, runCase, type Vm } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { failing, map, program, vmOf } from "./support.js";

const IN_RANGE = `r2 = *(u8 *)(r1 + 0); r2 &= 7; r3 = r10; r3 += -8; *(u64 *)(r10 - 8) = 0;
  r3 += r2; r0 = *(u8 *)(r3 + 0); if r2 > 7 goto dead; exit; dead: r0 = 1; exit`;

/** Runs a program on one byte, held against the verdict on another (or on itself). */
function watched(vm: Vm, text: string, byte: number, claimedOf = text): ReturnType<typeof brokenOf> {
  return brokenOf(vm, program("main", text), program("main", claimedOf), byte);
}

function brokenOf(vm: Vm, ran: Program, judged: Program, byte: number) {
  const verdict = vm.verify(judged, { memorySize: 8 });
  expect(verdict.verdict).toBe("accept");
  const claims = new Claims(ran, verdict);
  const result = vm.runnable(ran).watch(() => claims, { data: Uint8Array.of(byte, 0, 0, 0, 0, 0, 0, 0) });
  expect(result.compared).toBeGreaterThan(0);
  return result.broken;
}

describe("a run that is held against a verdict", () => {
  test.each([0, 7, 255])("keeps every claim of its own: byte %i", (byte) => {
    expect(watched(vmOf({}), IN_RANGE, byte)).toBeUndefined();
  });

  test.each([
    {
      what: "a number out of its range",
      ran: "r0 = *(u8 *)(r1 + 0); r0 = *(u8 *)(r1 + 0); exit",
      claimed: "r0 = *(u8 *)(r1 + 0); r0 = 5; exit",
      broken: { slot: 2 },
    },
    { what: "a known bit", ran: "r0 = 3; r0 &= 6; exit", claimed: "r0 = 3; r0 &= 4; exit", broken: { slot: 2 } },
    {
      what: "a pointer's distance from its origin",
      ran: "r2 = r10; r2 += -16; r0 = 0; *(u64 *)(r2 + 0) = 1; exit",
      claimed: "r2 = r10; r2 += -8; r0 = 0; *(u64 *)(r2 + 0) = 1; exit",
      broken: { slot: 2, found: expect.stringContaining("-16 from its origin") },
    },
    {
      what: "dead code that is reached",
      ran: "r0 = 1; if r0 == 1 goto out; r0 = 2; out: exit",
      claimed: "r0 = 1; if r0 == 2 goto out; r0 = 2; out: exit",
      broken: { slot: 3, claimed: "a jump that goes to slot 2 only", found: "slot 3" },
    },
  ])("breaks a claim by $what", ({ ran, claimed, broken }) => {
    // What is claimed is another program's, as a wrong verifier's would be.
    const vm = vmOf({});
    const found = watched(vm, ran, 9, claimed);
    expect(found).toMatchObject({ program: "main", ...broken });
  });

  test("breaks a claim by a fault", () => {
    const found = watched(vmOf({}), "r0 = *(u64 *)(r1 + 4); exit", 9, "r0 = *(u64 *)(r1 + 0); exit");
    expect(found).toMatchObject({
      slot: 0,
      claimed: "accepted, so no fault",
      found: expect.stringContaining("read of 8"),
    });
  });

  test("counts from any value of a map, null where that is claimed", () => {
    const vm = vmOf({ maps: [map("a"), map("h", "hash")] });
    for (const name of ["a", "h"]) {
      const text = `r6 = *(u8 *)(r1 + 0); *(u32 *)(r10 - 4) = r6; r2 = r10; r2 += -4; r1 = map[${name}]; call 1;
        if r0 == 0 goto out; r6 &= 3; r0 += r6; r0 = *(u8 *)(r0 + 1); out: r0 = 0; exit`;
      vm.seed(name, [{ key: "02000000", value: "0102030405060708" }]);
      expect([0, 2, 9].map((byte) => watched(vm, text, byte))).toEqual([undefined, undefined, undefined]);
    }
  });

  test("needs the verdict of every program it comes to, with facts", () => {
    const vm = vmOf({});
    const main = program("main", "r0 = 0; exit");
    expect(() => vm.runnable(main).watch(() => undefined)).toThrow(
      failing("NO_SUCH_PROGRAM", /there is no verdict on it/),
    );
    const bare = vm.verify(main, { facts: false });
    expect(() => new Claims(main, bare)).toThrow(failing("UNSUPPORTED", /it carries no facts/));
  });
});

test("a declarative test with claims compares them", async () => {
  const one = {
    id: "held",
    programs: [{ name: "main", type: "xdp", asm: "r0 = *(u32 *)(r1 + 12); r0 &= 1; exit" }],
    runs: [{ data: "00".repeat(64) }],
    claims: true,
  };
  const readObject = (): Promise<Uint8Array> => Promise.reject(new Error("none"));
  const result = await runCase(parseCase(one, "held"), { readObject });
  expect(result).toMatchObject({ ok: true, detail: [] });
});
