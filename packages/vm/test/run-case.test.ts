import { deflateSync } from "node:zlib";
import { type CaseAnswer, type CaseOptions, type CaseResult, parseCase, runCase } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { failing, object } from "./support.js";

const readObject = async (path: string): Promise<Uint8Array> => object(path);
const run = (value: unknown, options: Partial<CaseOptions> = {}): Promise<CaseResult> =>
  runCase(parseCase(value, "case"), { readObject, ...options });

const asm = (name: string, text: string, more: object = {}) => ({ name, type: "raw", asm: text, ...more });
const array = { type: "array", keySize: 4, valueSize: 8, maxEntries: 4 };
const KEY = "00000000";
const COUNT = "r1 = mapval[0] + 0; r0 = *(u64 *)(r1 + 0); r0 += 1; *(u64 *)(r1 + 0) = r0; exit";
const counts = { ...array, maxEntries: 1, name: "counts" };
const programs = { type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 2, name: "programs" };
const TAIL = "r2 = map[programs]; r3 = 0; call tail_call; r0 = 1; exit";

/** A case of one raw program, run once on 2 bytes. */
const running = (text: string, expectation: object) => ({
  id: "x",
  programs: [asm("main", text)],
  runs: [{ data: "0102", expect: expectation }],
});

describe("every expectation of a run, as it passes and as it fails", () => {
  const skb = (text: string, expectation: object) => ({
    id: "x",
    programs: [asm("main", text, { type: "sched_cls" })],
    runs: [{ expect: expectation }],
  });
  test.each<[string, object, string]>([
    ["retval", running("r0 = -1; exit", { retval: -1 }), ""],
    ["retval", running("r0 = -1; exit", { retval: 4294967295 }), ""],
    ["retval", running("r0 = 5; exit", { retval: 6 }), "run 0 of main: retval 5, expected 6"],
    ["r0", running("r0 = -1; exit", { r0: "0xffffffffffffffff" }), ""],
    ["r0", running("r0 = -1; exit", { r0: -1 }), ""],
    ["r0", running("r0 = 1; exit", { r0: "0x100000001" }), "run 0 of main: r0 1, expected 4294967297"],
    ["dataOut", running("*(u8 *)(r1 + 1) = 255; r0 = 0; exit", { dataOut: "01 FF" }), ""],
    ["dataOut", running("r0 = 0; exit", { dataOut: "0103" }), 'run 0 of main: dataOut "0102", expected "0103"'],
    ["action", skb("r0 = 2; exit", { action: "TC_ACT_SHOT" }), ""],
    [
      "action",
      skb("r0 = 2; exit", { action: "TC_ACT_OK" }),
      'run 0 of main: action "TC_ACT_SHOT", expected "TC_ACT_OK"',
    ],
    ["ctx", skb("*(u32 *)(r1 + 8) = 7; r0 = 0; exit", { ctx: { mark: 7 } }), ""],
    ["ctx", skb("r0 = 0; exit", { ctx: { mark: 7 } }), "run 0 of main: ctx mark nothing, expected 7"],
    ["a fault", running("r0 = *(u8 *)(r9 + 0); exit", { fault: true }), ""],
    ["a fault", running("r0 = 0; exit", { fault: true }), "run 0 of main: fault false, expected true"],
    ["a kind of fault", running("r0 = *(u8 *)(r9 + 0); exit", { fault: "read" }), ""],
    [
      "a kind of fault",
      running("r0 = *(u8 *)(r9 + 0); exit", { fault: "write" }),
      'run 0 of main: fault "read", expected "write"',
    ],
    ["a kind of fault", running("r0 = 0; exit", { fault: "read" }), 'run 0 of main: fault nothing, expected "read"'],
    ["no fault", running("r0 = 0; exit", { fault: false }), ""],
    ["no fault", running("r0 = *(u8 *)(r9 + 0); exit", { fault: false }), "run 0 of main: fault true, expected false"],
  ])("%s: %j", async (_, value, difference) => {
    expect(await run(value)).toMatchObject({
      id: "x",
      ok: difference === "",
      detail: difference === "" ? [] : [difference],
    });
  });

  test("a fault nobody expected fails, whatever addresses its words have", async () => {
    const result = await run(running("r0 = *(u8 *)(r1 + 2); exit", { retval: 1 }));
    expect(result).toMatchObject({
      ok: false,
      detail: [expect.stringMatching(/^run 0 of main: .*read of 1 byte at 0x/)],
    });
    expect(result.skipped).toBeUndefined();
  });

  test("a pointer that comes back by mistake fails, too", async () => {
    const result = await run(running("r0 = r1; exit", { retval: 1 }));
    expect([result.ok, result.skipped]).toEqual([false, undefined]);
  });
});

describe("every read", () => {
  const reading = (read: object, more: object = {}) => ({
    id: "x",
    programs: [asm("main", COUNT)],
    maps: [counts, { ...array, type: "hash", name: "hashed" }],
    runs: [{}, {}],
    reads: [read],
    ...more,
  });
  test.each<[string, object, string]>([
    ["a value", reading({ map: "counts", key: KEY, expect: "02 00000000000000" }), ""],
    [
      "a value",
      reading({ map: 0, key: KEY, expect: "0300000000000000" }),
      `map counts, key ${KEY}: "0200000000000000", expected "0300000000000000"`,
    ],
    ["no entry", reading({ map: "hashed", key: KEY, expect: null }), ""],
    [
      "no entry",
      reading({ map: 0, key: KEY, expect: null }),
      `map counts, key ${KEY}: "0200000000000000", expected null`,
    ],
    ["an entry", reading({ map: 1, key: KEY, expect: "00" }), `map hashed, key ${KEY}: null, expected "00"`],
    ["how many", reading({ map: 0, count: 1 }), ""],
    ["how many", reading({ map: 1, count: 1 }), "map hashed: entries 0, expected 1"],
    ["after a run", reading({ map: 0, key: KEY, expect: "0100000000000000", after: 0 }), ""],
    [
      "after a run",
      reading({ map: 0, key: KEY, expect: "0100000000000000", after: 1 }),
      `map counts, key ${KEY}: "0200000000000000", expected "0100000000000000"`,
    ],
    ["a key of another length", reading({ map: 0, key: "00", expect: null }), "map counts: a key has 4 bytes, not 1"],
  ])("%s: %j", async (_, value, difference) => {
    const { ok, detail } = await run(value);
    expect([ok, detail]).toEqual([difference === "", difference === "" ? [] : [difference]]);
  });

  test("values of all CPUs, names of programs and of inner maps", async () => {
    const perCpu = { ...array, type: "percpu_array", name: "cpus", maxEntries: 1 };
    const value = {
      id: "x",
      programs: [asm("main", "r0 = 1; exit")],
      maps: [perCpu, programs],
      init: [{ map: "cpus", key: KEY, values: ["0100000000000000", "0200000000000000"] }],
      slots: [{ map: "programs", index: 1, program: "main" }],
      reads: [
        { map: "cpus", key: KEY, expect: ["01 00000000000000", "0200000000000000"] },
        { map: "programs", key: "01000000", expect: "main" },
        { map: "programs", key: KEY, expect: null },
        { map: "programs", count: 1 },
      ],
    };
    expect(await run(value, { cpus: 2 })).toMatchObject({ ok: true, detail: [] });
  });

  test.each([
    ["records", { map: 0, records: [] }],
    ["items", { map: 0, items: [] }],
  ])("%s of a map that has none are no case", async (_, read) => {
    await expect(run(reading(read))).rejects.toThrow(failing("BAD_CASE", /neither records nor items/) as Error);
  });
});

describe("in the order of things", () => {
  test("maps are new for each case and live through its runs", async () => {
    const value = {
      id: "x",
      programs: [asm("main", COUNT)],
      maps: [{ ...counts, init: "0500000000000000" }],
      runs: [{ expect: { retval: 6 } }, { expect: { retval: 7 } }],
    };
    for (let round = 0; round < 2; round++) expect(await run(value)).toMatchObject({ ok: true, detail: [] });
  });

  test("init and slots of a run come before it", async () => {
    const value = {
      id: "x",
      programs: [asm("main", TAIL), asm("two", "r0 = 2; exit"), asm("count", COUNT.replace("[0]", "[counts]"))],
      maps: [programs, counts],
      slots: [{ map: "programs", index: 0, program: "two" }],
      runs: [
        { program: "main", expect: { retval: 2 } },
        { program: "main", slots: [{ map: 0, index: 0, program: null }], expect: { retval: 1 } },
        {
          program: "main",
          init: [{ map: "counts", key: KEY, value: "0900000000000000" }],
          slots: [{ map: 0, index: "0x0", program: "count" }],
          expect: { retval: 10 },
        },
        { program: "main", slots: [{ map: 0, index: 0, delete: true }], expect: { retval: 1 } },
      ],
    };
    expect(await run(value)).toMatchObject({ ok: true, detail: [] });
  });

  test("answers of slots are compared", async () => {
    const slot = (more: object) => ({
      id: "x",
      programs: [asm("main", "r0 = 1; exit")],
      maps: [programs],
      slots: [{ map: 0, index: 0, ...more }],
    });
    expect((await run(slot({ program: "main" }))).ok).toBe(true);
    expect((await run(slot({ delete: true, expect: "ENOENT" }))).ok).toBe(true);
    expect((await run(slot({ program: "main", flags: 1, expect: "EINVAL" }))).ok).toBe(true);
    expect(await run(slot({ index: 2, program: "main" }))).toMatchObject({
      ok: false,
      detail: ['slot 2 of map programs: "E2BIG", expected "ok"'],
    });
  });

  test("a run has its own data, context and repeat", async () => {
    const value = {
      id: "x",
      programs: [asm("main", "r0 = *(u32 *)(r1 + 8); r0 += 1; *(u32 *)(r1 + 8) = r0; exit", { type: "sched_cls" })],
      runs: [
        { ctx: { mark: "0x10" }, expect: { retval: 17, ctx: { mark: 17 } } },
        { ctx: { mark: 1 }, repeat: 3, expect: { retval: 4 } },
        { expect: { retval: 1 } },
        { data: "00".repeat(13), expect: { retval: 1 } },
      ],
    };
    const { ok, detail } = await run(value);
    expect([ok, detail]).toEqual([false, [expect.stringMatching(/at least 14 bytes/)]]);
  });

  test("a profile's count and limit hold", async () => {
    const value = (profile: object, retval: number) => ({
      id: "x",
      profile,
      programs: [asm("main", "r2 = map[programs]; r3 = 0; call tail_call; r0 = 5; exit")],
      maps: [programs],
      slots: [{ map: 0, index: 0, program: "main" }],
      runs: [{ expect: { retval } }],
    });
    expect((await run(value({ version: "5.10", tailCallLimit: 3 }, 5))).ok).toBe(true);
    await expect(run(value({ version: "2.4" }, 5))).resolves.toMatchObject({ ok: false });
  });
});

describe("programs", () => {
  test.each([
    ["of text", { asm: "r0 = 7; exit" }],
    ["of slots in hex", { insns: "b700000007000000 9500000000000000" }],
    [
      "of packed slots",
      { insnsZ: deflateSync(Buffer.from("b7000000070000009500000000000000", "hex")).toString("base64") },
    ],
  ])("%s", async (_, code) => {
    const value = { id: "x", programs: [{ name: "main", type: "raw", ...code }], runs: [{ expect: { retval: 7 } }] };
    expect(await run(value)).toMatchObject({ ok: true, detail: [] });
  });

  test("with maps by index in their slots", async () => {
    const insns = "1811000001000000 0000000000000000 b700000000000000 9500000000000000";
    const value = {
      id: "x",
      programs: [{ name: "main", type: "raw", insns }],
      maps: [array, array],
      runs: [{ expect: { retval: 0 } }],
    };
    expect(await run(value)).toMatchObject({ ok: true, detail: [] });
    expect(await run({ ...value, maps: [array] })).toMatchObject({
      ok: false,
      detail: [expect.stringMatching(/no reference that names one/)],
    });
  });

  test("of an object, and what they are expected to say", async () => {
    const value = {
      id: "x",
      object: "v3/calls.o",
      runs: [{ program: "static_call", data: `05${"00".repeat(63)}`, expect: { retval: 11 } }],
    };
    expect(await run(value)).toMatchObject({ ok: true, detail: [] });
  });

  test.each<[string, object, string | RegExp]>([
    ["of nothing", { programs: [{ name: "main", type: "raw" }] }, /^x: program main needs "insns" or "asm"$/],
    [
      "of what is not packed",
      { programs: [{ name: "main", type: "raw", insnsZ: "!!" }] },
      /^x: "insnsZ" must be base64 of zlib$/,
    ],
    [
      "of more than a million slots",
      { programs: [{ name: "main", type: "raw", insnsZ: deflateSync(Buffer.alloc(8_000_008)).toString("base64") }] },
      /^x: "insnsZ" is more than 8000000 bytes of code$/,
    ],
    [
      "that are not there to run",
      { programs: [asm("main", "exit")], runs: [{ program: "other", expect: { retval: 1 } }] },
      "there is no program other",
    ],
    ["none to run", { runs: [{ expect: { retval: 1 } }] }, "there is no program to run"],
    [
      "and maps beside an object",
      { object: "v3/calls.o", maps: [array] },
      "x: maps: a case of an object has the object's maps",
    ],
    [
      "and code beside an object",
      { object: "v3/calls.o", programs: [asm("main", "exit")] },
      "x: program main: a case of an object has the object's code",
    ],
    [
      "slots of a map in a case",
      { maps: [{ ...programs, slots: { 0: "ret 1" } }] },
      /^x: map programs: its slots are filled by/,
    ],
    [
      "a read after no run",
      { maps: [array], reads: [{ map: 0, count: 4, after: 0 }] },
      "x: a read after run 0: the case has 0 runs, counted from 0",
    ],
    ["a map of no number", { reads: [{ map: 3, count: 4 }] }, "there is no map 3; the case has 0"],
    [
      "a slot of no program array",
      { maps: [array], slots: [{ map: 0, index: 0, delete: true }] },
      "map map0 is no program array",
    ],
  ])("%s: no case", async (_, value, message) => {
    await expect(run({ id: "x", ...value })).rejects.toThrow(failing("BAD_CASE", message) as Error);
  });
});

describe("recorded cases of one program", () => {
  const single = (more: object) => ({
    id: "x",
    type: "xdp",
    insns: "b700000002000000 9500000000000000",
    expect: { verdict: "accept", runs: [{ data: "00".repeat(64), retval: 2 }] },
    ...more,
  });
  const verify = (): CaseAnswer => ({ verdict: "accept" });

  test("run", async () => {
    expect(await run(single({}), { verify })).toMatchObject({ ok: true, detail: [] });
    const wrong = single({ expect: { runs: [{ data: "00".repeat(64), retval: 3 }] } });
    expect(await run(wrong, { verify })).toMatchObject({ ok: false, detail: ["run 0 of main: retval 2, expected 3"] });
  });

  test("whose result is a pointer are skipped, with the reason; one that faults is not", async () => {
    // r0 = r10; exit
    const pointer = { insns: "bfa0000000000000 9500000000000000" };
    expect(await run(single(pointer), { verify })).toMatchObject({
      ok: true,
      skipped: "its result depends on addresses, which are each engine's own",
    });
    // r0 = *(u8 *)(r10 + 0); exit
    const faulting = { insns: "71a0000000000000 9500000000000000" };
    const result = await run(single(faulting), { verify });
    expect([result.ok, result.skipped]).toEqual([false, undefined]);
  });

  test("name maps by slot", async () => {
    // r1 = map; r0 = 2; exit
    const insns = "1811000000000000 0000000000000000 b700000002000000 9500000000000000";
    expect(await run(single({ insns, maps: [array], mapRefs: { 0: 0 } }), { verify })).toMatchObject({ ok: true });
    await expect(run(single({ insns, maps: [array], mapRefs: { 0: 1 } }), { verify })).rejects.toThrow(
      failing("BAD_CASE", "x: mapRefs: there is no map 1") as Error,
    );
    // A slot that is none leaves the load without a name.
    const nameless = await run(single({ insns, maps: [array], mapRefs: { 90: 0 } }), { verify });
    expect(nameless).toMatchObject({ ok: false, detail: [expect.stringMatching(/no reference that names one/)] });
  });

  test("have programs in their arrays", async () => {
    // r2 = map; r3 = 0; call tail_call; r0 = 2; exit
    const insns =
      "1812000000000000 0000000000000000 b703000000000000 850000000c000000 b700000002000000 9500000000000000";
    const filled = (slots: object) =>
      single({
        insns,
        maps: [{ ...programs, slots }],
        mapRefs: { 0: 0 },
        expect: { runs: [{ data: "00".repeat(64), retval: 9 }] },
      });
    expect(await run(filled({ 0: "ret 9" }), { verify })).toMatchObject({ ok: true, detail: [] });
    expect(await run(filled({ 1: "ret 9" }), { verify })).toMatchObject({ ok: false });
    await expect(run(filled({ 0: "return 9" }), { verify })).rejects.toThrow(
      failing("BAD_CASE", 'slot 0 of programs: must be "ret N" or "loop pN", not "return 9"') as Error,
    );
  });
});

describe("verdicts", () => {
  const judged = (expectation: object) => ({
    id: "x",
    programs: [asm("main", "r0 = 2; exit", { type: "xdp", expect: expectation })],
  });
  const saying = (answer: CaseAnswer) => ({ verify: () => answer });
  const rejecting = saying({ verdict: "reject", errno: "EACCES", message: "no", stackDepth: [8, 0] });

  test.each<[object, string[]]>([
    [{ verdict: "reject" }, []],
    [{ verdict: "reject", errno: "EACCES", stackDepth: [8, 0] }, []],
    [{ verdict: "accept" }, ['main: verdict "reject", expected "accept"']],
    [{ verdict: "accept", errno: "EINVAL" }, ['main: verdict "reject", expected "accept"']],
    [{ verdict: "reject", errno: "EINVAL" }, ['main: errno "EACCES", expected "EINVAL"']],
    [{ stackDepth: [8, 16] }, ["main: stack depth [8,0], expected [8,16]"]],
    [{ verdict: "reject", message: "yes" }, []],
  ])("%j", async (expectation, detail) => {
    expect(await run(judged(expectation), rejecting)).toMatchObject({ ok: detail.length === 0, detail });
  });

  test("messages are compared where that is asked for", async () => {
    const value = judged({ verdict: "reject", message: "yes" });
    expect(await run(value, { ...rejecting, messages: true })).toMatchObject({
      ok: false,
      detail: ['main: message "no", expected "yes"'],
    });
  });

  test("a rejected program does not run", async () => {
    const value = { ...judged({}), runs: [{ expect: { retval: 2 } }] };
    expect(await run(value, saying({ verdict: "accept" }))).toMatchObject({ ok: true });
    expect(await run(value, rejecting)).toMatchObject({ ok: false, detail: ["program main is rejected: no"] });
  });

  test("a program that does not fit the owner of an array it names is rejected, as the kernel does", async () => {
    const two = (expectation: object) => ({
      id: "x",
      programs: [asm("first", TAIL), asm("second", TAIL, { type: "xdp", expect: expectation })],
      maps: [programs],
    });
    expect(await run(two({ verdict: "reject", errno: "EINVAL" }))).toMatchObject({ ok: true, detail: [] });
    expect(await run(two({ verdict: "accept" }))).toMatchObject({ ok: false });
  });
});

describe("a case that compares nothing fails", () => {
  const ok = { id: "x", programs: [asm("main", "r0 = 1; exit")] };
  test.each([
    ["no runs, reads or slots", ok],
    ["a run without expectation", { ...ok, runs: [{}] }],
    ["a run with an empty one", { ...ok, runs: [{ expect: {} }] }],
    ["a program with an empty one", { id: "x", programs: [asm("main", "r0 = 1; exit", { expect: {} })] }],
    [
      "only words about it",
      { id: "x", programs: [asm("main", "r0 = 1; exit", { expect: { why: "so", insnsProcessed: 5 } })] },
    ],
    [
      "a recorded run without its result",
      { id: "x", type: "raw", insns: "b700000002000000 9500000000000000", expect: { runs: [{}] } },
    ],
  ])("%s", async (_, value) => {
    expect(await run(value)).toMatchObject({ ok: false, detail: ["the case compares nothing"] });
  });
});

describe("what is not there skips a case, with the reason", () => {
  test.each<[string, object, RegExp]>([
    [
      "a type of map",
      { maps: [{ ...array, type: "bloom_filter", keySize: 0 }], reads: [{ map: "map0", count: 0 }] },
      /there are no maps of type bloom_filter here/,
    ],
    [
      "a type of program",
      { programs: [asm("main", "r0 = 0; exit", { type: "perf_event" })], runs: [{ expect: { retval: 0 } }] },
      /perf_event/,
    ],
    [
      "a helper",
      { programs: [asm("main", "call 211; exit")], runs: [{ expect: { retval: 0 } }] },
      /#211 is not available here/,
    ],
  ])("%s", async (_, value, reason) => {
    const result = await run({ id: "x", ...value }, { verify: () => ({ verdict: "accept" }) });
    expect(result).toMatchObject({ ok: true, skipped: expect.stringMatching(reason) });
  });

  test("but not where the fault is expected", async () => {
    const value = {
      id: "x",
      programs: [asm("main", "call 211; exit")],
      runs: [{ expect: { fault: "not-available" } }],
    };
    const result = await run(value);
    expect([result.ok, result.skipped]).toEqual([true, undefined]);
  });
});

test("text that cannot be assembled is a failure, with its line", async () => {
  expect(
    await run({ id: "x", programs: [asm("main", "r0 = \nexit")], runs: [{ expect: { retval: 1 } }] }),
  ).toMatchObject({
    ok: false,
    detail: [expect.stringMatching(/^line \d+:\d+: /)],
  });
});

test("an object that cannot be read is a failure; one that is not there is the reader's error", async () => {
  const value = { id: "x", object: "x.o", runs: [{ expect: { retval: 1 } }] };
  expect(await run(value, { readObject: async () => new Uint8Array(3) })).toMatchObject({ ok: false });
  await expect(run(value)).rejects.toThrow(/ENOENT/);
});
