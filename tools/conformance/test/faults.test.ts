import { readFileSync } from "node:fs";
import type { Fault, FaultKind } from "@bpfkit/core";
import { load, type Vm } from "@bpfkit/vm";
import { afterEach, describe, expect, test } from "vitest";
import { assembled, faultOf, vmOf } from "../src/assembled.js";
import { root } from "../src/packages.js";

let vm: Vm;
afterEach(() => vm.dispose());

/** The fault of `main`, run on 12 bytes. */
function run(text: string, others: Record<string, string> = {}, slots: Record<number, string> = {}): Fault {
  vm = vmOf({ main: text, ...others }, slots);
  return faultOf(vm.program("main").run({ data: new Uint8Array(12) }));
}

const hex = (fault: Fault): string => `0x${fault.address?.toString(16)}`;
const frames = ({ frames: all }: Fault): string[] =>
  all.map(({ program, subprogram, slot }) => `${program}/${subprogram}:${slot}`);

describe("memory", () => {
  const cases: [string, string, "read" | "write", number, string][] = [
    ["null", "r0 = 0; r0 = *(u32 *)(r0 + 4); exit", "read", 4, "a null pointer plus 4"],
    ["past the end", "r0 = *(u64 *)(r1 + 16); exit", "read", 8, "4 past the end of the memory (12 bytes)"],
    ["one past", "r0 = *(u8 *)(r1 + 12); exit", "read", 1, "0 past the end of the memory (12 bytes)"],
    [
      "across the end",
      "r0 = *(u64 *)(r1 + 8); exit",
      "read",
      8,
      "at offset 8 of the memory (12 bytes), 4 past its end",
    ],
    ["before the start", "*(u16 *)(r1 - 2) = 1; exit", "write", 2, "2 before the start of the memory (12 bytes)"],
    [
      "into a map's header",
      "r1 = map[counters]; *(u32 *)(r1 + 4) = 1; exit",
      "write",
      4,
      "at offset 4 of the header of map `counters` (96 bytes), which does not permit it",
    ],
    [
      "past a value",
      "r1 = mapval[counters] + 60; r2 = *(u64 *)(r1 + 8); exit",
      "read",
      8,
      "4 past the end of the value of map `counters` (64 bytes)",
    ],
    ["below the frame", "r0 = *(u64 *)(r10 - 520); exit", "read", 8, "8 before the start of the stack frame"],
    ["above the frame", "*(u8 *)(r10 + 0) = 1; exit", "write", 1, "0 past the end of the stack frame"],
    [
      "in a frame not called yet",
      "*(u64 *)(r10 - 1000) = 1; exit",
      "write",
      8,
      "at offset 88 of the stack frame at index 1 (512 bytes), which does not permit it",
    ],
    ["high bits", "r1 <<= 32; r0 = *(u8 *)(r1 + 1); exit", "read", 1, "no guest address: bits 32 to 63 are not zero"],
    [
      "a function",
      "r1 = func f; r0 = *(u8 *)(r1 + 0); exit; f: r0 = 0; exit",
      "read",
      1,
      "where functions have their numbers and nothing is mapped",
    ],
    ["an atomic", "r0 = 1; lock *(u64 *)(r1 + 8) += r0; exit", "write", 8, "4 past its end"],
    ["a load-acquire", "r0 = load_acquire((u32 *)(r1 + 12)); exit", "read", 4, "0 past the end of the memory"],
  ];
  test.each(cases)("%s", (_, text, kind, size, words) => {
    const fault = run(text);
    expect([fault.kind, fault.size]).toEqual([kind, size]);
    expect(fault.message).toMatch(/^program main, slot \d+: /);
    const bytes = `${size} byte${size === 1 ? "" : "s"}`;
    expect(fault.message).toContain(`: ${kind} of ${bytes} at ${hex(fault)}, `);
    expect(fault.message).toContain(words);
    expect(fault.frames).toHaveLength(1);
    expect(fault.place).toEqual({ program: "main", subprogram: "main", slot: fault.frames[0]!.slot });
  });

  test("between two frames there is a gap", () => {
    const call = (offset: number): string => `call f; exit; f: r0 = *(u8 *)(r10 + ${offset}); exit`;
    expect(run(call(0)).message).toContain("0 past the end of the stack frame at index 1");
    vm.dispose();
    expect(run(call(63)).message).toContain("1 before the start of the stack frame at index 0");
    vm.dispose();
    vm = vmOf({ main: `*(u8 *)(r10 - 512) = 7; ${call(64)}` });
    expect(vm.program().run().r0).toBe(7n);
  });

  test("a helper's access names the helper", () => {
    const fault = run("r1 = map[counters]; r2 = r10; call map_lookup_elem; exit");
    expect(fault.message).toBe(
      `program main, slot 3: map_lookup_elem: read of 4 bytes at ${hex(fault)}, 0 past the end of the stack frame at index 0 (512 bytes)`,
    );
    expect([fault.kind, fault.size, fault.place.slot]).toEqual(["read", 4, 3]);
  });
});

describe("frames, innermost first", () => {
  const BAD = "r0 = 0; r0 = *(u8 *)(r0 + 0); exit";

  test("in a subprogram", () => {
    expect(frames(run(`r6 = 1; call f; exit; f: call g; exit; g: ${BAD}`))).toEqual([
      "main/g:6",
      "main/f:3",
      "main/main:1",
    ]);
  });

  test("in a tail-called program, and in its subprogram", () => {
    const tail = "r2 = map[programs]; r3 = 0; call tail_call; r0 = 0; exit";
    const target = `r0 = 0; call deep; exit; deep: ${BAD}`;
    expect(frames(run(`r0 = 1; call s; exit; s: ${tail}`, { target }, { 0: "target" }))).toEqual([
      "target/deep:4",
      "target/target:1",
      "main/main:1",
    ]);
    vm.dispose();
    expect(frames(run(tail, { target: BAD }, { 0: "target" }))).toEqual(["target/target:1"]);
  });

  const loop = (callback: string): string =>
    `r1 = 3; r2 = func each; r3 = 0; r4 = 0; call loop; exit; each: ${callback}`;

  test("in a callback: it stands on the helper's call", () => {
    expect(frames(run(loop(`if r1 != 2 goto ok; ${BAD}; ok: r0 = 0; exit`)))).toEqual(["main/each:9", "main/main:5"]);
  });

  test("in a helper that goes wrong between two callbacks: at its call, in its caller's frame", () => {
    const deleting = `r6 = map[hashed]; r1 = r6; r2 = r10; r2 += -8; *(u64 *)(r10 - 8) = 0; r3 = r2; r4 = 0; call map_update_elem;
      r1 = r6; r2 = func each; r3 = 0; r4 = 0; call for_each_map_elem; exit; each: r0 = 0; exit`;
    const hashed = { name: "hashed", type: "hash", keySize: 8, valueSize: 8, maxEntries: 4, flags: 0 };
    vm = vmOf({ main: deleting }, {}, { maps: [hashed] });
    const { guest } = vm.map("hashed");
    const next = guest!.next.bind(guest);
    guest!.next = (cursor, ...rest) => {
      if (cursor !== 0) throw new Error("the walk broke");
      return next(cursor, ...rest);
    };
    const fault = faultOf(vm.program().run());
    expect(fault.message).toBe("program main, slot 14: for_each_map_elem: the walk broke");
    expect(frames(fault)).toEqual(["main/main:14"]);
  });

  test("addresses of frames go down", () => {
    const { frames: all } = run(`call f; exit; f: ${BAD}`);
    expect(all[1]!.stack - all[0]!.stack).toBeGreaterThanOrEqual(512 + 64);
  });
});

describe("every kind, with its words", () => {
  const cases: [FaultKind, string, string | RegExp][] = [
    [
      "call-depth",
      "call f; exit; f: call f; exit",
      "program main, subprogram f, slot 2: a call would make 9 frames in one program; at most 8 are allowed",
    ],
    ["bad-jump", "r0 = 0", "program main, slot 1: no instruction begins here; a function must end with exit or a jump"],
    ["helper", "r1 = 5; r2 = r10; call map_lookup_elem; exit", "program main, slot 2: map_lookup_elem: 0x5 is no map"],
    [
      "helper",
      "r1 = map[counters]; r3 = 1; r3 <<= 32; r1 += r3; r2 = r10; call map_lookup_elem; exit",
      /: map_lookup_elem: 0x1000[0-9a-f]{5} is no map$/,
    ],
    [
      "helper",
      "r1 = 1; r2 = 7; r3 = 0; r4 = 0; call loop; exit",
      "program main, slot 4: 0x7 is no function of the program",
    ],
    ["not-available", "call 211; exit", /^program main, slot 0: helper \w+#211 is not available here$/],
    ["tail-call", "r2 = 5; r3 = 0; call tail_call; exit", "program main, slot 2: r2 is 0x5, which is no program array"],
    ["tail-call", "r2 = map[counters]; r3 = 0; call tail_call; exit", "which is no program array"],
    [
      "tail-call",
      "r2 = map[programs]; r4 = 1; r4 <<= 32; r2 |= r4; r3 = 0; call tail_call; exit",
      "which is no program array",
    ],
  ];
  test.each(cases)("%s: %s", (kind, text, words) => {
    const fault = run(text);
    expect(fault.kind).toBe(kind);
    expect(fault.message).toMatch(words);
  });

  test("budget and cancelled", () => {
    vm = vmOf({ main: "l: goto l" });
    const budget = faultOf(vm.program().run({}, { budget: 10 }));
    expect([budget.kind, budget.message]).toEqual([
      "budget",
      "program main, slot 0: the budget of 10 instructions is used up",
    ]);
    const cancelled = faultOf(vm.program().run({}, { cancel: { cancelled: true } }));
    expect([cancelled.kind, cancelled.message]).toEqual(["cancelled", "program main, slot 0: the run was cancelled"]);
  });

  test("stack-overflow, where a profile lets programs keep more frames than there are", () => {
    const profile = { version: "own", arch: "own", tailCallLimit: 1000, tailCallCount: "shared" as const };
    const rest = { calls: true, mixed: true, maxFrames: 8, maxStack: 512, stackRounding: 16, privateStacks: false };
    const main = "call s; exit; s: r2 = map[programs]; r3 = 0; call tail_call; r0 = 0; exit";
    vm = vmOf({ main }, { 0: "main" }, { profile: { ...profile, ...rest } });
    const fault = faultOf(vm.program().run());
    expect([fault.kind, fault.frames.length]).toEqual(["stack-overflow", 272]);
    expect(fault.message).toBe("program main, slot 0: no room for another frame; a stack has 272");
  });
});

test("the line of C stands in the message and in the place", () => {
  vm = load(readFileSync(new URL("examples/mixed.o", root)));
  const stepper = vm.program("entry").step({ data: new Uint8Array(64) });
  stepper.runUntil(({ subprogram }) => subprogram === "subprogram");
  stepper.dispose();
  const { message, place } = stepper.result!.fault!;
  expect(message).toMatch(/^program entry, subprogram subprogram, slot \d+ \(.*mixed\.c:\d+\): the run was given up$/);
  expect(place.source?.text).toBe("bpf_tail_call(ctx, &programs, 0);");
  expect(place.section).toBe("xdp");
});

test("names out of an object cannot forge lines of a message", () => {
  const program = assembled("ma\nin", "r1 = map[bad]; r0 = *(u64 *)(r1 + 200); exit");
  const named = { ...program, references: [{ ...program.references[0]!, map: "a\u001b[2Jb\n" }] as never };
  const maps = [{ name: "a\u001b[2Jb\n", type: "array", keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 }];
  vm = load({ programs: [named], maps });
  const { message } = faultOf(vm.program().run());
  expect(message).toMatch(/^program ma\\u000ain, slot 2: read of 8 bytes at 0x[0-9a-f]+, .*`a\\u001b\[2Jb\\u000a`/);
});
