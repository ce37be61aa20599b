import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { detectFormat } from "../src/detect.js";
import { folderWith, inRoot, objects } from "./harness.js";
import { run } from "./in-process.js";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const MIXED = inRoot("examples/mixed.o");

describe("what a file holds", () => {
  test.each<[string, Uint8Array, string]>([
    ["an object by its content, whatever it is called", new Uint8Array(readFileSync(MIXED)), "a.bin"],
    ["an object by its content", new Uint8Array(readFileSync(MIXED)), "-"],
  ])("%s", (_, bytes, name) => expect(detectFormat(bytes, name)).toBe("elf"));

  test.each<[string, Uint8Array, string, string]>([
    ["bytes that are no text are bytecode", Uint8Array.of(0x95, 0, 0, 0, 0, 0, 0, 0), "-", "raw"],
    ["…also where the name says text", Uint8Array.of(0x95, 0, 0, 0, 0, 0, 0, 0), "a.asm", "raw"],
    ["…but a .o that is none is a damaged object", Uint8Array.of(0x95, 0, 0, 0, 0, 0, 0, 0), "a.o", "elf"],
    ["digits are hex", text("95 00\n00"), "-", "hex"],
    ["other text is assembly", text("r0 = 2; exit"), "prog.txt", "asm"],
    ["an ending decides about text", text("95"), "a.S", "asm"],
    ["an ending decides about text", text("r0 = 2"), "a.hex", "hex"],
  ])("%s", (_, bytes, name, format) => expect(detectFormat(bytes, name)).toBe(format));
});

describe("asm and disasm", () => {
  const folder = folderWith({
    "calls.bpf": "r6 = *(u64 *)(r1 + 0)\ncall helper\nr0 += r6\nexit\nhelper:\nr0 = 1\nexit\n",
    "ubpf.asm": "mov %r0, 5\nexit\n",
    "bad.bin": Uint8Array.of(0xff, 0, 0, 0, 0, 0, 0, 0),
  });
  const HEX = "791600000000000085100000020000000f600000000000009500000000000000b7000000010000009500000000000000";

  test("text to hex, JSON and a file", async () => {
    expect((await run("asm", `${folder}/calls.bpf`)).stdout).toBe(`${HEX}\n`);
    expect(objects(await run("asm", `${folder}/calls.bpf`, "--json"))).toEqual([{ insns: HEX }]);
    expect(await run("asm", `${folder}/calls.bpf`, "-o", `${folder}/calls.bin`)).toEqual({
      status: 0,
      stdout: "",
      stderr: "",
    });
    expect(readFileSync(`${folder}/calls.bin`).toString("hex")).toBe(HEX);
  });

  test("uBPF text is named by --syntax", async () => {
    expect((await run("asm", `${folder}/ubpf.asm`)).status).toBe(2);
    expect((await run("asm", `${folder}/ubpf.asm`, "--syntax", "ubpf")).stdout).toBe(
      "b7000000050000009500000000000000\n",
    );
  });

  test("functions keep their names", async () => {
    const { stdout } = await run("disasm", `${folder}/calls.bpf`);
    expect(stdout).toContain("    1: call helper\n");
    expect(stdout).toContain("helper:\n    4: r0 = 1\n");
  });

  test("--plain text is read back to the same bytes, in both syntaxes", async () => {
    for (const syntax of ["kernel", "ubpf"]) {
      const { stdout } = await run("disasm", `${folder}/calls.bpf`, "--plain", "--syntax", syntax);
      const again = folderWith({ "again.asm": stdout });
      expect((await run("asm", `${again}/again.asm`, "--syntax", syntax)).stdout).toBe(`${HEX}\n`);
    }
  });

  test("a line for each slot as JSON, with bytes and source", async () => {
    const all = objects(await run("disasm", MIXED, "--program", "target", "--json"));
    expect(all).toEqual([
      {
        program: "target",
        slot: 0,
        text: "w0 = 40",
        bytes: "b400000028000000",
        source: { file: "./mixed.c", line: expect.any(Number), column: expect.any(Number), text: "return 40;" },
      },
      { program: "target", slot: 1, text: "exit", bytes: "9500000000000000", source: expect.any(Object) },
    ]);
  });

  test("--bytes shows both slots of a 64-bit load; source lines stand between", async () => {
    const { stdout } = await run("disasm", MIXED, "--program", "entry", "--bytes");
    expect(stdout).toMatch(/^ +7: 1812000000000000 0000000000000000 {2}r2 = map\[programs\]$/m);
    expect(stdout).toMatch(/^; bpf_tail_call\(ctx, &programs, 0\); {2}\(\.\/mixed\.c:\d+\)$/m);
    expect((await run("disasm", MIXED, "--no-source")).stdout).not.toContain("mixed.c");
  });

  test("what is no instruction is shown as it is", async () => {
    expect((await run("disasm", `${folder}/bad.bin`)).stdout).toContain("    0: .raw ff00000000000000\n");
  });
});

describe("inspect", () => {
  const globals = inRoot("tools/fixtures/objects/v3/globals.o");

  const INLINED = {
    "nothing is called": { text: "r0 = 0\nexit", slots: undefined },
    "one call": { text: "call f\nexit\nf:\nr0 = 0\nexit", slots: 2 },
    "two calls of one": { text: "call f\ncall f\nexit\nf:\nr0 = 0\nr0 += 1\nexit", slots: 5 },
    "calls in calls": { text: "call f\ncall f\nexit\nf:\ncall g\nexit\ng:\nr0 = 0\nr0 += 1\nexit", slots: 5 },
    "calls that go round": { text: "call f\nexit\nf:\ncall f\nexit", slots: undefined },
  };
  const sources = folderWith(Object.fromEntries(Object.entries(INLINED).map(([name, { text }]) => [name, text])));

  test.each(Object.entries(INLINED))("slots if every call were inlined: %s", async (name, { slots }) => {
    const [about] = objects(await run("inspect", `${sources}/${name}`, "--format", "asm", "--json"));
    const [program] = (about as { programs: { inlined?: object }[] }).programs;
    expect(program!.inlined).toEqual(slots === undefined ? undefined : { slots, bytes: slots * 8 });
  });

  test("one object with everything", async () => {
    const [about] = objects(await run("inspect", MIXED, "--json"));
    expect(about).toMatchObject({
      file: MIXED,
      format: "elf",
      license: "GPL",
      programs: [
        { name: "target", section: "xdp", type: "xdp", slots: 2, bytes: 16 },
        {
          name: "entry",
          slots: 13,
          subprograms: [
            {
              name: "entry",
              start: 0,
              slots: 7,
              linkage: "global",
              calls: [{ to: "subprogram", start: 7, sites: 1 }],
              tailCalls: 0,
            },
            {
              name: "subprogram",
              start: 7,
              slots: 6,
              linkage: "static",
              helpers: ["tail_call"],
              maps: ["programs"],
              tailCalls: 1,
            },
          ],
        },
      ],
      maps: [
        {
          name: "programs",
          type: "prog_array",
          keySize: 4,
          valueSize: 4,
          maxEntries: 1,
          slots: [{ index: 0, of: "program", name: "target" }],
        },
      ],
      callGraph: [
        { program: "entry", from: "entry", to: "subprogram", kind: "call", sites: 1 },
        { program: "entry", from: "subprogram", kind: "tail call", sites: 1 },
      ],
      btf: { functions: expect.arrayContaining(["static int subprogram(struct xdp_md *ctx)"]) },
      relocations: expect.arrayContaining([{ section: ".text", offset: 0, type: "R_BPF_64_64", symbol: "programs" }]),
      problems: [],
    });
  });

  test("global variables with their declarations", async () => {
    const [about] = objects(await run("inspect", globals, "--json"));
    expect(about!["globals"]).toContainEqual({
      name: "hits",
      section: ".bss",
      offset: 0,
      size: 8,
      static: false,
      declaration: "u64 hits",
    });
  });

  test("tables for people", async () => {
    const { stdout } = await run("inspect", globals);
    expect(stdout).toMatch(/^ {2}\.rodata +array +4 +39 +1 +0x80 +frozen$/m);
    expect(stdout).toMatch(/^ {2}hits +\.bss +0 +8 +u64 hits$/m);
    expect(stdout).toMatch(/^ {2}and \d+ of types and debug information$/m);
  });

  test("bare code has a program, and nothing of an object", async () => {
    const folder = folderWith({ "a.bpf": "r0 = 2; exit" });
    const [about] = objects(await run("inspect", `${folder}/a.bpf`, "--json"));
    expect(about).toMatchObject({ format: "asm", programs: [{ name: "main", type: "raw", slots: 2 }], maps: [] });
    expect(about).not.toHaveProperty("sections");
  });

  test("what cannot be linked is listed, and the rest is there", async () => {
    const [about] = objects(await run("inspect", inRoot("tools/fixtures/objects/v3/externs.o"), "--json"));
    expect(about).toMatchObject({ format: "elf", problems: expect.any(Array) });
  });
});
