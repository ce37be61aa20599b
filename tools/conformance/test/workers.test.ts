import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { MapSpec } from "@bpfkit/core";
import { createMap } from "@bpfkit/maps";
import { load } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { root } from "../src/packages.js";
import {
  ADD,
  ANY,
  assembled,
  CALLER,
  COUNTERS,
  engineAt,
  inWorkers,
  KEY_0,
  type Level,
  lookUp,
  map,
  ONE,
  PROGRAMS,
  SHARING,
  sharableVm,
  startWorker,
  TWO,
  u64,
  workersMissing,
} from "../src/workers.js";

describe.skipIf(workersMissing !== "").each(SHARING)(`threads share with %s${workersMissing}`, (level: Level) => {
  test("a change of a slot is seen by the next tail call of another thread", async () => {
    const vm = sharableVm(level, [CALLER, ANY, ONE, TWO], [PROGRAMS]);
    const turn = new Int32Array(new SharedArrayBuffer(4));
    const { result } = startWorker(
      vm.share(),
      level,
      `const vm = attach(shared, { engine });
      const seen = [];
      for (let round = 1; round <= 90; round++) {
        Atomics.wait(data, 0, 2 * round - 2);
        seen.push(vm.program(round % 2 ? "caller" : "any").run({ data: Uint8Array.of(1, 0, 0, 0) }).r0);
        Atomics.store(data, 0, 2 * round);
      }
      vm.dispose();
      return seen;`,
      turn,
    );
    const targets = Array.from({ length: 90 }, (_, round) => [ONE, TWO, undefined][(round * round) % 3]);
    for (const [index, target] of targets.entries()) {
      if (target !== undefined || index > 0) {
        if (target === undefined && targets[index - 1] !== undefined) vm.setSlot("programs", 1, undefined);
        else if (target !== undefined) vm.setSlot("programs", 1, target);
      }
      Atomics.store(turn, 0, 2 * index + 1);
      Atomics.notify(turn, 0);
      while (Atomics.load(turn, 0) !== 2 * index + 2) await new Promise(setImmediate);
    }
    expect(await result).toEqual(targets.map((target) => (target === ONE ? 1n : target === TWO ? 2n : 3n)));
    vm.dispose();
  });

  test("per-CPU values are each thread's own", async () => {
    const program = assembled(
      "count",
      `${lookUp("mine")} r1 = *(u64 *)(r0 + 0); r1 += 1; *(u64 *)(r0 + 0) = r1; r0 = 0; out: exit`,
    );
    const vm = sharableVm(level, [program], [map("mine", "percpu_array", 1)], 4);
    const body = `const vm = attach(shared, { engine });
      vm.program("count").run({}, { repeat: 20000 });
      vm.dispose();`;
    await inWorkers(vm.share({ threads: 3 }), level, 3, body);
    const values = [...new BigUint64Array(vm.map("mine").get(KEY_0)!.buffer)];
    // Threads that ran one after the other may have had one seat.
    expect(values[0]).toBe(0n);
    expect(values.reduce((sum, value) => sum + value)).toBe(60_000n);
    vm.dispose();
  });

  test("faults are worded as in the owner's thread", async () => {
    const program = assembled("bad", `call f; exit; f: ${lookUp("word")} r0 = *(u64 *)(r0 + 16); out: exit`);
    const wild = assembled("wild", "r1 = 8; call g; exit; g: r0 = *(u32 *)(r1 + 0); exit");
    const vm = sharableVm(level, [program, wild], [map("word", "array", 1)]);
    if (level === "confined" || level === "unchecked") return vm.dispose();
    const own = ["bad", "wild"].map((name) => vm.program(name).run({}).fault);
    const [theirs] = await inWorkers(
      vm.share(),
      level,
      1,
      `const vm = attach(shared, { engine });
      const faults = ["bad", "wild"].map((name) => vm.program(name).run({}).fault);
      vm.dispose();
      return faults;`,
    );
    const placeless = (fault: unknown): unknown => ({
      ...(fault as object),
      frames: (fault as { frames: { slot: number }[] }).frames.map(({ slot }) => slot),
    });
    expect((theirs as unknown[]).map(placeless)).toEqual(own.map(placeless));
    vm.dispose();
  });

  test("what threads use stays until they let go", async () => {
    const vm = sharableVm(level, [ONE], []);
    const shared = vm.share({ threads: 1 });
    const gate = new Int32Array(new SharedArrayBuffer(8));
    const { result } = startWorker(
      shared,
      level,
      `const vm = attach(shared, { engine });
      Atomics.store(data, 0, 1);
      Atomics.wait(data, 1, 0);
      const { r0 } = vm.program("one").run({});
      vm.dispose();
      return r0;`,
      gate,
    );
    while (Atomics.load(gate, 0) === 0) await new Promise(setImmediate);
    expect(vm.attached).toBe(1);
    expect(() => vm.dispose()).toThrow(expect.objectContaining({ code: "ATTACHED" }));
    await expect(startWorker(shared, level, "attach(shared, { engine })").result).rejects.toThrow("NO_SEAT");
    expect(vm.program("one").run({}).r0).toBe(1n);
    Atomics.store(gate, 1, 1);
    Atomics.notify(gate, 1);
    expect(await result).toBe(1n);
    vm.dispose();
    await expect(startWorker(shared, level, "attach(shared, { engine })").result).rejects.toThrow("CLOSED");
  });

  test("a thread that ended without letting go is let go of by the owner", async () => {
    const vm = sharableVm(level, [ADD], [COUNTERS]);
    const shared = vm.share({ threads: 1 });
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const { worker, result } = startWorker(
      shared,
      level,
      `const vm = attach(shared, { engine });
      Atomics.store(data, 0, 1);
      for (;;) vm.program("add").run({}, { repeat: 1000 });`,
      gate,
    );
    const ended = expect(result).rejects.toThrow("without an answer");
    while (Atomics.load(gate, 0) === 0) await new Promise(setImmediate);
    await worker.terminate();
    await ended;
    expect(() => vm.dispose()).toThrow(expect.objectContaining({ code: "ATTACHED" }));
    vm.detach(1);
    const before = u64(vm.map("counters").get(KEY_0));
    const body = `const vm = attach(shared, { engine });
      const { fault } = vm.program("add").run({});
      vm.dispose();
      return fault?.message ?? vm.thread;`;
    expect(await inWorkers(shared, level, 1, body)).toEqual([1]);
    expect(u64(vm.map("counters").get(KEY_0))).toBe(before + 1n);
    vm.dispose();
  });

  test("attached and let go 1,500 times, it leaves nothing behind", async () => {
    const vm = sharableVm(level, [ADD, CALLER, ONE], [COUNTERS, PROGRAMS, map("some", "hash", 100)]);
    const [grown] = await inWorkers(
      vm.share({ threads: 1 }),
      level,
      1,
      `const cycle = () => {
        const vm = attach(shared, { engine });
        vm.program("add").run({});
        vm.map("some").set(Uint8Array.of(1, 2, 3, 4), new Uint8Array(8));
        vm.dispose();
      };
      process.getBuiltinModule("node:v8").setFlagsFromString("--expose-gc");
      const collect = process.getBuiltinModule("node:vm").runInNewContext("gc");
      const grown = [];
      for (let times = 5; times > 0; times--) {
        const before = process.memoryUsage().rss;
        for (let round = 0; round < 300; round++) cycle();
        collect();
        grown.push(process.memoryUsage().rss - before);
      }
      return Math.min(...grown);`,
    );
    // What leaks grows every time.
    expect(grown).toBeLessThan(2 << 20);
    vm.dispose();
  }, 60_000);
});

test.skipIf(workersMissing !== "")("the example counts every run of both workers", () => {
  const { stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(new URL("examples/workers.mjs", root))], {
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  // 200,000 in 8 bytes, little endian.
  expect(stdout.trim()).toBe("XDP_PASS, XDP_PASS { seen: [ { key: '00000000', value: '400d030000000000' } ] }");
});

describe("what cannot be shared says so", () => {
  const needs = assembled("needs", "r1 = map[mine]; r0 = 0; exit");
  const share = (maps: MapSpec[], options: object = {}): (() => unknown) => {
    const program = maps.length === 0 ? ONE : needs;
    const vm = load({ programs: [program], maps }, { shared: true, ...options });
    return () => vm.share();
  };

  test("a VM that was not loaded for it", () => {
    expect(share([], { shared: false })).toThrow(expect.objectContaining({ code: "NOT_SHARED" }));
  });

  test("a second time", () => {
    const vm = load({ programs: [ONE], maps: [] }, { shared: true });
    vm.share();
    expect(() => vm.share()).toThrow(expect.objectContaining({ code: "ALREADY_SHARED" }));
  });

  test("maps of maps that a program names; others are left out", () => {
    const mine = { ...map("mine", "array_of_maps", 1, 4), inner: map("inner", "array", 1) };
    const vm = load({ programs: [ONE, needs], maps: [mine, map("other", "array", 1)] }, { shared: true });
    expect(() => vm.share()).toThrow(expect.objectContaining({ code: "NOT_SHAREABLE" }));
    expect(vm.share({ programs: ["one"] }).maps.map(({ spec }) => spec.name)).toEqual(["other"]);
    vm.dispose();
  });

  test("a program there is not", () => {
    const vm = load({ programs: [ONE], maps: [] }, { shared: true });
    expect(() => vm.share({ programs: ["two"] })).toThrow(expect.objectContaining({ code: "NO_SUCH_PROGRAM" }));
    vm.dispose();
  });

  test("maps of one's own", () => {
    const own = { createMap: (spec: MapSpec, environment: never) => ({ ...createMap(spec, environment), spec }) };
    expect(share([map("mine", "array", 1)], own)).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
  });

  test("an engine that cannot", () => {
    const engine = engineAt("interpreter");
    const alone = { ...engine, capabilities: { ...engine.capabilities, workers: false }, link: engine.link };
    expect(share([], { engine: alone })).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
  });

  test("a program that is not among those shared, put into a program array", () => {
    const vm = load({ programs: [ONE], maps: [map("programs", "prog_array", 4, 4)] }, { shared: true });
    vm.share();
    expect(() => vm.setSlot("programs", 1, assembled("new", "r0 = 9; exit"))).toThrow(
      expect.objectContaining({ code: "NOT_SHARED" }),
    );
    vm.setSlot("programs", 1, ONE);
    vm.dispose();
  });
});
