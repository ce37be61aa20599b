import { helperByName, profileFor } from "@bpfkit/abi";
import { parse } from "@bpfkit/asm";
import { type LinkSet, mapId, type Program, programId, type RunResult } from "@bpfkit/core";
import { guestEffects, helperTable } from "@bpfkit/helpers";
import { interpreter } from "@bpfkit/interpreter";
import { createMap } from "@bpfkit/maps";
import { createGuestMemory } from "@bpfkit/memory";
import { programFromCode } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { jitAt, jitAvailable, LEVELS, skipReason } from "../src/jit.js";
import { randomFrom } from "../src/random-code.js";

/** Looks the key at r1 up, and mixes a byte of the value with clock, random number and CPU. */
const TEXT = `r2 = r1; r1 = map[values]; call map_lookup_elem; if r0 == 0 goto none; r0 = *(u8 *)(r0 + 0);
  none: r6 = r0; call ktime_get_ns; r6 += r0; call get_prandom_u32; r6 += r0; r6 *= 31;
  call get_smp_processor_id; r6 += r0; r0 = r6; exit`;

function assemble(text: string): Program {
  const { code, references } = parse(text, { helperId: (name) => helperByName(name)?.id });
  return programFromCode(code, { name: "main", type: "raw", references });
}

const direct = assemble(TEXT);

/** The same with the key copied to the frame first, where compilers have it. */
function framed(keySize: number): Program {
  const at = -8 * Math.ceil(keySize / 8);
  const copies = Array.from(
    { length: keySize },
    (_, index) => `r3 = *(u8 *)(r1 + ${index}); *(u8 *)(r10 - ${-at - index}) = r3;`,
  );
  return assemble(`${copies.join(" ")} ${TEXT.replace("r2 = r1;", `r2 = r10; r2 += ${at};`)}`);
}

const MAPS: [type: string, keySize: number, valueSize: number, maxEntries: number, cpus: number][] = [
  ["array", 4, 8, 10, 1],
  ["array", 4, 24, 10, 1],
  ["array", 4, 1, 7, 1],
  ["percpu_array", 4, 16, 10, 2],
  ...[3, 4, 5, 6, 7, 8, 12, 13, 16, 40, 64, 65].flatMap((keySize): typeof MAPS => [
    ["hash", keySize, 8, 20, 1],
    ["percpu_hash", keySize, 12, 20, 2],
  ]),
  ["lru_hash", 4, 8, 8, 1],
];

describe.skipIf(!jitAvailable)(`what machine code does of helpers${skipReason()}`, () => {
  test.each(MAPS)("%s with keys of %i and values of %i bytes: every key, and others", (...shape) => {
    const [type, keySize, valueSize, maxEntries, cpus] = shape;
    const random = randomFrom(keySize * 77 + valueSize + maxEntries);
    const memory = createGuestMemory();
    const effects = guestEffects(memory);
    const { cells } = effects;
    const spec = { name: "values", type, keySize, valueSize, maxEntries, flags: 0 };
    const map = createMap(spec, { id: mapId(1), memory, cpus });
    const key = memory.reserve("the key", keySize, "read");
    const bytes = (): Uint8Array => Uint8Array.from({ length: keySize }, () => random() % 3);
    const index = (at: number): Uint8Array => new Uint8Array(Uint32Array.of(at).buffer);
    const keys = Array.from({ length: 12 }, (_, at) => (type.endsWith("array") ? index(at) : bytes()));
    const step = type.startsWith("percpu") ? Math.ceil(valueSize / 8) * 8 * cpus : valueSize;
    for (const known of keys.slice(0, Math.min(8, maxEntries))) {
      map.set(
        known,
        Uint8Array.from({ length: step }, () => random() & 255),
      );
    }
    const set: LinkSet = {
      programs: [direct, framed(keySize)],
      maps: new Map([["values", map]]),
      helpers: helperTable(),
      memory,
      effects,
      profile: profileFor(),
    };
    const links = [interpreter, ...LEVELS.map(jitAt)].map((engine) => engine.link(set));
    const run = (at: bigint, cpu: number, which: 0 | 1, some = links): RunResult[] =>
      some.map((linked) => {
        memory.views.data.setBigUint64(cells!.clock!, 1000n, true);
        memory.views.data.setUint32(cells!.random!, 99, true);
        memory.views.data.setUint32(cells!.cpu!, cpu, true);
        return linked.run(programId(which), { r1: at, r2: 0n, type: "raw" });
      });
    for (const wanted of [...keys, ...Array.from({ length: 8 }, bytes)]) {
      memory.views.u8.set(wanted, key.start);
      for (let cpu = 0; cpu < cpus; cpu++) {
        for (const which of [0, 1] as const) {
          const [first, ...others] = run(BigInt(key.start), cpu, which).map(({ r0, fault }) => ({ r0, fault }));
          for (const other of others) expect(other).toEqual(first);
        }
      }
    }
    // Only the interpreter and checked code look before they read.
    for (const bad of [0n, 5n, 1n << 31n, BigInt(key.start + keySize), (1n << 32n) + BigInt(key.start)]) {
      const [wanted, checked] = run(bad, 0, 0, links.slice(0, 2)).map(({ fault }) => ({
        kind: fault?.kind,
        message: fault?.message,
      }));
      expect(wanted?.kind).toBe("read");
      expect(checked).toEqual(wanted);
    }
    for (const linked of links) linked.dispose();
  });
});
