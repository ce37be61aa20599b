import type { Program } from "@bpfkit/core";
import { describe, expect, test } from "vitest";
import {
  ADD,
  ANY,
  assembled,
  CALLER,
  COUNTERS,
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
  workersMissing,
} from "../src/workers.js";

/** How long threads change one map. */
const RACE_MILLISECONDS = Number(process.env["BPFKIT_RACE_MILLISECONDS"] ?? 600);

describe.skipIf(workersMissing !== "").each(SHARING)(`threads race in %s${workersMissing}`, (level: Level) => {
  test("atomics of four threads and the owner lose nothing", async () => {
    const vm = sharableVm(level, [ADD], [COUNTERS]);
    const runs = level === "interpreter" ? 20_000 : 200_000;
    // Linked before it is shared, as any VM's.
    vm.program("add").link();
    const workers = inWorkers(
      vm.share({ threads: 4 }),
      level,
      4,
      `const vm = attach(shared, { engine });
      const { fault } = vm.program("add").run({}, { repeat: data });
      vm.dispose();
      return fault?.message;`,
      runs,
    );
    for (let left = 10; left > 0; left--) {
      expect(vm.program("add").run({}, { repeat: runs / 10 }).fault).toBeUndefined();
      await new Promise(setImmediate);
    }
    expect(await workers).toEqual([undefined, undefined, undefined, undefined]);
    const words = new BigUint64Array(vm.map("counters").get(KEY_0)!.buffer);
    expect([...words]).toEqual([5 * runs, 5 * runs, 5 * runs, 0, 5 * runs].map(BigInt));
    vm.dispose();
  });

  test("8 bytes are written and read whole", async () => {
    const flip = assembled(
      "flip",
      `${lookUp("word")} r1 = -1; *(u64 *)(r0 + 0) = r1; *(u64 *)(r0 + 0) = 0; r0 = 0; out: exit`,
    );
    // r0: whether the halves differ.
    const look = assembled(
      "look",
      `${lookUp("word")} r0 = *(u64 *)(r0 + 0); r1 = r0; r1 >>= 32; r0 <<= 32; r0 >>= 32; r0 ^= r1; out: exit`,
    );
    const vm = sharableVm(level, [flip, look], [map("word", "array", 1)]);
    const shared = vm.share({ threads: 2 });
    const body = `const vm = attach(shared, { engine });
      const program = vm.program(data);
      let torn = 0;
      for (const end = Date.now() + 400; Date.now() < end; )
        for (let run = 0; run < 1000; run++) if (program.run({}).r0 !== 0n) torn++;
      vm.dispose();
      return torn;`;
    const results = ["flip", "look"].map((program) => startWorker(shared, level, body, program).result);
    expect(await Promise.all(results)).toEqual([0, 0]);
    vm.dispose();
  });

  // Keys 0 to 3 are always there, and changed all the time; the others come and go. A value's upper half is its lower one's
  // complement, on every CPU. Buckets are so few that all chains are long and entries move between them.
  const CHURN = (type: string): Program[] => [
    assembled(
      "churn",
      `r9 = 64
      loop: call get_prandom_u32; r6 = r0; r6 &= 15; *(u32 *)(r10 - 4) = r6
      call get_prandom_u32; r7 = r0; r7 <<= 32; r7 >>= 32; r8 = r7; r8 ^= -1; r8 <<= 32; r7 |= r8; *(u64 *)(r10 - 16) = r7
      r2 = r10; r2 += -4; r1 = map[shared]
      if r6 < 4 goto update
      r0 &= 1; if r0 == 0 goto remove
      update: r3 = r10; r3 += -16; r4 = 0; call map_update_elem; goto next
      remove: call map_delete_elem
      next: r9 += -1; if r9 != 0 goto loop
      r0 = 0; exit`,
    ),
    // r0: 1 for a key that is gone, 2 for halves that do not fit. A CPU that never wrote a key's value has zero.
    assembled(
      "look",
      `r9 = 4096
      loop: call get_prandom_u32; r6 = r0; r6 &= 7; *(u32 *)(r10 - 4) = r6
      r2 = r10; r2 += -4; r1 = map[shared]; call map_lookup_elem
      if r0 == 0 goto gone
      r0 = *(u64 *)(r0 + 0); if r0 == 0 goto next; r1 = r0; r1 >>= 32; r1 ^= -1; r1 <<= 32; r0 <<= 32; if r0 != r1 goto torn
      goto next
      gone: if r6 < ${type.startsWith("lru") ? 0 : 4} goto lost
      next: r9 += -1; if r9 != 0 goto loop
      r0 = 0; exit
      lost: r0 = 1; exit
      torn: r0 = 2; exit`,
    ),
  ];

  test.each([
    ["hash", 12],
    ["percpu_hash", 12],
    ["lru_hash", 6],
    ["lru_percpu_hash", 6],
  ])("a %s map that two threads change and two read", async (type, entries) => {
    const vm = sharableVm(level, CHURN(type), [map("shared", type, entries)], 5);
    const storage = vm.map("shared");
    const empty = new Uint8Array(8 * (storage.cpus ?? 1));
    new Uint32Array(empty.buffer).forEach((_, index, words) => {
      words[index] = index & 1 ? 0xffff_ffff : 0;
    });
    const key = (number: number): Uint8Array => new Uint8Array(Uint32Array.of(number).buffer);
    for (let number = 0; number < 4; number++) storage.set(key(number), empty);
    const shared = vm.share({ threads: 4 });
    const body = `const cpu = data.cpu;
      const vm = attach(shared, { engine, effects: fixedEffects({ seed: 77 * cpu, cpu }) });
      const program = vm.program(data.program);
      const seen = {};
      for (const end = Date.now() + data.milliseconds; Date.now() < end; ) {
        const { r0, fault } = program.run({});
        const what = fault?.message ?? String(r0);
        seen[what] = (seen[what] ?? 0) + 1;
      }
      vm.dispose();
      return Object.keys(seen);`;
    const programs = ["churn", "look", "churn", "look"];
    const results = programs.map(
      (program, index) =>
        startWorker(shared, level, body, { program, cpu: index + 1, milliseconds: RACE_MILLISECONDS }).result,
    );
    // User space looks on.
    for (const end = Date.now() + 400; Date.now() < end; await new Promise(setImmediate)) {
      const keys = [...storage.keys()].map(String);
      expect(new Set(keys).size).toBe(keys.length);
      expect(keys.length).toBeLessThanOrEqual(entries);
    }
    expect(await Promise.all(results)).toEqual(programs.map(() => ["0"]));
    // No entry was lost or is in two chains: empty, it takes as many as ever.
    for (const one of storage.keys()) storage.delete(one);
    expect([...storage.keys()]).toEqual([]);
    for (let number = 100; number < 100 + entries; number++) storage.set(key(number), empty);
    expect([...storage.keys()]).toHaveLength(entries);
    vm.dispose();
  });

  test("a program array's slot is changed while others tail-call through it", async () => {
    const vm = sharableVm(level, [CALLER, ANY, ONE, TWO], [PROGRAMS]);
    vm.setSlot("programs", 1, ONE);
    // Whether threads are to stop, and how many have seen all there is to see.
    const words = new Int32Array(new SharedArrayBuffer(8));
    const body = `const vm = attach(shared, { engine });
      const seen = new Set();
      let all = false;
      while (Atomics.load(data, 0) === 0) {
        for (const program of [vm.program("caller"), vm.program("any")])
          for (let call = 0; call < 50; call++) {
            const { r0, fault } = program.run({ data: Uint8Array.of(1, 0, 0, 0) });
            seen.add(fault?.message ?? String(r0));
          }
        if (!all && seen.size >= 3) Atomics.add(data, 1, 1);
        all = seen.size >= 3;
      }
      vm.dispose();
      return [...seen].sort();`;
    const workers = inWorkers(vm.share({ threads: 2 }), level, 2, body, words);
    const begun = Date.now();
    while (Date.now() < begun + 400 || (Atomics.load(words, 1) < 2 && Date.now() < begun + 20_000)) {
      for (let round = 0; round < 100; round++)
        for (const target of [TWO, undefined, ONE]) vm.setSlot("programs", 1, target);
      await new Promise(setImmediate);
    }
    Atomics.store(words, 0, 1);
    expect(await workers).toEqual([
      ["1", "2", "3"],
      ["1", "2", "3"],
    ]);
    vm.dispose();
  });
});
