import type { HelperBody } from "@bpfkit/core";
import type { Vm } from "@bpfkit/vm";
import { afterEach, describe, expect, test } from "vitest";
import { assembled, faultOf, tail, vmOf, withHelper } from "../src/assembled.js";

let vm: Vm;
afterEach(() => vm.dispose());

const make = (...args: Parameters<typeof vmOf>): Vm => {
  vm = vmOf(...args);
  return vm;
};

describe("live updates", () => {
  test("between runs: filled, replaced, emptied", () => {
    make({ main: `${tail()} r0 = 1; exit`, two: "r0 = 2; exit", three: "r0 = 3; exit" });
    const main = vm.program("main");
    const r0 = (name?: string): bigint => {
      vm.setSlot("programs", 0, name === undefined ? undefined : vm.program(name).program);
      return main.run().r0;
    };
    expect(main.run().r0).toBe(1n);
    expect([r0("two"), r0("three"), r0(), r0("two")]).toEqual([2n, 3n, 1n, 2n]);
  });

  test("in a run, by a helper, to programs that were in no array before", () => {
    const made: string[] = [];
    const body: HelperBody = () => {
      const name = `new${made.length}`;
      made.push(name);
      // Long enough to need more room for code than there is.
      const text = `${"r0 += 1; ".repeat(500)} call 9999; ${tail()} r0 = 0; exit`;
      vm.setSlot("programs", 0, assembled(name, text));
      return 0;
    };
    make({ main: `call 9999; call s; r0 += 100; exit; s: ${tail()} r0 = 1; exit` }, {}, withHelper(body));
    expect(vm.program("main").run()).toMatchObject({ r0: 100n, tailCalls: 33, missedTailCalls: 1 });
    expect(made).toHaveLength(34);
  });

  test("a slot emptied in a run is empty at once", () => {
    const body: HelperBody = () => {
      vm.setSlot("programs", 0, undefined);
      return 0;
    };
    make({ main: `call 9999; ${tail()} r0 = 1; exit`, leaf: "r0 = 2; exit" }, { 0: "leaf" }, withHelper(body));
    expect(vm.program("main").run()).toMatchObject({ r0: 1n, missedTailCalls: 1 });
  });

  test("a program that cannot be linked is refused where it is put in, and the slot stays as it was", () => {
    make({ main: `${tail()} r0 = 1; exit`, leaf: "r0 = 2; exit" }, { 0: "leaf" });
    expect(vm.program("main").run().r0).toBe(2n);
    const bad = { ...assembled("bad", "r0 = 0; exit"), code: new Uint8Array(12) };
    expect(() => vm.setSlot("programs", 0, bad)).toThrow(
      expect.objectContaining({ code: "BAD_INSTRUCTION", message: expect.stringMatching(/^program bad, /) }),
    );
    expect(vm.program("main").run().r0).toBe(2n);
  });

  test("a program of an object that was added later brings its maps and its own arrays", () => {
    make({ main: `${tail()} r0 = 1; exit` });
    expect(vm.program("main").run().r0).toBe(1n);
    const text = `*(u32 *)(r10 - 4) = 0; r1 = map[own]; r2 = r10; r2 += -4; call map_lookup_elem;
      r0 = *(u64 *)(r0 + 0); ${tail(0, "inner")} exit`;
    const [first] = vm.add(
      {
        programs: [assembled("first", text), assembled("second", "r0 = 9; exit")],
        maps: [
          { name: "own", type: "array", keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 },
          { name: "inner", type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 1, flags: 0 },
        ],
      },
      "more",
    );
    vm.setSlot("programs", 0, first);
    vm.setSlot("more#inner", 0, vm.program("second").program);
    expect(vm.program("main").run()).toMatchObject({ r0: 9n, tailCalls: 2 });
  });

  test("an array that gets an unlinkable program where nobody looks makes the tail call fault", () => {
    make({ main: `${tail()} r0 = 1; exit` });
    vm.program("main").run();
    const maps = [{ name: "late", type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 1, flags: 0 }];
    const [first] = vm.add({ programs: [assembled("first", `${tail(0, "late")} exit`)], maps }, "more");
    const bad = { ...assembled("bad", "r0 = 0; exit"), code: new Uint8Array(12) };
    vm.setSlot("more#late", 0, bad);
    vm.setSlot("programs", 0, first);
    const fault = faultOf(vm.program("main").run());
    expect(fault.kind).toBe("tail-call");
    expect(fault.message).toMatch(/^program first, slot 3: tail_call: program bad, /);
  });
});

describe("owners", () => {
  test("a program of another type is refused in a slot and at its own linking", () => {
    make({ main: "r0 = 1; exit" }, { 0: "main" });
    const other = assembled("other", `${tail()} r0 = 0; exit`, "xdp");
    const refused = expect.objectContaining({ code: "EINVAL", message: expect.stringContaining("its type is xdp") });
    expect(() => vm.setSlot("programs", 1, other)).toThrow(refused);
    expect(() => vm.runnable(other).run({ data: new Uint8Array(64) })).toThrow(refused);
  });

  test("naming an array in code makes a program its owner", () => {
    make({ main: `${tail()} r0 = 0; exit` });
    vm.program("main").run();
    const other = assembled("other", "r0 = 0; exit", "xdp");
    expect(() => vm.setSlot("programs", 0, other)).toThrow(expect.objectContaining({ code: "EINVAL" }));
  });
});

test("who does not run any more hears of no change", () => {
  make({ main: `${tail()} r0 = 1; exit` });
  const main = vm.program("main");
  main.run();
  main.dispose();
  const bad = { ...assembled("bad", "r0 = 0; exit"), code: new Uint8Array(12) };
  vm.setSlot("programs", 0, bad);
  expect(() => main.run()).toThrow(expect.objectContaining({ code: "BAD_INSTRUCTION" }));
  vm.setSlot("programs", 0, undefined);
  expect(main.run().r0).toBe(1n);
});
