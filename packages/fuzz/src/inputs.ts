import type { MapSpec } from "@bpfkit/core";
import type { CaseRun, FuzzCase, MapWrite } from "./case.js";
import { packetData } from "./generate.js";
import { type Random, seededRandom } from "./random.js";

/** Numbers at which ranges end and signs change. */
const EDGES = [0, 3, 7, 8, 15, 16, 31, 32, 63].flatMap((bits) => [1n << BigInt(bits), (1n << BigInt(bits)) - 1n]);
const ALL_EDGES: readonly bigint[] = [...EDGES, ...EDGES.map((edge) => BigInt.asUintN(64, -edge))];

/** Context fields of `__sk_buff` that a test run may set. */
const SKB_FIELDS = ["mark", "priority", "cb0", "cb1", "cb2", "cb3", "cb4"];

/**
 * The case with other runs: so many of its entry and one of each other program, on packets, map contents and context fields
 * that are random, all alike, or at the edges of ranges.
 */
export function withInputs(subject: FuzzCase, seed: number, count: number): FuzzCase {
  const random = seededRandom(seed);
  const [entry, ...others] = subject.sources;
  const programs = [...Array.from({ length: count }, () => entry!), ...others];
  const runs = programs.map(({ name, type }, index): CaseRun => {
    const data = packetData(random, type);
    fill(random, type === "xdp" ? data : data.subarray(14));
    const ctx = type === "xdp" || random.chance(0.3) ? {} : { ctx: contextOf(random) };
    return { program: name, data, ...ctx, init: subject.maps.flatMap((map) => writesTo(random, map, index === 0)) };
  });
  return { ...subject, runs };
}

/** Numbers of eight bytes one after the other, or bytes all alike, or random ones. */
function fill(random: Random, bytes: Uint8Array): void {
  const how = random.weighted({ random: 4, edges: 4, zeros: 1, ones: 1, small: 2 });
  if (how === "zeros") bytes.fill(0);
  else if (how === "ones") bytes.fill(255);
  else if (how === "edges") {
    const number = new DataView(new ArrayBuffer(8));
    for (let at = 0; at < bytes.length; at++) {
      if (at % 8 === 0) number.setBigUint64(0, random.pick(ALL_EDGES), true);
      bytes[at] = number.getUint8(at % 8);
    }
  } else {
    const below = how === "small" ? 16 : 256;
    for (let at = 0; at < bytes.length; at++) bytes[at] = random.word() % below;
  }
}

function contextOf(random: Random): Record<string, bigint> {
  const number = (): bigint =>
    random.chance(0.5) ? BigInt.asUintN(32, random.pick(ALL_EDGES)) : BigInt(random.word());
  return Object.fromEntries(SKB_FIELDS.map((name) => [name, number()]));
}

/** Values for keys that programs look up. A hash has room for new ones only before the first run. */
function writesTo(random: Random, map: MapSpec, isFirst: boolean): MapWrite[] {
  if (map.keySize === 0 || map.type === "prog_array" || (map.type !== "array" && !isFirst)) return [];
  const writes: MapWrite[] = [];
  for (let index = 0; index < map.maxEntries; index++) {
    if (random.chance(0.3)) continue;
    const key = new Uint8Array(map.keySize);
    key[0] = index;
    const value = new Uint8Array(map.valueSize);
    fill(random, value);
    writes.push({ map: map.name, key, value });
  }
  return writes;
}
