import { helperByName, profileFor } from "@bpfkit/abi";
import { parse } from "@bpfkit/asm";
import type { Fault, Profile, RunResult, TraceEvent } from "@bpfkit/core";
import { load, programFromCode, type Vm, type VmOptions } from "@bpfkit/vm";
import { afterEach, describe, expect, test } from "vitest";

let vm: Vm | undefined;
afterEach(() => vm?.dispose());

const MAPS = [
  { name: "programs", type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 4, flags: 0 },
  { name: "counters", type: "array", keySize: 4, valueSize: 64, maxEntries: 1, flags: 0 },
];

/** Programs by name from text; every slot of `programs` is filled as `slots` says. */
function make(texts: Record<string, string>, slots: Record<number, string> = {}, options: VmOptions = {}): Vm {
  const programs = Object.entries(texts).map(([name, text]) => {
    const { code, references } = parse(text, { helperId: (helper) => helperByName(helper)?.id });
    return programFromCode(code, { name, type: "raw", references });
  });
  vm = load({ programs, maps: MAPS }, options);
  for (const [index, name] of Object.entries(slots)) vm.setSlot("programs", Number(index), vm.program(name).program);
  return vm;
}

const counter = (vm: Vm, offset: number): number => {
  const value = vm.map("counters").get(new Uint8Array(4))!;
  return new DataView(value.buffer).getInt32(offset, true);
};

const count = (offset: number): string => `r1 = mapval[counters] + ${offset}; r0 = 1; lock *(u64 *)(r1 + 0) += r0;`;
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

/** An entry that calls f1, which calls f2, … `depth` frames in all. */
function nested(depth: number): string {
  const calls = Array.from(
    { length: depth - 1 },
    (_, index) => `${index === 0 ? "" : `f${index}: `}call f${index + 1}; exit;`,
  );
  return `${calls.join(" ")} ${depth === 1 ? "" : `f${depth - 1}: `}r0 = ${depth}; exit`;
}

function faultOf(result: Pick<RunResult, "fault">): Fault {
  if (result.fault === undefined) throw new Error("the run did not fault");
  return result.fault;
}

describe("frames", () => {
  test("8 frames run, 9 fault", () => {
    expect(
      make({ main: nested(8) })
        .program()
        .run().r0,
    ).toBe(8n);
    const fault = faultOf(
      make({ main: nested(9) })
        .program()
        .run(),
    );
    expect(fault.kind).toBe("call-depth");
    expect(fault.frames).toHaveLength(8);
    expect(fault.message).toMatch(/^program main, subprogram f14, slot 14: a call would make 9 frames/);
  });

  test("a tail call replaces the running frame only, and the target has 8 frames of its own", () => {
    const main = `r6 = 1000; r7 = r10; *(u64 *)(r10 - 8) = 77; call f; r0 += r6; r1 = *(u64 *)(r7 - 8); r0 += r1; exit;
      f: r6 = 5; r2 = map[programs]; r3 = 0; r1 = 0; call tail_call; r0 = 1; exit`;
    const vm = make({ main, target: nested(8) }, { 0: "target" });
    const frames: string[] = [];
    const onFrame = (event: TraceEvent): void => {
      if (event.kind === "tail-call")
        frames.push(`${event.from.subprogram} → ${event.to.subprogram} at ${event.depth}`);
    };
    expect(vm.program("main").run({}, { onFrame }).r0).toBe(1085n);
    expect(frames).toEqual(["f8 → target at 2"]);
  });
});
