import type { Engine, Linked, LinkSet } from "@bpfkit/core";
import { fixedEffects } from "@bpfkit/helpers";
import { interpreter } from "@bpfkit/interpreter";
import { load, type Vm } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { failing, map, object, program, vmOf } from "./support.js";

const data = (...bytes: number[]): Uint8Array => {
  const packet = new Uint8Array(64);
  packet.set(bytes);
  return packet;
};

describe("an outcome", () => {
  test("of raw memory", () => {
    const vm = vmOf({ programs: [program("main", "*(u8 *)(r1 + 0) = 9; r0 = r2; exit")] });
    expect(vm.program().run({ data: Uint8Array.of(1, 2) })).toEqual({
      program: "main",
      type: "raw",
      engine: "interpreter",
      r0: 2n,
      instructions: 3,
      tailCalls: 0,
      missedTailCalls: 0,
      dataOut: Uint8Array.of(9, 2),
    });
  });

  test("of a packet: its action, and context fields that changed", () => {
    const vm = vmOf({ programs: [program("main", "*(u32 *)(r1 + 8) = 5; r0 = 2; exit", { type: "sched_cls" })] });
    expect(vm.program().run({ data: data(), ctx: { mark: 4, priority: 3 } })).toMatchObject({
      action: "TC_ACT_SHOT",
      ctx: { mark: 5n },
      dataOut: data(),
    });
  });

  test("after a fault has neither", () => {
    const vm = vmOf({ programs: [program("main", "r0 = *(u8 *)(r3 + 0); exit", { type: "xdp" })] });
    const outcome = vm.program().run({ data: data() });
    expect(outcome).toMatchObject({ r0: 0n, fault: { kind: "read" }, instructions: 1 });
    expect([outcome.action, outcome.dataOut]).toEqual([undefined, undefined]);
  });

  test.each<[string, Parameters<ReturnType<Vm["program"]>["run"]>[0], string]>([
    ["a short packet", { data: new Uint8Array(13) }, "EINVAL"],
    ["a field of none", { data: data(), ctx: { size: 1 } }, "UNKNOWN_FIELD"],
    ["a value too large", { data: data(), ctx: { ingress_ifindex: 2 ** 32 } }, "BAD_VALUE"],
  ])("of %s there is none", (_, input, code) => {
    const vm = vmOf({ programs: [program("main", "r0 = 2; exit", { type: "xdp" })] });
    for (let round = 0; round < 40; round++) {
      expect(() => vm.program().run(input)).toThrow(failing(code, /./) as Error);
      expect(() => vm.program().step(input)).toThrow(failing(code, /./) as Error);
    }
    expect(vm.program().run({ data: data() }).r0).toBe(2n);
  });

  test("of a type no context is built for there is none either", () => {
    const vm = vmOf({ programs: [program("main", "r0 = 2; exit", { type: "kprobe" })] });
    expect(() => vm.program().run()).toThrow(failing("UNSUPPORTED_PROGRAM_TYPE", /kprobe/) as Error);
  });
});

describe("the same again", () => {
  const COUNT = "r2 = mapval[counts] + 0; r0 = *(u64 *)(r2 + 0); r0 += 1; *(u64 *)(r2 + 0) = r0; exit";
  const make = (text = COUNT): Vm =>
    vmOf({ programs: [program("main", text)], maps: [map("counts", "array", { maxEntries: 1 })] });

  test.each([
    [0, 1n],
    [1, 1n],
    [3, 3n],
    [70_000, 70_000n],
    [Number.NaN, 1n],
  ])("%s times gives the last r0 and the counts of all", (repeat, r0) => {
    expect(make().program().run({}, { repeat })).toMatchObject({ r0, instructions: 5 * Number(r0) });
  });

  test("stops at a fault", () => {
    const vm = make(COUNT.replace("exit", "if r0 != 3 goto out; r0 = *(u8 *)(r9 + 0); out: exit"));
    expect(vm.program().run({}, { repeat: 10 })).toMatchObject({ r0: 0n, fault: { kind: "read" }, instructions: 18 });
  });

  test("works on the packet as the last run left it", () => {
    const vm = vmOf({ programs: [program("main", "r0 = *(u8 *)(r1 + 0); r0 += 1; *(u8 *)(r1 + 0) = r0; exit")] });
    expect(vm.program().run({ data: Uint8Array.of(5) }, { repeat: 4 }).dataOut).toEqual(Uint8Array.of(9));
  });
});

describe("options", () => {
  test("effects are fixed unless others are passed", () => {
    const text = "call 5; r6 = r0; call 7; r0 += r6; exit";
    const make = (effects?: ReturnType<typeof fixedEffects>): bigint =>
      vmOf({ programs: [program("main", text)] }, effects === undefined ? {} : { effects })
        .program()
        .run().r0;
    expect(make()).toBe(make());
    expect(make(fixedEffects({ seed: 7 }))).not.toBe(make());
  });

  test("memoryOffset moves everything", () => {
    const r0 = (memoryOffset: number): bigint =>
      vmOf({ programs: [program("main", "r0 = r10; exit")] }, { memoryOffset })
        .program()
        .run().r0;
    expect(r0(0)).not.toBe(r0(0x12348));
  });

  test("another engine runs, but cannot step", () => {
    const sets: LinkSet[] = [];
    let disposed = 0;
    const result = { r0: 42n };
    const engine: Engine = {
      ...interpreter,
      name: "other",
      link: (set): Linked => {
        sets.push(set);
        const dispose = (): void => {
          disposed++;
        };
        return {
          set,
          run: () => result,
          runMany: () => ({ r0: new BigUint64Array(1), completed: 1 }),
          idOf: () => undefined,
          dispose,
        };
      },
    };
    const vm = vmOf({ programs: [program("main", "r0 = 1; exit")] }, { engine });
    vm.program().link();
    expect(vm.program().run()).toMatchObject({ engine: "other", r0: 42n });
    expect(() => vm.program().step()).toThrow(
      failing("UNSUPPORTED", "engine other cannot step; the interpreter can") as Error,
    );
    expect(sets).toHaveLength(1);
    vm.dispose();
    expect(disposed).toBe(1);
  });
});

test("an object's programs, each of its type", () => {
  const vm = load(object("v3/types.o"));
  const run = (name: string) => vm.program(name).run({ data: data() }).r0;
  expect([run("memory"), run("on_xdp"), run("on_tc"), run("on_socket")]).toEqual([64n, 64n, 64n, 50n]);
  vm.dispose();
});

test("an object that is none is refused as the reader says", () => {
  expect(() => load(new Uint8Array(10), { file: "x.o" })).toThrow(/^x\.o/);
});

test("contexts are used again, after runs, steps and refusals", () => {
  const vm = vmOf({ programs: [program("main", "r0 = 2; exit", { type: "xdp" })] });
  const main = vm.program();
  const round = (): void => {
    main.run({ data: data() });
    main.step({ data: data() }).dispose();
    main.step({ data: data() }).runUntil(() => false);
    expect(() => main.run()).toThrow(failing("EINVAL", /./) as Error);
    expect(() => main.step()).toThrow(failing("EINVAL", /./) as Error);
  };
  round();
  const bytes = vm.memory.views.u8.length;
  for (let index = 0; index < 400; index++) round();
  expect(vm.memory.views.u8.length).toBe(bytes);
});

test("two thousand VMs leave nothing behind", () => {
  const bytes = object("v3/data_maps.o");
  const round = (count: number): number => {
    for (let index = 0; index < count; index++) {
      const vm = load(bytes);
      vm.program(vm.programs[0]!.name).run({ data: data() });
      // Some are simply dropped.
      if (index % 2 === 0) vm.dispose();
    }
    return process.memoryUsage().rss / 2 ** 20;
  };
  const before = round(500);
  expect(round(1500) - before).toBeLessThan(100);
});
