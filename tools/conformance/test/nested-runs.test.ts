import type { HelperBody } from "@bpfkit/core";
import type { Outcome, Vm } from "@bpfkit/vm";
import { afterEach, describe, expect, test } from "vitest";
import { faultOf, tail, vmOf, withHelper } from "../src/assembled.js";

let vm: Vm;
afterEach(() => vm.dispose());

/** Programs with a helper that runs `inner`. */
function make(texts: Record<string, string>, body: HelperBody, type = "raw"): void {
  vm = vmOf(texts, {}, { ...withHelper(body), type });
}

const packet = (byte: number): Uint8Array => new Uint8Array(64).fill(byte);

describe("a run inside a helper of a run", () => {
  test("has a packet of its own; the outer one's is as it was", () => {
    const read = "r2 = *(u32 *)(r1 + 0); r0 = *(u8 *)(r2 + 20);";
    let inner: Outcome | undefined;
    const body = (): bigint => {
      inner = vm.program("inner").run({ data: packet(0x22).subarray(0, 30) });
      return inner.r0;
    };
    make(
      { main: `r6 = r1; call 9999; r7 = r0; r1 = r6; ${read} r7 <<= 8; r0 |= r7; exit`, inner: `${read} exit` },
      body,
      "xdp",
    );
    const outer = vm.program("main").run({ data: packet(0x11) });
    expect(outer.r0).toBe(0x2211n);
    expect(outer.dataOut).toEqual(packet(0x11));
    expect(inner?.dataOut).toHaveLength(30);
  });

  test("has a stack of its own, zeroed each time", () => {
    const scribble =
      "r0 = *(u64 *)(r10 - 8); *(u64 *)(r10 - 8) = 7; *(u64 *)(r10 - 512) = 7; call f; exit; f: *(u64 *)(r10 - 8) = 7; exit";
    const results: bigint[] = [];
    const body = (): number => {
      for (let round = 0; round < 3; round++) results.push(vm.program("inner").run().r0);
      return 0;
    };
    const main =
      "call s; exit; s: *(u64 *)(r10 - 8) = 40; *(u64 *)(r10 - 512) = 2; call 9999; r0 = *(u64 *)(r10 - 8); r1 = *(u64 *)(r10 - 512); r0 += r1; exit";
    make({ main, inner: scribble }, body);
    expect(vm.program("main").run().r0).toBe(42n);
    expect(results).toEqual([0n, 0n, 0n]);
  });

  test("has counts, a budget and frames of its own", () => {
    let inner: Outcome | undefined;
    const body = (): number => {
      inner ??= vm.program("main").run({}, { budget: 50 });
      return 1;
    };
    make({ main: `call 9999; ${tail()} r0 = 5; exit` }, body);
    vm.setSlot("programs", 0, vm.program("main").program);
    const outer = vm.program("main").run();
    expect([inner?.fault?.kind, inner?.instructions, inner?.tailCalls]).toEqual(["budget", 50, 12]);
    expect(inner?.fault?.frames).toHaveLength(1);
    expect([outer.r0, outer.tailCalls, outer.instructions]).toEqual([5n, 33, 4 * 34 + 2]);
  });

  test("32 deep; one more is a fault at the helper's call", () => {
    let depth = 0;
    let deepest = 0;
    const faults: string[] = [];
    const body = (): number => {
      deepest = Math.max(deepest, ++depth);
      const { fault } = vm.program("main").run();
      if (fault !== undefined) faults.push(fault.message);
      depth--;
      return 0;
    };
    make({ main: "call f; exit; f: *(u64 *)(r10 - 8) = 1; call 9999; r0 = *(u64 *)(r10 - 8); exit" }, body);
    expect(vm.program("main").run().r0).toBe(1n);
    expect(deepest).toBe(32);
    expect(faults).toEqual(["program main, subprogram f, slot 3: own: more than 32 runs at one time"]);
  });

  test("uses what is left of the stack: where frames run out, it faults and the outer run goes on", () => {
    let inner: Outcome | undefined;
    const body = (): number => {
      inner ??= vm.program("deep").run();
      return 0;
    };
    const nest = (last: string): string =>
      `${Array.from({ length: 7 }, (_, index) => `${index === 0 ? "" : `f${index}:`} call f${index + 1}; exit;`).join(" ")} f7: ${last} exit`;
    make({ main: nest(`${tail()} call 9999; r0 = 6;`), deep: nest(`${tail(1)} r0 = 3;`) }, body);
    vm.setSlot("programs", 0, vm.program("main").program);
    vm.setSlot("programs", 1, vm.program("deep").program);
    expect(vm.program("main").run()).toMatchObject({ r0: 6n, tailCalls: 33 });
    expect(inner?.fault?.kind).toBe("stack-overflow");
    expect(vm.program("deep").run()).toMatchObject({ r0: 3n, tailCalls: 33 });
  });

  test("a fault in it is its own", () => {
    const body = (): bigint => (vm.program("inner").run().fault === undefined ? 0n : 1n);
    make({ main: "call 9999; exit", inner: "r0 = *(u8 *)(r3 + 0); exit" }, body);
    expect(vm.program("main").run()).toMatchObject({ r0: 1n });
  });
});

describe("what a helper does to the run it is in", () => {
  test("a throw is a fault with the helper's name; errors of other kinds too", () => {
    for (const thrown of [new TypeError("odd"), "text", undefined, { no: "error" }]) {
      make({ main: "r0 = 1; call 9999; exit" }, () => {
        throw thrown;
      });
      const fault = faultOf(vm.program().run());
      const what = thrown instanceof Error ? thrown.message : String(thrown);
      expect([fault.kind, fault.message]).toEqual(["helper", `program main, slot 1: own: ${what}`]);
      vm.dispose();
    }
  });

  test("guest memory cannot grow meanwhile", () => {
    make({ main: "call 9999; exit" }, ({ memory }) => {
      memory.reserve("too much", 1 << 24, "read");
      return 0;
    });
    expect(faultOf(vm.program().run()).message).toBe(
      "program main, slot 0: own: region too much needs more guest memory, which must be reserved before a run begins",
    );
    vm.memory.reserve("enough now", 1 << 24, "read");
    expect(vm.program().run().fault?.kind).toBe("helper");
  });

  test("disposing of the VM under a run lets the run end", () => {
    make({ main: "call 9999; r0 = 3; exit" }, () => {
      vm.dispose();
      return 0;
    });
    expect(vm.program().run().r0).toBe(3n);
    expect(() => vm.program()).toThrow(expect.objectContaining({ code: "DISPOSED" }));
  });

  test.each([
    [-1, (1n << 64n) - 1n],
    [-(2 ** 31) - 5, BigInt.asUintN(64, -(2n ** 31n) - 5n)],
    [2 ** 32 + 5, 2n ** 32n + 5n],
    [-(2 ** 53), BigInt.asUintN(64, -(2n ** 53n))],
    [-1n, (1n << 64n) - 1n],
    [1n << 63n, 1n << 63n],
  ])("its result %s becomes r0, all 64 bits", (result, r0) => {
    make({ main: "call 9999; exit" }, () => result);
    expect(vm.program().run().r0).toBe(r0);
  });

  test("arguments are halves of r1 to r5", () => {
    const seen: number[] = [];
    make(
      { main: "r1 = -1; r2 = 2; r3 = 3; r4 = 0x500000004 ll; r5 = 0x8000000000000000 ll; call 9999; exit" },
      ({ args }) => {
        seen.push(...args);
        return 0;
      },
    );
    vm.program().run();
    expect(seen).toEqual([-1, -1, 2, 0, 3, 0, 4, 5, 0, -(2 ** 31)]);
  });
});
