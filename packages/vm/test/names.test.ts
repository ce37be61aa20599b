import { load, programFromCode, type Vm } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { failing, map, object, program, vmOf } from "./support.js";

const returning = (name: string, value: number, section?: string) =>
  program(name, `r0 = ${value}; exit`, section === undefined ? {} : { section });

describe("programs", () => {
  const one = returning("one", 1, "xdp");
  const others = [returning("two", 2, "tc"), returning("three", 3, "tc"), returning("tc", 4, "other")];

  test("the only one needs no name", () => {
    expect(
      vmOf({ programs: [one] })
        .program()
        .run().r0,
    ).toBe(1n);
  });

  test.each([
    ["by its function", "two", 2n],
    ["by its section", "xdp", 1n],
    ["by its function where a section is called so too", "tc", 4n],
  ])("%s", (_, name, r0) => {
    expect(
      vmOf({ programs: [one, ...others] })
        .program(name)
        .run().r0,
    ).toBe(r0);
  });

  test.each<[string, () => unknown, unknown]>([
    ["none at all", () => vmOf({}).program(), failing("NO_SUCH_PROGRAM", "there is no program")],
    [
      "none named, of several",
      () => vmOf({ programs: [one, ...others] }).program(),
      failing("AMBIGUOUS", "one of several programs must be named; there are one, two, three, tc"),
    ],
    [
      "a name of none",
      () => vmOf({ programs: [one] }).program("zero"),
      failing("NO_SUCH_PROGRAM", "there is no program zero; there are one"),
    ],
    [
      "a section of two",
      () => vmOf({ programs: others.slice(0, 2) }).program("tc"),
      failing("AMBIGUOUS", "tc names 2 programs; there are two, three"),
    ],
    [
      "one that could not be read",
      () => vmOf({ programs: [one], problems: [{ program: "bad", message: "program bad: why" }] }).program("bad"),
      failing("BAD_PROGRAM", "program bad: why"),
    ],
  ])("%s", (_, action, error) => {
    expect(action).toThrow(error as Error);
  });

  test("what only the kernel has is missed where it is reached", () => {
    const vm = load(object("v3/externs.o"));
    const run = (name: string) => vm.program(name).run({ data: new Uint8Array(64) });
    expect(run("fine").r0).toBe(3n);
    expect(run("calls_helper_by_name").fault?.message).toMatch(/kernel function missing_function is not available/);
    expect(run("calls_kfunc").fault).toMatchObject({
      kind: "not-available",
      message: expect.stringMatching(/kernel function bpf_known_kfunc is not available outside the kernel$/),
    });
    expect(run("reads_kernel").fault?.message).toMatch(/extern variable kernel_variable is not defined$/);
  });

  test("one that is in no object", () => {
    const vm = vmOf({});
    const runnable = vm.runnable(one);
    expect([runnable.run().r0, vm.runnable(one) === runnable, vm.programs]).toEqual([1n, true, []]);
  });
});

describe("maps", () => {
  const vm = vmOf({ maps: [map("lb.bss", "array", { section: ".bss" }), map("counts")] });

  test.each([["lb.bss"], [".bss"]])("global data as %s", (name) => {
    expect(vm.map(name).spec.name).toBe("lb.bss");
  });

  test("a name of none lists what there is", () => {
    expect(() => vm.map("count")).toThrow(
      failing("NO_SUCH_MAP", "there is no map count; there are .bss, counts") as Error,
    );
    expect(() => vmOf({}).map("count")).toThrow(failing("NO_SUCH_MAP", "there is no map count") as Error);
  });

  test("two of one name are refused", () => {
    expect(() => vmOf({ maps: [map("a"), map("a")] })).toThrow(failing("AMBIGUOUS", "two maps are called a") as Error);
  });
});

describe("functions of bare code", () => {
  const code = program("main", "call f; exit; f: r0 = 1; exit").code;

  test("are found by who calls them, and named by their slot unless they have a name", () => {
    const names = (functions: { slot: number; name: string }[]) =>
      programFromCode(code, { name: "main", type: "raw", functions }).subprograms.map(({ name, start }) => [
        name,
        start,
      ]);
    expect(names([])).toEqual([
      ["main", 0],
      ["f2", 2],
    ]);
    expect(names([{ slot: 2, name: "leaf" }])).toEqual([
      ["main", 0],
      ["leaf", 2],
    ]);
  });

  test("are as many as can be read", () => {
    const broken = Uint8Array.from([...code.subarray(0, 8), 0xff, ...code.subarray(9)]);
    expect(programFromCode(broken, { name: "main", type: "raw" }).subprograms).toHaveLength(2);
    expect(programFromCode(new Uint8Array(3), { name: "main", type: "raw" }).subprograms).toHaveLength(1);
  });
});

describe("a VM that was disposed of", () => {
  const used = (use: (vm: Vm) => unknown) => (): unknown => {
    const vm = vmOf({ programs: [program("main", "r0 = 1; exit")], maps: [map("counts")] });
    const main = vm.program();
    main.run();
    vm.dispose();
    vm.dispose();
    return use(Object.assign(vm, { main }) as Vm);
  };

  test.each<[string, (vm: Vm) => unknown]>([
    ["program", (vm) => vm.program()],
    ["run", (vm) => (vm as unknown as { main: ReturnType<Vm["program"]> }).main.run()],
    ["step", (vm) => (vm as unknown as { main: ReturnType<Vm["program"]> }).main.step()],
    ["map", (vm) => vm.map("counts")],
    ["add", (vm) => vm.add({ programs: [], maps: [] }, "more")],
    ["seed", (vm) => vm.seed("counts", [])],
    ["dumpMaps", (vm) => vm.dumpMaps()],
    ["setSlot", (vm) => vm.setSlot("counts", 0, undefined)],
  ])("refuses %s", (_, use) => {
    expect(used(use)).toThrow(failing("DISPOSED", "the VM was disposed of") as Error);
  });
});
