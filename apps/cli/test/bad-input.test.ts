import { chdir, cwd } from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { folderWith, inRoot } from "./harness.js";
import { run } from "./in-process.js";

const MIXED = inRoot("examples/mixed.o");
const DATA_MAPS = inRoot("tools/fixtures/objects/v3/data_maps.o");
const folder = folderWith({
  "empty.o": "",
  "short.o": Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1),
  "text.txt": "hello world\n",
  "odd.bin": Uint8Array.of(0, 1, 2),
  "bad.hex": "95000000 0000zz00",
  "odd.hex": "950",
  "bad.asm": "r0 = 1\nr0 += += 2\nexit\n",
  "notelf.o": Uint8Array.of(1, 2, 3, 0, 0, 0, 0, 0),
  "good.bpf": "r0 = 2\nexit\n",
  "nothing.bpf": "# nothing\n",
  "not.json": "{",
  "object.json": "{}",
  "misspelt.json": '[{"key":"00000000","vlaue":"00"}]',
  "short.json": '[{"key":"00","value":"00"}]',
  "cases.jsonl": '{"id":"a","programs":[],"rnus":[]}\n',
  "cases.yaml": "- id: a\n  id: b\n",
  "scalar.yaml": "hello\n",
  "empty.pcap": Buffer.from(`d4c3b2a1${"02000400".padEnd(8, "0")}${"0".repeat(16)}ffff000001000000`, "hex"),
});
const home = cwd();

beforeAll(() => chdir(folder));
afterAll(() => chdir(home));

describe("wrong use ends with status 2 and one line that says what would be right", () => {
  test.each<[string[], string]>([
    [
      [],
      "bpfkit: needs a command: run, verify, inspect, disasm, stack, profiles, jit, asm, test, compare, fuzz, bench, conformance",
    ],
    [["frobnicate"], 'bpfkit: there is no command "frobnicate"; there are run, verify, inspect'],
    [["inspct"], "did you mean inspect?"],
    [["--json"], "needs a command"],
    [["--frob"], "bpfkit: there is no option --frob; there are --json, --help"],
    [["run"], "bpfkit run: needs <file>; see --help"],
    [["run", MIXED, "extra"], 'takes <file>, so "extra" is one too many'],
    [["run", MIXED, "--budgte", "3"], "there is no option --budgte; did you mean --budget?"],
    [["run", MIXED, "--budget"], "--budget needs a value, N"],
    [["run", MIXED, "--program", "a", "--program", "b"], "--program was given 2 times; it takes one value"],
    [["run", "missing.o"], "bpfkit run: missing.o: there is no such file"],
    [["run", "."], "bpfkit run: .: is a directory, not a file"],
    [["run", "good.bpf/x"], "good.bpf/x: a part of the path is not a directory"],
    [["run", "empty.o"], "empty.o: is empty"],
    [["run", "short.o"], "short.o: 6 bytes are less than an ELF header (64)"],
    [["inspect", "notelf.o"], "notelf.o: not an ELF file"],
    [["run", "text.txt"], "text.txt:1:1: expected an instruction, found `hello`"],
    [["run", "bad.asm"], "bad.asm:2:7: expected"],
    [["run", "nothing.bpf"], "nothing.bpf: holds no instruction"],
    [["run", "odd.bin"], "odd.bin: 3 bytes are not whole slots of 8 bytes"],
    [["run", "bad.hex"], 'bad.hex: is not hex: character 14 is "z", no hex digit'],
    [["run", "odd.hex"], "odd.hex: is not hex: it has 3 digits, and two make a byte"],
    [["run", "good.bpf", "--format", "elf"], "good.bpf: not an ELF file"],
    [["run", "good.bpf", "--format", "elv"], '--format must be elf or raw or asm or hex, not "elv"'],
    [["run", MIXED], "mixed.o holds 2 programs; choose one with --program: target, entry"],
    [["run", MIXED, "--program", "nope"], "mixed.o: there is no program nope; there are target, entry"],
    [["run", MIXED, "--program", "xdp"], "mixed.o holds 2 programs; choose one with --program: target, entry"],
    [["run", "good.bpf", "--type", "xpd"], '--type "xpd": there is no such program type; there are raw, socket_filter'],
    [["run", "good.bpf", "--type", "kprobe"], "programs of type kprobe cannot be run here"],
    [["run", "good.bpf", "--engine", "warp"], 'there is no engine "warp"; there is interpreter'],
    [["run", "good.bpf", "--safety", "none"], 'engine interpreter runs checked, not "none"'],
    [["run", "good.bpf", "--profile", "6"], "kernel version 6: there are rules from 4.15 to 6.18, written like 5.10"],
    [["run", "good.bpf", "--arch", "z80"], "architecture z80: there are rules for x86-64"],
    [["run", "good.bpf", "--cpus", "0"], '--cpus must be a whole number from 1 to 1024, not "0"'],
    [["run", "good.bpf", "--repeat", "-5"], '--repeat must be a whole number from 1 to 100000000, not "-5"'],
    [["run", "good.bpf", "--repeat", "1e3"], '--repeat must be a whole number from 1 to 100000000, not "1e3"'],
    [
      ["run", "good.bpf", "--budget", "9".repeat(99)],
      '--budget must be a whole number from 1 to 9007199254740991, not "999',
    ],
    [["run", "good.bpf", "--data-hex", "123"], '--data-hex "123" is not hex: it has 3 digits, and two make a byte'],
    [["run", "good.bpf", "--data", "missing"], "missing: there is no such file"],
    [["run", "good.bpf", "--data-hex", "00", "--data", "x"], "--data and --data-hex exclude each other; give one"],
    [["run", "good.bpf", "--pcap", "text.txt"], "text.txt: is no pcap or pcapng file"],
    [["run", "good.bpf", "--pcap", "empty.pcap"], "empty.pcap: holds no packet"],
    [
      ["run", "good.bpf", "--packet", "eth/ip"],
      "--packet: column 5 of the packet: there is no layer ip; there are eth",
    ],
    [
      ["run", "good.bpf", "--ctx", "mark"],
      '--ctx "mark" must be FIELD=NUMBER, a number from 0 to 2^64 - 1 in decimal or 0x',
    ],
    [["run", "good.bpf", "--ctx", "mark=18446744073709551616"], "must be FIELD=NUMBER"],
    [["run", "good.bpf", "--ctx", "mark=1", "mark=2"], "--ctx gives mark twice"],
    [["run", "good.bpf", "--ctx", "mark=1"], "a raw program has no context, so no field mark"],
    [["run", MIXED, "--program", "entry", "--ctx", "mark=1"], "context field mark cannot be set; those that can are "],
    [
      ["run", MIXED, "--program", "entry", "--data-hex", "00"],
      "a packet has at least 14 bytes, an Ethernet header; this one has 1",
    ],
    [["run", MIXED, "--program", "entry", "--slot", "x"], '--slot "x" must be MAP:INDEX=PROGRAM or MAP[INDEX]=PROGRAM'],
    [
      ["run", MIXED, "--program", "entry", "--slot", "x:0=entry"],
      "--slot x:0=entry: there is no map x; there are programs",
    ],
    [
      ["run", MIXED, "--program", "entry", "--slot", "programs:1=-"],
      "--slot programs:1=-: map programs: index 1 is past the last",
    ],
    [["run", MIXED, "--program", "entry", "--slot", "programs:0=x"], "there is no program x; there are target, entry"],
    [["run", MIXED, "--program", "entry", "--slot", "programs:0=missing#x"], "missing: there is no such file"],
    [["run", MIXED, "--program", "entry", "--map", "x"], '--map "x" must be NAME=FILE.json'],
    [["run", DATA_MAPS, "--program", "count", "--map", "counters=not.json"], "not.json: is not JSON"],
    [
      ["run", DATA_MAPS, "--program", "count", "--map", "counters=object.json"],
      "object.json: must be a list of entries",
    ],
    [
      ["run", DATA_MAPS, "--program", "count", "--map", "counters=misspelt.json"],
      'misspelt.json: entry 0: there is no field "vlaue"; there are key, value, values',
    ],
    [
      ["run", DATA_MAPS, "--program", "count", "--map", "counters=short.json"],
      "a key of map counters has 4 bytes, not 1",
    ],
    [["disasm", MIXED, "--program", "nope"], "there is no program nope"],
    [["asm", MIXED], "mixed.o: is not text in UTF-8"],
    [["asm", "good.bpf", "-o"], "--output needs a value, FILE"],
    [["asm", "good.bpf", "-o", ""], "--output needs a file name"],
    [["asm", "good.bpf", "-o", "missing/x"], "missing/x: there is no such file"],
    [["test", "cases.jsonl"], "cases.jsonl:1: rnus: there is no such field"],
    [["test", "cases.yaml"], "cases.yaml: is not YAML: Map keys must be unique"],
    [["test", "scalar.yaml"], "scalar.yaml: must be a list of cases, or JSON lines with a case each"],
    [["test", "empty.o"], "empty.o: "],
    [["conformance", "zz"], 'the memory "zz" is not hex: character 1 is "z", no hex digit'],
    [["conformance", "--program", ""], "needs a program as hex, on standard input or after --program"],
    [
      ["conformance", "--program", "95", "--cpu_version", "v3"],
      "there is no option --cpu_version; there are --program",
    ],
    [
      ["conformance", "--program", "9500000000000000", "--jit", "--interpret"],
      "--engine, --interpret and --jit exclude each other",
    ],
  ])("%j", async (args, message) => {
    const { status, stdout, stderr } = await run(...args);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^bpfkit[^\n]*\n$/);
    expect(stderr).not.toMatch(/bug of its own/);
  });
});

test("what an engine refuses ends with status 1", async () => {
  const { status, stderr } = await run("conformance", "--program", "8d020000000000009500000000000000");
  expect([status, stderr]).toEqual([1, expect.stringMatching(/^bpfkit conformance: refused: .*slot 0: .*callx.*\n$/)]);
});

test("names that could steer a terminal do not", async () => {
  const { stderr } = await run("run", "\u001b[2Jmissing");
  expect(stderr).toMatch(/^bpfkit run: .{1,6}\[2Jmissing: there is no such file\n$/);
  expect(stderr).not.toContain("\u001b");
});
