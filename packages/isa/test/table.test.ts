import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { findRow, INVALID, ROW, ROWS } from "../src/index.js";

const slot = (opcode: number, dst: number, src: number, offset: number, imm: number): Uint8Array => {
  // A second slot of zeros lets 64-bit immediates be whole.
  const code = new Uint8Array(16);
  const view = new DataView(code.buffer);
  view.setUint8(0, opcode);
  view.setUint8(1, dst | (src << 4));
  view.setInt16(2, offset, true);
  view.setInt32(4, imm, true);
  return code;
};

describe("the table", () => {
  test("has a dense index, and a row under each name", () => {
    expect(ROWS.map((row) => row.index)).toEqual(ROWS.map((_, index) => index));
    for (const row of ROWS) expect(ROW[row.name]).toBe(row);
  });

  test("no two rows claim the same slot", () => {
    const keys = ROWS.map(({ opcode, select }) => JSON.stringify([opcode, select.src, select.offset, select.imm]));
    expect(new Set(keys).size).toBe(ROWS.length);
    for (const row of ROWS) {
      const siblings = ROWS.filter((other) => other.opcode === row.opcode);
      if (siblings.length > 1) expect(Object.keys(row.select)).not.toHaveLength(0);
    }
  });

  test("opcode bits say what RFC 9669 §3.3, §4 and §5 say", () => {
    for (const { name, opcode, operation, width, fields } of ROWS) {
      const group = opcode & 7;
      if (group >= 4) {
        const swap = operation === "le" || operation === "be" || operation === "bswap";
        if (!swap && width !== undefined) expect([name, width]).toEqual([name, group === 4 || group === 6 ? 32 : 64]);
        if (!swap && fields.includes("dst")) {
          expect([name, fields.includes("src")]).toEqual([name, (opcode & 8) !== 0]);
        }
      } else if (operation !== "lddw") {
        expect([name, width]).toEqual([name, [32, 16, 8, 64][(opcode >>> 3) & 3]]);
      }
    }
  });

  test("conformance groups follow RFC 9669 §2.4", () => {
    for (const row of ROWS) {
      const { name, opcode, operation, width } = row;
      const suffix = width === 64 ? "64" : "32";
      const divmul = ["mul", "div", "sdiv", "mod", "smod"].includes(operation);
      const control = ["ja", "call", "exit"].includes(operation);
      let group = `base${suffix}`;
      if (["mayGoto", "addrSpaceCast", "loadAcquire", "storeRelease"].includes(operation)) group = "linux";
      else if (operation === "loadPacket") group = "packet";
      else if (control) group = "base32";
      else if (divmul) group = `divmul${suffix}`;
      else if ((opcode & 0xe7) === 0xc3) group = `atomic${suffix}`;
      expect([name, row.group]).toEqual([name, group]);
    }
  });
});

test("a sweep of every opcode, selector and register: valid exactly where a row says so", () => {
  const offsets = [-0x8000, -1, 0, 1, 2, 8, 16, 32, 64, 0x7fff];
  const imms = [-0x8000_0000, -1, 0, 1, 2, 16, 17, 32, 64, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe0, 0xe1, 0xf0, 0xf1];
  imms.push(0x100, 0x101, 0x110, 0x10000, 0x7fff_ffff);
  let valid = 0;
  for (let opcode = 0; opcode < 256; opcode++) {
    const rows = ROWS.filter((row) => row.opcode === opcode);
    for (const dst of [0, 10, 11]) {
      for (const src of [0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 15]) {
        for (const offset of offsets) {
          for (const imm of imms) {
            const values = { dst, src, offset, imm };
            const expected = rows.find(
              ({ select, fields }) =>
                dst <= 10 &&
                src <= 10 &&
                (select.src ?? src) === src &&
                (select.offset ?? offset) === offset &&
                (select.imm ?? imm) === imm &&
                (["dst", "src", "offset", "imm"] as const).every(
                  (field) => values[field] === 0 || fields.includes(field) || field in select,
                ),
            );
            // Not `expect` for each of 2.9 million: it would take minutes.
            const found = findRow(slot(opcode, dst, src, offset, imm), 0);
            if (found !== (expected?.index ?? INVALID)) expect([opcode, values, found]).toEqual(expected?.index);
            if (found !== INVALID) valid++;
          }
        }
      }
    }
  }
  expect(valid).toBe(27_211);
});

const llvm = spawnSync("llvm-mc-19", ["--version"]).status === 0;

/** Which of the byte strings LLVM cannot decode. */
function refusedByLlvm(samples: readonly Uint8Array[]): Set<number> {
  const input = samples.map((bytes) => Array.from(bytes, (byte) => `0x${byte.toString(16)}`).join(" ")).join("\n");
  const run = spawnSync("llvm-mc-19", ["-triple=bpfel", "-mcpu=v4", "-disassemble"], { input, encoding: "utf8" });
  return new Set(Array.from(run.stderr.matchAll(/<stdin>:(\d+):/g), (match) => Number(match[1]) - 1));
}

describe.skipIf(!llvm)(`opcodes against LLVM 19${llvm ? "" : " (skipped: no llvm-mc-19 here)"}`, () => {
  test("LLVM decodes every row but the two operations that are younger", () => {
    const samples = ROWS.map(({ opcode, select, slots }) =>
      slot(opcode, 0, select.src ?? 0, select.offset ?? 0, select.imm ?? 0).subarray(0, slots * 8),
    );
    const refused = refusedByLlvm(samples);
    const names = ROWS.filter((row) => refused.has(row.index)).map((row) => row.name);
    expect(names.filter((name) => !/^(loadAcquire|storeRelease)/.test(name))).toEqual([]);
    expect(names).toContain("storeReleaseDw");
  });

  test("an opcode that is in no row, LLVM refuses too, callx and 0x19 apart", () => {
    const opcodes = Array.from({ length: 256 }, (_, opcode) => opcode);
    const refused = refusedByLlvm(opcodes.map((opcode) => slot(opcode, 0, 0, 0, 0).subarray(0, 8)));
    const unknown = opcodes.filter((opcode) => !ROWS.some((row) => row.opcode === opcode));
    expect(unknown.filter((opcode) => !refused.has(opcode))).toEqual([0x19, 0x8d]);
  });
});
