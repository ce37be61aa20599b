import { expect, test } from "vitest";
import {
  BtfError,
  coreRelocations,
  decodeValue,
  dumpType,
  encodeBtf,
  encodeValue,
  findByName,
  parseBtf,
  parseBtfExt,
  sizeOf,
  typeById,
  typeName,
} from "../src/index.js";
import { cpuMilliseconds, objectPaths, sectionOf } from "./objects.js";

/** Mutated sections given to everything that reads BTF: raise it for a long session. */
const FUZZ_RUNS = Number(process.env["BPFKIT_FUZZ_RUNS"] ?? 1_000);
/** Milliseconds of processor time one input may take. */
const LIMIT = 1_000;

let state = 0x2545f491;
function random(below: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}

const EDGES = [0, 1, 0x7f, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

/** Flips bytes, puts edge values into words, copies words about, cuts the end off. */
function mutate(original: Uint8Array): Uint8Array {
  const bytes = original.slice(0, random(8) === 0 ? random(original.length + 1) : original.length);
  const view = new DataView(bytes.buffer);
  for (let change = random(6); change >= 0 && bytes.length >= 4; change--) {
    const at = random(bytes.length - 3);
    const kind = random(4);
    if (kind === 0) bytes[at] = random(256);
    else if (kind === 1) view.setUint32(at & ~3, EDGES[random(EDGES.length)]!, true);
    else if (kind === 2) view.setUint32(at & ~3, view.getUint32(random(bytes.length - 3) & ~3, true), true);
    else view.setUint32(at & ~3, random(64), true);
  }
  return bytes;
}

/** Runs a step; only a BtfError may come out of it. */
function attempt<T>(step: () => T): T | undefined {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof BtfError)) throw error;
    expect(error.message).not.toMatch(/\n|undefined|NaN/);
    return undefined;
  }
}

function exercise(bytes: Uint8Array, extBytes: Uint8Array): number {
  const btf = attempt(() => parseBtf(bytes));
  const ext = attempt(() => parseBtfExt(extBytes));
  if (btf === undefined) return 0;
  if (ext !== undefined) attempt(() => coreRelocations(btf, ext, "xdp"));
  attempt(() => findByName(btf, "int", "int"));
  for (let id = 0; id < Math.min(btf.typeCount, 300); id++) {
    attempt(() => typeById(btf, id));
    attempt(() => typeName(btf, id, "x"));
    attempt(() => dumpType(btf, id, { layout: true }));
    const size = attempt(() => sizeOf(btf, id)) ?? 0;
    if (size > 1 << 16) continue;
    const value = attempt(() => decodeValue(btf, id, new Uint8Array(size)));
    if (value !== undefined) attempt(() => encodeValue(btf, id, value));
  }
  return 1;
}

test(
  `${FUZZ_RUNS} mutated sections give a result or a BtfError, each in under a second`,
  () => {
    const pairs = objectPaths().flatMap((path) => {
      const btf = sectionOf(path, ".BTF");
      const ext = sectionOf(path, ".BTF.ext");
      return btf === undefined || ext === undefined ? [] : [[btf, ext] as const];
    });
    let parsed = 0;
    for (let run = 0; run < FUZZ_RUNS; run++) {
      const [btf, ext] = pairs[random(pairs.length)]!;
      const start = cpuMilliseconds();
      parsed += exercise(mutate(btf), mutate(ext));
      expect(cpuMilliseconds() - start).toBeLessThan(LIMIT);
    }
    expect(parsed).toBeGreaterThan(0);
  },
  60_000 + FUZZ_RUNS * 5,
);

test("what is read of one object is written again", () => {
  const btf = parseBtf(sectionOf(objectPaths()[0]!, ".BTF")!);
  const types = Array.from({ length: btf.typeCount - 1 }, (_, index) => typeById(btf, index + 1));
  const again = parseBtf(encodeBtf(types));
  expect(types.map((_, index) => typeById(again, index + 1))).toEqual(types);
});
