import { describe, expect, test } from "vitest";
import { folderWith, inRoot, objects } from "./harness.js";
import { run } from "./in-process.js";

const MIXED = inRoot("examples/mixed.o");
const fixture = (name: string): string => inRoot(`tools/fixtures/objects/v3/${name}.o`);
const ENTRY = ["run", MIXED, "--program", "entry"];

/** A frame whose first bytes are these. */
const frame = (...first: number[]): string =>
  Buffer.from([...first, ...Array(64 - first.length).fill(0)]).toString("hex");

const folder = folderWith({
  "drop.bpf": "r0 = 1\nexit\n",
  "read8.bpf": "r0 = *(u64 *)(r1 + 0)\nexit\n",
  "loop.bpf": "again:\nr1 += 1\ngoto again\n",
  "frame.bin": Buffer.from(frame(1, 5), "hex"),
  "counters.json": '[{"key":"01000000","value":"0700000000000000"}]',
});

describe("a run as JSON", () => {
  test("says all that the contract lists", async () => {
    const ended = await run(...ENTRY, "--json");
    expect(ended).toMatchObject({ status: 0, stderr: "" });
    expect(objects(ended)).toEqual([
      {
        program: "entry",
        type: "xdp",
        engine: "interpreter",
        safety: "checked",
        verified: false,
        r0: "42",
        insns: 12,
        tailCalls: 1,
        missedTailCalls: 0,
        ns: expect.any(Number),
        dataOut: "00".repeat(64),
      },
    ]);
  });

  test("names the action and gives counts of one run, however often it is repeated", async () => {
    const [one] = objects(await run("run", `${folder}/drop.bpf`, "--type", "xdp", "--repeat", "1000", "--json"));
    expect(one).toMatchObject({ r0: "1", action: "XDP_DROP", insns: 2 });
    expect(one!["ns"]).toBeLessThan(1e6);
  });

  test("a fault has its kind, place, address and frames; status 1", async () => {
    const ended = await run("run", `${folder}/read8.bpf`, "--data-hex", "0102", "--json");
    expect(ended).toMatchObject({ status: 1, stderr: "" });
    const [one] = objects(ended);
    expect(one).not.toHaveProperty("r0");
    expect(one!["fault"]).toMatchObject({
      kind: "read",
      message: expect.stringContaining("the memory (2 bytes)"),
      program: "main",
      slot: 0,
      address: expect.stringMatching(/^\d+$/),
      size: 8,
      frames: [{ program: "main", subprogram: "main", slot: 0 }],
    });
  });

  test("unsigned 64 bits, as a decimal string", async () => {
    const [one] = objects(await run("run", `${folder}/read8.bpf`, "--data-hex", "ff".repeat(8), "--json"));
    expect(one).toMatchObject({ r0: "18446744073709551615" });
  });

  test("what a program writes into its context comes back, numbers of 32 bits as numbers", async () => {
    const mark = folderWith({ "mark.bpf": "*(u32 *)(r1 + 8) = 0x11\nr0 = 0\nexit\n" });
    const args = ["run", `${mark}/mark.bpf`, "--type", "sched_cls", "--ctx", "mark=0x10", "priority=7", "--json"];
    expect(objects(await run(...args))[0]).toMatchObject({ ctx: { mark: 17 }, action: "TC_ACT_OK" });
  });
});

describe("a run in words", () => {
  test("one line", async () => {
    const { stdout } = await run(...ENTRY);
    expect(stdout).toMatch(
      /^entry \(xdp, interpreter, checked\): r0 = 42, 12 instructions, 1 tail call, [\d.]+ .?s, not verified\n$/,
    );
  });

  test("a fault and its frames", async () => {
    const { status, stdout } = await run(...ENTRY, "--budget", "5");
    expect(status).toBe(1);
    expect(stdout).toContain("fault (budget), 5 instructions");
    expect(stdout).toContain("the budget of 5 instructions is used up");
    expect(stdout).toContain("  in subprogram of entry, slot 10\n  in entry of entry, slot 2\n");
  });
});

describe("what a program is run on", () => {
  const count = async (...args: string[]): Promise<unknown> =>
    objects(await run("run", fixture("data_maps"), "--program", "count", "--json", ...args))[0]!["r0"];

  test.each([
    ["--data", `${folder}/frame.bin`],
    ["--data-hex", frame(1, 5)],
    ["--data-hex", frame(1, 5).replace(/../g, "$& ").toUpperCase()],
    ["--packet", `payload(0105,length=64)`],
  ])("%s", async (...args) => expect(await count(...args)).toBe("5"));

  test("64 zero bytes where nothing is given", async () => expect(await count()).toBe("0"));

  test("each packet of a pcap, maps going on, shown on the last line", async () => {
    const record = (hex: string): string =>
      `${"00".repeat(8)}${hex.length === 128 ? "4000000040000000" : "0500000005000000"}${hex}`;
    const header = "d4c3b2a1020004000000000000000000ffff000001000000";
    const packets = [frame(1, 5), "0000000000", frame(1, 6)].map(record).join("");
    const { "0": path } = [`${folderWith({ "a.pcap": Buffer.from(header + packets, "hex") })}/a.pcap`];
    const ended = await run("run", fixture("data_maps"), "--program", "count", "--pcap", path, "--dump-maps", "--json");
    expect(ended.status).toBe(1);
    const all = objects(ended);
    expect(all.map(({ r0, refused }) => r0 ?? refused)).toEqual([
      "5",
      expect.stringContaining("EINVAL: a packet has at least 14 bytes"),
      "11",
    ]);
    expect(all.map(({ maps }) => maps !== undefined)).toEqual([false, false, true]);
    expect(all[2]!["maps"]).toMatchObject({ counters: [{ key: "01000000", value: "0b00000000000000" }], seen: [] });
  });
});

describe("maps", () => {
  const count = ["run", fixture("data_maps"), "--program", "count", "--dump-maps", "--json"];

  test("are filled and shown", async () => {
    const [one] = objects(await run(...count, "--data-hex", frame(1, 5), "--map", `counters=${folder}/counters.json`));
    expect(one).toMatchObject({
      r0: "12",
      maps: { counters: [{ key: "01000000", value: "0c00000000000000", decoded: "12" }] },
    });
  });

  test("--all shows entries that are all zero, too", async () => {
    const [one] = objects(await run(...count, "--all"));
    expect(one!["maps"]).toMatchObject({
      counters: [{ key: "00000000" }, { key: "01000000" }, { key: "02000000" }, { key: "03000000" }],
    });
  });

  test("per-CPU maps show every CPU's value", async () => {
    const args = ["run", fixture("data_maps"), "--program", "per_cpu", "--cpus", "2", "--dump-maps", "--json"];
    expect(objects(await run(...args))[0]!["maps"]).toMatchObject({ each_cpu: [{ values: ["01000000", "00000000"] }] });
  });

  test("global data is named by its section, and decoded", async () => {
    const args = ["run", fixture("globals"), "--program", "count_bss", "--dump-maps"];
    const [one] = objects(await run(...args, "--json"));
    expect(Object.keys(one!["maps"] as object)).toContain(".bss");
    expect((await run(...args)).stdout).toContain('{"hits":1,"last":[1,0,0,0]}');
  });
});

describe("--slot", () => {
  const r0 = async (...args: string[]): Promise<unknown> => objects(await run(...ENTRY, "--json", ...args))[0]!["r0"];

  test.each([
    [["--slot", "programs:0=-"], "9"],
    [["--slot", "programs[0]=-"], "9"],
    [["--slot", "programs:0=-", "--slot", "programs:0=-"], "9"],
    [["--slot", "programs:0=-", "programs:0x0=target"], "42"],
    [["--slot", `programs:0=${folder}/drop.bpf#main`], "3"],
    [["--slot", `programs:0=${MIXED}#target`], "42"],
  ])("%j", async (args, expected) => expect(await r0(...args)).toBe(expected));

  test("programs of another file are told apart from those of this one", async () => {
    const { stdout } = await run(...ENTRY, "--slot", `programs:0=${MIXED}#target`, "--dump-maps");
    expect(stdout).toContain("  00000000: mixed.o#target\n");
  });
});

describe("--trace", () => {
  test("shows each instruction with what it changed", async () => {
    const { stdout } = await run("run", `${folder}/drop.bpf`, "--trace");
    expect(
      stdout
        .split("\n")
        .map((line) => line.trim().replace(/ +/g, " "))
        .slice(0, 2),
    ).toEqual(["main:0 r0 = 1 r0=0x1", "main:1 exit"]);
  });

  test("shows frames as they come, go and are replaced, with the line of C", async () => {
    const lines = (await run(...ENTRY, "--trace-frames")).stdout.split("\n");
    expect(lines.slice(0, 5)).toEqual([
      "→ entry",
      "  → entry/subprogram",
      expect.stringMatching(
        /^ {2}⇒ entry\/subprogram becomes target: programs\[0\], tail call 1 {2}\(\.\/mixed\.c:\d+\) bpf_tail_call/,
      ),
      expect.stringMatching(/^ {2}← target returns 40/),
      expect.stringMatching(/^← entry returns 42/),
    ]);
  });

  test("is JSON lines under --json", async () => {
    const all = objects(await run(...ENTRY, "--trace", "--trace-frames", "--slot", "programs:0=-", "--json"));
    expect(all.map(({ trace }) => trace)).toContain("missed-tail-call");
    expect(all.filter(({ trace }) => trace === "instruction")).toHaveLength(all.at(-1)!["insns"] as number);
    expect(all.find(({ trace }) => trace === "instruction")).toEqual({
      trace: "instruction",
      program: "entry",
      slot: 0,
      text: expect.any(String),
      changed: { r6: "1" },
    });
  });
});

test("a loop without end ends at its budget", async () => {
  const { status, stdout } = await run("run", `${folder}/loop.bpf`, "--budget", "100000");
  expect([status, stdout]).toEqual([1, expect.stringContaining("fault (budget), 100000 instructions")]);
});
