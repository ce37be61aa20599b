import type { FrameInfo, TraceEvent } from "@bpfkit/core";
import type { Vm } from "@bpfkit/vm";
import { afterEach, describe, expect, test } from "vitest";
import { tail, vmOf, withHelper } from "../src/assembled.js";

let vm: Vm;
afterEach(() => vm.dispose());

const make = (...args: Parameters<typeof vmOf>): Vm => {
  vm = vmOf(...args);
  return vm;
};
const places = (frames: readonly FrameInfo[]): string[] =>
  frames.map(({ program, subprogram, slot }) => `${program}/${subprogram}:${slot}`);

/** Calls a subprogram, which loops twice over a callback, which tail-calls slot 0. */
const MIXED = `r6 = 7; call s; r0 += r6; exit;
  s: r1 = 2; r2 = func each; r3 = 0; r4 = 0; call loop; exit;
  each: ${tail()} r0 = 0; exit`;

describe("a step", () => {
  test("goes into calls, callbacks and tail calls, one instruction each", () => {
    make({ main: MIXED, leaf: "r0 = 0; exit" }, { 0: "leaf" });
    const stepper = vm.program("main").step();
    const seen = [places(stepper.frames)[0]!];
    while (stepper.step() === undefined) seen.push(places(stepper.frames)[0]!);
    const once = ["main/each:11", "main/each:13", "main/each:14", "leaf/leaf:0", "leaf/leaf:1"];
    expect(seen).toEqual([
      ...["main/main:0", "main/main:1", "main/s:4", "main/s:5", "main/s:7", "main/s:8", "main/s:9"],
      ...once,
      ...once,
      ...["main/s:10", "main/main:2", "main/main:3"],
    ]);
    expect(stepper.result).toEqual({ r0: 9n, instructions: 20, tailCalls: 2, missedTailCalls: 0 });
  });

  test("tells what a watcher asks for as the frames do", () => {
    make({ main: MIXED, leaf: "r0 = 0; exit" }, { 0: "leaf" });
    const stepper = vm.program("main").step({ data: Uint8Array.of(1) });
    expect(stepper.context.r1).toBe(stepper.registers[1]);
    do {
      const { frames, program, slot, depth, halves, registers } = stepper;
      expect([program.name, slot, depth]).toEqual([frames[0]!.program, frames[0]!.slot, frames.length]);
      expect(frames.map((_, up) => stepper.stackOf(up))).toEqual(frames.map(({ stack }) => stack));
      const unsigned = registers.map(
        (_, number) => new BigUint64Array(halves.slice(2 * number, 2 * number + 2).buffer)[0],
      );
      expect(unsigned).toEqual(registers);
    } while (stepper.step() === undefined);
  });

  test("changes nothing behind the end", () => {
    make({ main: "r0 = 3; exit" });
    const stepper = vm.program().step();
    stepper.runUntil(() => false);
    const { result, frames, registers } = stepper;
    expect(result?.r0).toBe(3n);
    expect(stepper.step()).toBe(result);
    stepper.dispose();
    expect([stepper.result, stepper.instructions]).toEqual([result, 2]);
    // Runs that come after do not show through.
    vm.program().run();
    expect([stepper.frames, stepper.registers]).toEqual([frames, registers]);
    expect(places(frames)).toEqual(["main/main:1"]);
    expect(registers[0]).toBe(3n);
  });

  test("runUntil stops before the instruction it asks for, and goes on from there", () => {
    make({ main: "r0 = 0; l: r0 += 1; if r0 < 5 goto l; exit" });
    const stepper = vm.program().step();
    const at = (): unknown => {
      stepper.runUntil(({ slot }) => slot === 1);
      return stepper.registers[0];
    };
    expect([at(), at(), at()]).toEqual([0n, 1n, 2n]);
    expect(stepper.runUntil(() => false)?.r0).toBe(5n);
  });
});

describe("a run that is given up", () => {
  test("ends as cancelled, where it was", () => {
    make({ main: MIXED, leaf: "r0 = 0; exit" }, { 0: "leaf" });
    const stepper = vm.program("main").step();
    stepper.runUntil(({ program }) => program === "leaf");
    stepper.dispose();
    const { fault, r0, instructions } = stepper.result!;
    expect([fault?.kind, r0, instructions]).toEqual(["cancelled", 0n, 10]);
    expect(places(fault!.frames)).toEqual(["leaf/leaf:0", "main/s:9", "main/main:1"]);
    expect(stepper.step()).toBe(stepper.result);
  });

  test("leaves the next run as if it had not been", () => {
    make({ main: "r0 = *(u64 *)(r10 - 8); *(u64 *)(r10 - 8) = 5; call f; exit; f: *(u64 *)(r10 - 8) = 6; exit" });
    const first = vm.program().run();
    const stepper = vm.program().step();
    stepper.runUntil(({ subprogram, slot }) => subprogram === "f" && slot === 6);
    stepper.dispose();
    expect(vm.program().run()).toEqual(first);
    expect(first.r0).toBe(0n);
  });

  test("does not hold memory: a map may still be made beside it", () => {
    make({ main: "l: goto l" });
    const stepper = vm.program().step();
    stepper.step();
    const maps = [{ name: "large", type: "array", keySize: 4, valueSize: 1 << 20, maxEntries: 4, flags: 0 }];
    vm.add({ programs: [], maps }, "more");
    expect(stepper.step()).toBeUndefined();
    stepper.dispose();
  });

  test("a VM that is disposed of lets it go on; what it does to maps faults", () => {
    make({ main: "r1 = mapval[counters] + 0; l: r0 = *(u64 *)(r1 + 0); goto l" });
    const stepper = vm.program().step();
    expect(stepper.runUntil(({ slot }) => slot === 3)).toBeUndefined();
    vm.dispose();
    expect(stepper.runUntil(() => false)?.fault?.kind).toBe("read");
  });
});

describe("nothing is left of a run", () => {
  test("not the frames it called into", () => {
    make({ main: "if r2 == 0 goto shallow; call f; shallow: *(u64 *)(r10 - 1000) = 1; r0 = 0; exit; f: r0 = 0; exit" });
    const main = vm.program();
    expect(main.run({ data: new Uint8Array(8) }).fault).toBeUndefined();
    expect(main.run().fault?.kind).toBe("write");
  });

  test("not where its stack was", () => {
    make({ main: "r0 = r10; exit" });
    const { r0 } = vm.program().run();
    const steppers = [vm.program().step(), vm.program().step()];
    for (const one of steppers) one.step();
    expect(vm.program().run().r0).not.toBe(r0);
    for (const one of steppers) one.dispose();
    expect(vm.program().run().r0).toBe(r0);
  });

  test("not how often may_goto went on", () => {
    make({ main: "r0 = 0; l: may_goto +2; r0 += 1; goto l; exit" });
    for (let round = 0; round < 2; round++) expect(vm.program().run().r0).toBe(8n * 1024n * 1024n);
  });
});

describe("two runs side by side", () => {
  test("have their own contexts, stacks and counts", () => {
    const main = `r6 = r1; r0 = *(u8 *)(r6 + 0); *(u64 *)(r10 - 8) = r0; ${tail(1)} call f; r1 = *(u64 *)(r10 - 8); r0 += r1; exit;
      f: *(u64 *)(r10 - 8) = 99; r0 = 0; exit`;
    make({ main });
    const steppers = [7, 8].map((byte) => vm.program().step({ data: Uint8Array.of(byte, 0) }));
    while (steppers.some(({ result }) => result === undefined)) for (const one of steppers) one.step();
    expect(steppers.map(({ result }) => [result?.r0, result?.missedTailCalls])).toEqual([
      [7n, 1],
      [8n, 1],
    ]);
  });

  test("32 at one time, and the 33rd is refused until one ends", () => {
    make({ main: "r0 = 1; exit" });
    const steppers = Array.from({ length: 32 }, () => vm.program().step());
    expect(() => vm.program().step()).toThrow(expect.objectContaining({ code: "TOO_MANY_RUNS" }));
    expect(() => vm.program().run()).toThrow(expect.objectContaining({ code: "TOO_MANY_RUNS" }));
    steppers.pop()!.dispose();
    expect(vm.program().run().r0).toBe(1n);
    for (const one of steppers) one.dispose();
  });

  test("begun inside a helper, a stepped run outlives the run it began in", () => {
    let inner: ReturnType<ReturnType<Vm["program"]>["step"]> | undefined;
    const body = (): number => {
      inner = vm.program("inner").step();
      inner.step();
      return 0;
    };
    make(
      { main: "call 9999; *(u64 *)(r10 - 8) = 1; exit", inner: "*(u64 *)(r10 - 8) = 42; r0 = *(u64 *)(r10 - 8); exit" },
      {},
      withHelper(body),
    );
    expect(vm.program("main").run().r0).toBe(0n);
    expect(inner!.runUntil(() => false)?.r0).toBe(42n);
  });
});

describe("hooks", () => {
  test("cancel from a hook stops before the next instruction", () => {
    make({ main: "r0 = 0; call f; r0 = 9; exit; f: r0 = 1; exit" });
    const cancel = { cancelled: false };
    const onFrame = (event: TraceEvent): void => {
      cancel.cancelled ||= event.kind === "push" && event.depth === 2;
    };
    const { fault, instructions } = vm.program().run({}, { cancel, onFrame });
    expect([fault?.kind, instructions, fault?.place.slot]).toEqual(["cancelled", 2, 4]);
  });

  test("cancel from a helper stops a run without hooks, too, if not at once", () => {
    const cancel = { cancelled: false };
    const body = (): number => {
      cancel.cancelled = true;
      return 0;
    };
    make({ main: "call 9999; l: goto l" }, {}, withHelper(body));
    const { fault, instructions } = vm.program().run({}, { cancel });
    expect(fault?.kind).toBe("cancelled");
    expect(instructions).toBeLessThanOrEqual(65_536);
  });

  test("what a hook throws comes out, and the program can run again", () => {
    make({ main: "r0 = 4; exit" });
    const onInstruction = (): void => {
      throw new Error("enough");
    };
    for (let round = 0; round < 40; round++) {
      expect(() => vm.program().run({}, { onInstruction })).toThrow("enough");
      expect(() => vm.program().step({}, { onFrame: onInstruction })).toThrow("enough");
    }
    expect(vm.program().run().r0).toBe(4n);
  });

  test("a callback's pop tells its own r0, not the helper's", () => {
    make({ main: "r1 = 2; r2 = func each; r3 = 0; r4 = 0; call loop; exit; each: r0 = 0; exit" });
    const events: TraceEvent[] = [];
    expect(vm.program().run({}, { onFrame: (event) => events.push(event) }).r0).toBe(2n);
    const told = events.flatMap((event): unknown[] =>
      event.kind === "pop" ? [[event.frame.subprogram, event.r0]] : event.kind === "push" ? [event.callback] : [],
    );
    expect(told).toEqual([false, true, ["each", 0n], true, ["each", 0n], ["main", 2n]]);
  });

  test("a fault leaves frames unpopped", () => {
    make({ main: "call f; exit; f: r0 = *(u8 *)(r0 + 0); exit" });
    const kinds: string[] = [];
    expect(vm.program().run({}, { onFrame: ({ kind }) => kinds.push(kind) }).fault?.kind).toBe("read");
    expect(kinds).toEqual(["push", "push"]);
  });

  test("registers are those before the instruction", () => {
    make({ main: "r0 = 1; r0 <<= 63; r0 s>>= 63; exit" });
    const r0: bigint[] = [];
    const onInstruction = (event: TraceEvent): void => {
      if (event.kind === "instruction") r0.push(event.registers[0]!);
    };
    vm.program().run({}, { onInstruction });
    expect(r0).toEqual([0n, 1n, 1n << 63n, (1n << 64n) - 1n]);
  });
});

describe("a budget", () => {
  test.each([0, -1, Number.NaN])("of %s runs nothing", (budget) => {
    make({ main: "r0 = 1; exit" });
    const { fault, instructions } = vm.program().run({}, { budget });
    expect([fault?.kind, instructions]).toEqual(["budget", 0]);
  });

  test("is exact, in a run, in steps and with hooks", () => {
    make({ main: MIXED, leaf: "r0 = 0; exit" }, { 0: "leaf" });
    const main = vm.program("main");
    for (let budget = 0; budget < 20; budget++) {
      const expected = ["budget", budget];
      const ran = main.run({}, { budget });
      const traced = main.run({}, { budget, onFrame: () => {} });
      const stepped = main.step({}, { budget }).runUntil(() => false);
      for (const { fault, instructions } of [ran, traced, stepped!])
        expect([fault?.kind, instructions]).toEqual(expected);
      expect(ran.fault).toEqual(stepped!.fault);
    }
    expect(main.run({}, { budget: 20 })).toMatchObject({ r0: 9n, instructions: 20 });
  });

  test("counts the instruction that faults", () => {
    make({ main: "r0 = 0; r0 = *(u8 *)(r0 + 0); exit" });
    expect(vm.program().run().instructions).toBe(2);
    expect(vm.program().run({}, { budget: 2 }).fault?.kind).toBe("read");
  });
});
