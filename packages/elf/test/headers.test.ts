import { describe, expect, test } from "vitest";
import { ElfError, parseObject, readElf, relocations, sectionBytes, symbols } from "../src/index.js";
import { buildElf, CODE, EXIT, FUNC, GLOBAL, slots } from "./build-elf.js";
import { fixtureBytes } from "./support.js";

const plain = buildElf({ sections: [{ name: "xdp", ...CODE, data: slots(EXIT) }] });

/** The plain object with bytes changed. */
function changed(...changes: readonly (readonly [at: number, ...bytes: number[]])[]): Uint8Array {
  const bytes = plain.slice();
  for (const [at, ...values] of changes) bytes.set(values, at);
  return bytes;
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("refused, in words", () => {
  test.each<[string, Uint8Array, string, string]>([
    ["nothing", new Uint8Array(0), "NOT_ELF", "x.o: not an ELF file: the first four bytes must be 7f 45 4c 46"],
    ["text", ascii("r0 = 1; exit"), "NOT_ELF", "not an ELF file"],
    ["a header cut off", plain.subarray(0, 40), "DAMAGED", "40 bytes are less than an ELF header"],
    ["32-bit", changed([4, 1]), "UNSUPPORTED", "a 32-bit ELF file; eBPF objects are 64-bit"],
    ["big-endian", changed([5, 2]), "UNSUPPORTED", "a big-endian object; compile with -target bpfel"],
    ["x86-64", changed([18, 62, 0]), "UNSUPPORTED", "an ELF file for x86-64, not for eBPF; compile with -target bpf"],
    ["an unknown machine", changed([18, 9, 9]), "UNSUPPORTED", "for machine 2313, not for eBPF"],
    ["an executable", changed([16, 2, 0]), "UNSUPPORTED", "an executable, not a relocatable object; compile with -c"],
    ["a shared library", changed([16, 3, 0]), "UNSUPPORTED", "a shared library, not a relocatable object"],
    [
      "a section table behind the end",
      changed([40, 255, 255, 255, 255, 255, 255, 255, 127]),
      "DAMAGED",
      "no section table",
    ],
    ["too many sections", changed([60, 255, 255]), "DAMAGED", "a table of 65535 sections"],
    ["sections of another size", changed([58, 40, 0]), "DAMAGED", "64-byte rows"],
    [
      "a section behind the end",
      changed([plain.length - 4 * 64 + 64 + 32, 255, 255]),
      "DAMAGED",
      "ends behind the file's",
    ],
  ])("%s", (_, bytes, code, message) => {
    expect(() => parseObject(bytes, { file: "x.o" })).toThrow(ElfError);
    expect(() => parseObject(bytes, { file: "x.o" })).toThrow(expect.objectContaining({ code }));
    expect(() => parseObject(bytes, { file: "x.o" })).toThrow(message);
  });

  test("relocations with addends", () => {
    const bytes = buildElf({
      sections: [
        { name: "xdp", ...CODE, data: slots(EXIT) },
        { name: ".relaxdp", type: 4, info: 1, data: new Uint8Array(24) },
      ],
    });
    expect(() => parseObject(bytes)).toThrow("section .relaxdp: relocations with addends (SHT_RELA) are not read");
  });

  test("machine 0, which LLVM wrote before 3.9, is taken", () => {
    expect(parseObject(changed([18, 0, 0])).programs).toHaveLength(1);
  });

  test("no section table at all is an empty object", () => {
    expect(parseObject(changed([40, 0, 0, 0, 0, 0, 0, 0, 0])).programs).toEqual([]);
  });
});

describe("the tables as they are", () => {
  const elf = readElf(fixtureBytes("v3/calls.o"));

  test("sections", () => {
    const xdp = elf.sections.find(({ name }) => name === "xdp")!;
    expect(xdp).toMatchObject({ type: 1, flags: 6 });
    expect(sectionBytes(elf, xdp)).toHaveLength(xdp.size);
    expect(elf.sections[0]).toMatchObject({ name: "", type: 0 });
  });

  test("symbols", () => {
    const scale = symbols(elf).find(({ name }) => name === "scale");
    expect(scale).toMatchObject({ type: FUNC, binding: GLOBAL, visibility: 0, size: 24 });
    expect(symbols(elf).find(({ name }) => name === "flip")).toMatchObject({ visibility: 2 });
  });

  test("relocations, by section", () => {
    const bySection = Object.fromEntries(
      relocations(elf).map(({ section, relocations }) => [section.name, relocations]),
    );
    expect(bySection["xdp"]).toHaveLength(7);
    expect(bySection["xdp"]!.every(({ type }) => type === 10)).toBe(true);
    expect(Object.keys(bySection)).toContain(".BTF.ext");
  });
});
