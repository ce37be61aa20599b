import { profileFor } from "@bpfkit/abi";
import type { Profile, TraceEvent } from "@bpfkit/core";
import type { Vm, VmOptions } from "@bpfkit/vm";
import { afterEach, describe, expect, test } from "vitest";
import { count, counter, tail, vmOf } from "../src/assembled.js";

let vm: Vm;
afterEach(() => vm.dispose());

const make = (...args: Parameters<typeof vmOf>): Vm => {
  vm = vmOf(...args);
  return vm;
};
const withLimit = (version: string, tailCallLimit: number): { profile: Profile } => ({
  profile: { ...profileFor(version), tailCallLimit },
});

/** An entry that counts, calls a subprogram twice, which tail-calls the entry. */
const TWICE = `r6 = r1; ${count(0)} r1 = r6; call s; r7 = r0; r1 = r6; call s; r0 += r7; exit;
  s: r2 = map[programs]; r3 = 0; call tail_call; ${count(8)} r0 = 1; exit`;
/** Calls a subprogram 40 times, which tail-calls a leaf. */
const FORTY = `r6 = r1; r7 = 40; l: r1 = r6; call s; r7 -= 1; if r7 != 0 goto l; r0 = 3; exit;
  s: r2 = map[programs]; r3 = 0; call tail_call; ${count(8)} r0 = 0; exit`;
/** Counts at an offset, then calls a subprogram that tail-calls a slot. */
const climb = (offset: number, slot: number): string =>
  `r6 = r1; ${count(offset)} r1 = r6; call s; r0 = 1; exit; s: r2 = map[programs]; r3 = ${slot}; call tail_call; r0 = 0; exit`;
const HIERARCHIES = `r6 = r1; call a; r1 = r6; call b; r0 = 0; exit;
  a: r2 = map[programs]; r3 = 0; call tail_call; r0 = 0; exit; b: r2 = map[programs]; r3 = 1; call tail_call; r0 = 0; exit`;

describe("tail calls counted by value and shared", () => {
  test.each([
    ["shared, twice", TWICE, withLimit("6.12", 33), 34, 35],
    ["by value with a limit of 5, twice", TWICE, withLimit("6.11", 5), 63, 64],
    ["shared, forty leaves", FORTY, withLimit("6.12", 33), 33, 7],
    ["by value, forty leaves", FORTY, withLimit("6.11", 33), 40, 0],
  ])("%s", (_, main, options, first, second) => {
    const vm = make({ main, leaf: `${count(0)} r0 = 1; exit` }, { 0: main === TWICE ? "main" : "leaf" }, options);
    const { fault, tailCalls, missedTailCalls } = vm.program("main").run();
    expect(fault).toBeUndefined();
    expect([counter(vm, 0), counter(vm, 8)]).toEqual([first, second]);
    expect([tailCalls, missedTailCalls]).toEqual([main === TWICE ? first - 1 : first, second]);
  });

  test.each([
    ["shared", "6.12", [33, 0]],
    ["by value", "6.11", [33, 33]],
  ])("two hierarchies, %s", (_, version, expected) => {
    const vm = make(
      { main: HIERARCHIES, c0: climb(0, 0), c1: climb(8, 1) },
      { 0: "c0", 1: "c1" },
      withLimit(version, 33),
    );
    expect(vm.program("main").run().fault).toBeUndefined();
    expect([counter(vm, 0), counter(vm, 8)]).toEqual(expected);
  });
});

describe("the count", () => {
  const callbacks = `r6 = r1; *(u64 *)(r10 - 8) = r6; r1 = 40; r2 = func cb; r3 = r10; r4 = 0; call loop; exit;
    cb: r1 = *(u64 *)(r2 - 8); ${tail()} ${count(8)} r0 = 0; exit`;
  // The verifier of Linux 6.18 lets no callback tail-call; what is here is what its rules for subprograms would make of it.
  test.each([
    ["shared", "6.12", [33, 7]],
    ["by value", "6.11", [40, 0]],
  ])("tail calls of 40 callbacks, %s", (_, version, expected) => {
    make({ main: callbacks, leaf: `${count(0)} r0 = 0; exit` }, { 0: "leaf" }, withLimit(version, 33));
    expect(vm.program("main").run().r0).toBe(40n);
    expect([counter(vm, 0), counter(vm, 8)]).toEqual(expected);
  });

  test("what a callback's tail-call target returns decides whether the loop goes on", () => {
    make({ main: callbacks, leaf: `${count(0)} r0 = 1; exit` }, { 0: "leaf" });
    expect(vm.program("main").run().r0).toBe(1n);
    expect(counter(vm, 0)).toBe(1);
  });

  test("a program in its own array runs 34 times; the next entry begins at 0 again", () => {
    make({ main: `${count(0)} ${tail()} r0 = 5; exit` }, { 0: "main" });
    for (const expected of [34, 68]) {
      expect(vm.program().run()).toMatchObject({ r0: 5n, tailCalls: 33, missedTailCalls: 1 });
      expect(counter(vm, 0)).toBe(expected);
    }
  });

  test("the limit is for all programs together, over two arrays", () => {
    const second = { name: "others", type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 1, flags: 0 };
    make(
      { one: `${count(0)} ${tail(0, "others")} r0 = 1; exit`, two: `${count(8)} ${tail(0)} r0 = 2; exit` },
      { 0: "one" },
      { maps: [second] },
    );
    vm.setSlot("others", 0, vm.program("two").program);
    expect(vm.program("one").run()).toMatchObject({ r0: 2n, tailCalls: 33 });
    expect([counter(vm, 0), counter(vm, 8)]).toEqual([17, 17]);
  });

  test("tail calls that cannot happen cost nothing", () => {
    const misses = Array.from({ length: 40 }, () => tail(3)).join("");
    make({ main: `${misses} ${tail(0)} r0 = 1; exit`, leaf: "r0 = 2; exit" }, { 0: "leaf" });
    expect(vm.program("main").run()).toMatchObject({ r0: 2n, tailCalls: 1, missedTailCalls: 40 });
  });
});

describe("missed tail calls say why", () => {
  const reasons = (main: string, slots: Record<number, string> = {}, options: VmOptions = {}): unknown[] => {
    make({ main, leaf: "r0 = 0; exit" }, slots, options);
    const events: TraceEvent[] = [];
    vm.program("main").run({}, { onFrame: (event) => events.push(event) });
    return events.flatMap((event) => (event.kind === "missed-tail-call" ? [[event.reason, event.index]] : []));
  };

  test.each([
    ["past the end", 4, "index", 4],
    ["far past the end", -1, "index", 0xffff_ffff],
    ["the last slot, empty", 3, "empty", 3],
  ])("%s", (_, slot, reason, index) => {
    expect(reasons(`${tail(slot)} r0 = 0; exit`)).toEqual([[reason, index]]);
  });

  test("only the low 32 bits of the index count", () => {
    expect(reasons(`${tail("0x100000003 ll")} r0 = 0; exit`)).toEqual([["empty", 3]]);
    vm.dispose();
    expect(reasons(`${tail("0x500000000 ll")} r0 = 0; exit`, { 0: "leaf" })).toEqual([]);
  });

  test("the count before the slot, the index before the count", () => {
    const limit = withLimit("6.12", 0);
    expect(reasons(`${tail(0)} ${tail(1)} ${tail(4)} r0 = 0; exit`, { 0: "leaf" }, limit)).toEqual([
      ["count", 0],
      ["count", 1],
      ["index", 4],
    ]);
  });

  test("an array may have 2^32 - 1 entries", () => {
    const maps = [{ name: "huge", type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 2 ** 32 - 1, flags: 0 }];
    const program = (slot: number): string => `${tail(slot, "huge")} r0 = 1; exit`;
    make({ last: program(-2), past: program(-1), leaf: "r0 = 2; exit" }, {}, { maps });
    vm.setSlot("huge", 2 ** 32 - 2, vm.program("leaf").program);
    expect(vm.program("last").run().r0).toBe(2n);
    expect(vm.program("past").run()).toMatchObject({ r0: 1n, missedTailCalls: 1 });
  });
});
