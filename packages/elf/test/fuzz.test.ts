import { readFileSync } from "node:fs";
import { BtfError } from "@bpfkit/btf";
import { expect, test } from "vitest";
import { ElfError, parseObject, readElf, relocations, symbols } from "../src/index.js";
import { cpuMilliseconds, filesBelow, fixtureBytes, fixturePaths, SHARED_OBJECTS } from "./support.js";

/** Mutated objects: raise it for a long session. */
const FUZZ_RUNS = Number(process.env["BPFKIT_FUZZ_RUNS"] ?? 2_000);
/** Milliseconds of processor time one object may take. */
const TIME_LIMIT = 1_000;
/** Bytes of programs and map contents for each byte of the object, beside the first megabyte. */
const SIZE_LIMIT = 64;

let state = Number(process.env["BPFKIT_FUZZ_SEED"] ?? 0x1b873593) | 1;
function random(below: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}

const EDGES = [0n, 1n, 7n, 0x7fffffffn, 0xffffffffn, 0x100000000n, 0x7fffffffffffffffn, 0xffffffffffffffffn];

/** Where the section table of an object lies; undefined where a mutation broke that. */
function sectionTable(view: DataView): { at: number; count: number } | undefined {
  if (view.byteLength < 64) return undefined;
  const at = Number(view.getBigUint64(40, true));
  const count = Math.min(view.getUint16(60, true), Math.floor((view.byteLength - at) / 64));
  return count > 0 ? { at, count } : undefined;
}

/** A field of a section header gets an edge value, a small number, or the same field of another section. */
function mutateSection(view: DataView): void {
  const table = sectionTable(view);
  if (table === undefined) return;
  const row = table.at + random(table.count) * 64;
  const field = [0, 4, 8, 24, 32, 40, 44, 56][random(8)]!;
  const wide = field === 8 || field === 24 || field === 32 || field === 56;
  const other = table.at + random(table.count) * 64 + field;
  if (!wide) {
    const value = random(2) === 0 ? random(table.count + 2) : view.getUint32(other, true);
    view.setUint32(row + field, value, true);
  } else {
    const value = random(2) === 0 ? EDGES[random(EDGES.length)]! : view.getBigUint64(other, true);
    view.setBigUint64(row + field, value, true);
  }
}

/** A word inside a small section, such as symbols, relocations or maps, changes. */
function mutateContents(view: DataView): void {
  const table = sectionTable(view);
  if (table === undefined) return;
  const row = table.at + random(table.count) * 64;
  const offset = Number(view.getBigUint64(row + 24, true));
  const size = Number(view.getBigUint64(row + 32, true));
  const at = offset + random(Math.max(1, Math.min(size, view.byteLength)));
  if (at + 8 > view.byteLength) return;
  if (random(3) === 0) view.setBigUint64(at, EDGES[random(EDGES.length)]!, true);
  else if (random(2) === 0) view.setUint32(at, random(256), true);
  else view.setUint8(at, random(256));
}

function mutate(original: Uint8Array): Uint8Array {
  const bytes = original.slice(0, random(20) === 0 ? random(original.length) : original.length);
  const view = new DataView(bytes.buffer);
  for (let change = 1 + random(6); change > 0 && bytes.length >= 64; change--) {
    const kind = random(4);
    if (kind === 0) bytes[random(bytes.length)] = random(256);
    else if (kind === 1) mutateSection(view);
    else if (kind === 2) mutateContents(view);
    else bytes[16 + random(48)] = random(256);
  }
  // Most mutants of the first bytes are only told that they are no object.
  if (random(10) !== 0 && bytes.length >= 20) bytes.set(original.subarray(0, 20));
  return bytes;
}

function sizeOf(bytes: Uint8Array): number {
  const { programs, maps } = parseObject(bytes, { file: "fuzz.o" });
  const code = programs.reduce((sum, program) => sum + program.code.length + (program.btf?.lines.byteLength ?? 0), 0);
  return code + maps.reduce((sum, { contents }) => sum + (contents?.length ?? 0), 0);
}

test(
  `${FUZZ_RUNS} mutated objects give a result or a typed error, in under a second and in proportion`,
  () => {
    const shared = filesBelow(SHARED_OBJECTS).map(
      (path) => new Uint8Array(readFileSync(new URL(path, SHARED_OBJECTS))),
    );
    const originals = [...fixturePaths().map(fixtureBytes), ...shared];
    let parsed = 0;
    let slowest = 0;
    for (let run = 0; run < FUZZ_RUNS; run++) {
      const bytes = mutate(originals[random(originals.length)]!);
      const start = cpuMilliseconds();
      try {
        expect(sizeOf(bytes)).toBeLessThan(2 ** 20 + bytes.length * SIZE_LIMIT);
        const elf = readElf(bytes);
        symbols(elf);
        relocations(elf);
        parsed++;
      } catch (error) {
        if (!(error instanceof ElfError) && !(error instanceof BtfError)) throw error;
        expect(error.message).not.toMatch(/\n|undefined|NaN|\[object/);
      }
      slowest = Math.max(slowest, cpuMilliseconds() - start);
      expect(slowest).toBeLessThan(TIME_LIMIT);
    }
    expect(parsed).toBeGreaterThan(FUZZ_RUNS / 10);
  },
  60_000 + FUZZ_RUNS * 10,
);
