import type { TraceEvent } from "@bpfkit/core";
import type { Vm } from "@bpfkit/vm";
import { afterEach, describe, expect, test } from "vitest";
import { count, faultOf, tail, vmOf } from "../src/assembled.js";

let vm: Vm;
afterEach(() => vm.dispose());

const make = (...args: Parameters<typeof vmOf>): Vm => {
  vm = vmOf(...args);
  return vm;
};

/** An entry that calls f1, which calls f2, … `depth` frames in all; the innermost does `last`. */
function nested(depth: number, last = `r0 = ${depth}; exit`): string {
  const frames = Array.from({ length: depth }, (_, index) => {
    const label = index === 0 ? "" : `f${index}: `;
    return `${label}${index === depth - 1 ? last : `r6 = r1; call f${index + 1}; exit`}`;
  });
  return frames.join("; ");
}

describe("frames", () => {
  test("8 frames run, 9 fault", () => {
    make({ main: nested(8) });
    expect(vm.program().run().r0).toBe(8n);
    vm.dispose();
    make({ main: nested(9) });
    const fault = faultOf(vm.program().run());
    expect([fault.kind, fault.frames.length]).toEqual(["call-depth", 8]);
    expect(fault.message).toBe(
      "program main, subprogram f7, slot 22: a call would make 9 frames in one program; at most 8 are allowed",
    );
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "a tail call from frame %i leaves 8 frames to its target, and 9 are too many",
    (depth) => {
      const main = nested(depth, `${tail()} r0 = 0; exit`);
      make({ main, target: nested(8) }, { 0: "target" });
      expect(vm.program("main").run().r0).toBe(8n);
      vm.dispose();
      make({ main, target: nested(9) }, { 0: "target" });
      const fault = faultOf(vm.program("main").run());
      expect([fault.kind, fault.frames.length]).toEqual(["call-depth", depth - 1 + 8]);
    },
  );

  test("callbacks are frames, too", () => {
    const loop = "r1 = 1; r2 = func cb; r3 = 0; r4 = 0; call loop; exit; cb: r0 = 7; exit";
    make({ main: nested(7, loop) });
    expect(vm.program().run().fault).toBeUndefined();
    vm.dispose();
    make({ main: nested(8, loop) });
    expect(faultOf(vm.program().run()).message).toMatch(/slot 26: a call would make 9 frames in one program/);
  });

  test("behind a tail call the caller has as many frames as before", () => {
    const main = `r6 = r1; call s; call f1; exit; s: ${tail()} r0 = 0; exit; f1: ${nested(8).replace(/f\d/g, (f) => `g${f}`)}`;
    make({ main, leaf: "r0 = 0; exit" }, { 0: "leaf" });
    const fault = faultOf(vm.program("main").run());
    expect([fault.kind, fault.frames.length]).toEqual(["call-depth", 8]);
  });

  test("recursion goes as deep as frames go", () => {
    make({ main: "call f; exit; f: r0 = r1; if r1 == 6 goto out; r1 += 1; call f; out: exit" });
    expect(vm.program().run({ data: new Uint8Array(0) }).r0).toBe(6n);
  });

  test("chains of tail calls keep 7 callers each, 264 frames and no more", () => {
    const main = nested(8, `${tail()} ${count(0)} r0 = 0; exit`);
    make({ main }, { 0: "main" });
    const { fault, tailCalls, missedTailCalls } = vm.program().run();
    expect([fault, tailCalls, missedTailCalls]).toEqual([undefined, 33, 1]);
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
    expect(frames).toEqual(["f → target at 2"]);
  });
});

test("what a tail call leaves of registers: the target sees r1 to r5 as they were, the fall-through r6 to r9", () => {
  const target = "r0 = r1; r0 += r3; exit";
  make({ main: `r6 = 40; r1 = 30; ${tail(1)} r0 = r6; exit`, target }, { 1: "target" });
  expect(vm.program("main").run().r0).toBe(31n);
  vm.setSlot("programs", 1, undefined);
  expect(vm.program("main").run().r0).toBe(40n);
});
