import { type BtfType, encodeBtf } from "@bpfkit/btf";
import { describe, expect, test } from "vitest";
import { ElfError, type ObjectSpec, parseObject } from "../src/index.js";
import {
  buildElf,
  CALL,
  CODE,
  DATA,
  EXIT,
  FUNC,
  GLOBAL,
  LOAD,
  MOV,
  OBJECT,
  type RelocationInput,
  type SectionInput,
  type SymbolInput,
  slots,
} from "./build-elf.js";
import { cpuMilliseconds } from "./support.js";

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

interface Outcome {
  readonly object?: ObjectSpec;
  readonly error?: ElfError;
  readonly ms: number;
}

/** Parses, and takes the time. */
function measure(bytes: Uint8Array): Outcome {
  const start = cpuMilliseconds();
  try {
    const object = parseObject(bytes);
    return { object, ms: cpuMilliseconds() - start };
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    return { error, ms: cpuMilliseconds() - start };
  }
}

const tooLarge = expect.objectContaining({ code: "TOO_LARGE" });

describe("output out of proportion is refused", () => {
  test("a thousand entries that each append a huge .text", () => {
    const huge = slots(...range(8000).map(() => MOV(1)), EXIT);
    const entry = slots(CALL(-1), EXIT);
    const code = slots(...range(1000).flatMap(() => [CALL(-1), EXIT]));
    const symbols: SymbolInput[] = [
      { name: "huge", type: FUNC, binding: GLOBAL, section: 0, size: huge.length },
      ...range(1000).map((i) => ({
        name: `e${i}`,
        type: FUNC,
        binding: GLOBAL,
        section: 1,
        value: i * entry.length,
        size: entry.length,
      })),
    ];
    const relocations = new Map<number, RelocationInput[]>([[1, range(1000).map((i) => [i * 16, 10, 0] as const)]]);
    const sections = [
      { name: ".text", ...CODE, data: huge },
      { name: "xdp", ...CODE, data: code },
    ];
    const bytes = buildElf({ sections, symbols, relocations });
    const { error, ms } = measure(bytes);
    expect(error).toEqual(tooLarge);
    expect(error?.message).toMatch(/take more than \d+ bytes/);
    expect(ms).toBeLessThan(1000);
  });

  test("a thousand sections of global data that share their bytes", () => {
    const bytes = buildElf({ sections: [{ name: ".data", ...DATA, data: new Uint8Array(50_000) }] });
    const shared = shareSections(
      bytes,
      1,
      range(1000).map(() => ".data"),
    );
    expect(measure(shared).error).toEqual(tooLarge);
  });

  test("a thousand sections of code that share their bytes", () => {
    const bytes = buildElf({ sections: [{ name: "xdp", ...CODE, data: new Uint8Array(50_000) }] });
    const { error, ms } = measure(
      shareSections(
        bytes,
        1,
        range(1000).map(() => "xdp"),
      ),
    );
    expect(error).toEqual(tooLarge);
    expect(ms).toBeLessThan(1000);
  });

  test("a thousand names that share their letters", () => {
    const bytes = buildElf({
      sections: [{ name: "xdp", ...CODE, data: slots(...range(1000).map(() => EXIT)) }],
      symbols: range(1000).map((i) => ({
        name: i === 0 ? "x".repeat(200_000) : "",
        type: FUNC,
        binding: GLOBAL,
        section: 0,
        value: i * 8,
        size: 8,
      })),
    });
    const view = new DataView(bytes.buffer);
    const table = symbolTableOffset(view);
    const start = view.getUint32(table + 24, true);
    for (let i = 1; i < 1000; i++) view.setUint32(table + (i + 1) * 24, start + i, true);
    expect(measure(bytes).error).toEqual(tooLarge);
  });
});

describe("long chains and circles end", () => {
  test("twenty thousand functions that each call the next", () => {
    const count = 20_000;
    const bytes = buildElf({
      sections: [{ name: ".text", ...CODE, data: slots(...range(count).flatMap(() => [CALL(1), EXIT]), EXIT, EXIT) }],
      symbols: [{ name: "main", type: FUNC, binding: GLOBAL, section: 0, size: 16 }],
    });
    const { object, ms } = measure(bytes);
    expect(object?.programs).toHaveLength(1);
    expect(ms).toBeLessThan(1000);
  });

  test("functions that all call each other are linked once each", () => {
    const count = 60;
    const body = (from: number) => [
      ...range(count).map((to) => CALL(to * (count + 1) - (from * (count + 1) + to) - 1)),
      EXIT,
    ];
    const bytes = buildElf({
      sections: [{ name: "xdp", ...CODE, data: slots(...range(count).flatMap(body)) }],
      symbols: range(count).map((i) => ({
        name: `f${i}`,
        type: FUNC,
        binding: i === 0 ? GLOBAL : 0,
        section: 0,
        value: i * (count + 1) * 8,
        size: (count + 1) * 8,
      })),
    });
    const { object } = measure(bytes);
    expect(object?.problems).toEqual([]);
    expect(object?.programs[0]?.code.length).toBe(count * (count + 1) * 8);
  });
});

const INT: BtfType = { kind: "int", name: "int", size: 4, bits: 32, offset: 0, encoding: 1 };
const times = <T>(count: number, item: T): T[] => Array(count).fill(item);

/** Objects of about 2 MB whose parts would take hours if each were held against each. */
const PRODUCTS: Readonly<Record<string, () => Uint8Array>> = {
  "data sections and types": () => {
    const btf = encodeBtf([INT, ...times<BtfType>(70_000, { kind: "ptr", name: ".", type: 0 })]);
    const sections = range(14_000).map((i) => ({ name: `.data.${i}`, ...DATA, data: new Uint8Array(1) }));
    return buildElf({ sections: [{ name: ".BTF", data: btf }, ...sections] });
  },
  "data sections and variables": () => {
    const variables = times(60_000, { type: 2, offset: 0, size: 4 });
    const btf = encodeBtf([
      INT,
      { kind: "var", name: "v", type: 1, linkage: "static" },
      { kind: "datasec", name: ".data", size: 4, variables },
    ]);
    const sections = times(14_000, { name: ".data", ...DATA, data: new Uint8Array(1) });
    return buildElf({ sections: [{ name: ".BTF", data: btf }, ...sections] });
  },
  "maps and members": () => {
    const btf = encodeBtf([
      INT,
      {
        kind: "struct",
        name: "",
        size: 8,
        members: times(60_000, { name: "type", type: 5, bitOffset: 0, bitSize: 0 }),
      },
      { kind: "var", name: "v", type: 2, linkage: "static" },
      { kind: "datasec", name: ".maps", size: 4, variables: times(60_000, { type: 3, offset: 0, size: 4 }) },
      { kind: "ptr", name: "", type: 6 },
      { kind: "array", name: "", type: 1, indexType: 1, length: 4 },
    ]);
    return buildElf({
      sections: [
        { name: ".BTF", data: btf },
        { name: ".maps", ...DATA, data: new Uint8Array(32) },
      ],
    });
  },
  "external symbols and functions of the BTF": () => {
    const func: BtfType = { kind: "func", name: "f", type: 1, linkage: "extern" };
    return buildElf({
      sections: [
        { name: ".BTF", data: encodeBtf([INT, ...times(50_000, func)]) },
        { name: "xdp", ...CODE, data: slots(...range(20_000).flatMap(() => LOAD(0)), EXIT) },
      ],
      symbols: range(20_000).map((i) => ({ name: `x${i}`, binding: GLOBAL })),
      relocations: new Map([[1, range(20_000).map((i) => [i * 16, 1, i] as const)]]),
    });
  },
  "maps that make no sense": () =>
    buildElf({
      sections: [{ name: "maps", ...DATA, data: new Uint8Array(4 * 60_000) }],
      symbols: range(60_000).map((i) => ({ name: `m${i}`, type: OBJECT, binding: GLOBAL, section: 0, value: i * 4 })),
    }),
  "programs that cannot be linked": () =>
    buildElf({
      sections: [{ name: "xdp", ...CODE, data: slots(...range(30_000).flatMap(() => [CALL(100_000), EXIT])) }],
      symbols: range(30_000).map((i) => ({
        name: `m${i}`,
        type: FUNC,
        binding: GLOBAL,
        section: 0,
        value: i * 16,
        size: 16,
      })),
    }),
};

test.each(Object.entries(PRODUCTS))("%s do not multiply", (_, build) => {
  const { object, error, ms } = measure(build());
  expect(ms).toBeLessThan(1000);
  if (error === undefined) expect(object?.problems).toEqual([]);
  else expect(error).toEqual(tooLarge);
});

describe("absurd numbers", () => {
  test("a .bss of 2^60 bytes is a problem, one of 3 GiB a map without contents", () => {
    const object = (size: number) => parseObject(buildElf({ sections: [{ name: ".bss", type: 8, flags: 3, size }] }));
    expect(object(2 ** 60).problems).toEqual([expect.objectContaining({ code: "BAD_MAP" })]);
    expect(object(3 * 2 ** 30).maps).toEqual([expect.objectContaining({ valueSize: 3 * 2 ** 30 })]);
    expect(object(3 * 2 ** 30).maps[0]).not.toHaveProperty("contents");
  });

  test("a hundred thousand relocations of one data section, and as many references to it", () => {
    const count = 20_000;
    const bytes = buildElf({
      sections: [
        { name: "xdp", ...CODE, data: slots(...range(count).flatMap(() => [[0x18, 1], [0]])) },
        { name: ".data", ...DATA, data: new Uint8Array(count * 8) },
      ],
      symbols: [
        { name: "main", type: FUNC, binding: GLOBAL, section: 0, size: count * 16 },
        ...range(500).map((i) => ({ name: `v${i}`, type: OBJECT, section: 1, value: i * 8, size: 8 })),
      ],
      relocations: new Map<number, RelocationInput[]>([
        [0, range(count).map((i) => [i * 16, 1, 1 + (i % 500)] as const)],
        [1, range(count - 500).map((i) => [(i + 500) * 8, 2, 0] as const)],
      ]),
    });
    const { object, ms } = measure(bytes);
    expect(object?.programs).toHaveLength(1);
    expect(ms).toBeLessThan(1000);
  });
});

/** Adds sections that are all the section at `index`, each under its own row of the table, named by `names`' one name. */
function shareSections(bytes: Uint8Array, index: number, names: readonly string[]): Uint8Array {
  const view = new DataView(bytes.buffer);
  const table = Number(view.getBigUint64(40, true));
  const count = view.getUint16(60, true);
  const grown = new Uint8Array(bytes.length + names.length * 64);
  grown.set(bytes);
  names.forEach((_, i) => {
    grown.set(bytes.subarray(table + index * 64, table + index * 64 + 64), table + (count + i) * 64);
  });
  new DataView(grown.buffer).setUint16(60, count + names.length, true);
  return grown;
}

function symbolTableOffset(view: DataView): number {
  const table = Number(view.getBigUint64(40, true));
  for (let at = table; ; at += 64) {
    if (view.getUint32(at + 4, true) === 2) return Number(view.getBigUint64(at + 24, true));
  }
}

test("sections may be given in any order and number", () => {
  const sections: SectionInput[] = range(3000).map((i) => ({
    name: i % 2 === 0 ? "xdp" : ".data",
    ...DATA,
    data: new Uint8Array(8),
  }));
  const { object, ms } = measure(buildElf({ sections }));
  expect(object).toBeDefined();
  expect(ms).toBeLessThan(1000);
});
