/** Times making a large map and its operations. Run through any loader that knows the `@bpfkit/source` condition. */

import { mapId } from "@bpfkit/core";
import { createMap } from "@bpfkit/maps";
import { createGuestMemory } from "@bpfkit/memory";

const ENTRIES = 1_000_000;

function time(what: string, operations: number, action: () => void): void {
  const begin = performance.now();
  action();
  const took = performance.now() - begin;
  console.log(`${what}: ${took.toFixed(1)} ms, ${((took * 1e6) / operations).toFixed(0)} ns each`);
}

for (const type of ["hash", "array"]) {
  for (const valueSize of [8, 12, 64]) {
    const memory = createGuestMemory();
    const spec = { name: type, type, keySize: 4, valueSize, maxEntries: ENTRIES, flags: 0 };
    time(`${type} of ${ENTRIES} with values of ${valueSize} bytes`, 1, () => createMap(spec, { memory, id: mapId(1) }));
  }
}

/** Operations on a hash, over all its keys in turn. */
function operations(entries: number): void {
  const memory = createGuestMemory();
  const spec = { name: "m", type: "hash", keySize: 8, valueSize: 8, maxEntries: entries, flags: 0 };
  const guest = createMap(spec, { memory, id: mapId(1) }).guest!;
  const key = memory.reserve("key", 16, "read-write").start;
  const { data } = memory.views;
  const each = (action: () => void) => () => {
    for (let index = 0; index < ENTRIES; index++) {
      data.setUint32(key, index % entries, true);
      action();
    }
  };
  const run = (what: string, action: () => void) => time(`${what} in a hash of ${entries}`, ENTRIES, each(action));
  run("update", () => guest.update(key, key + 8, 0, 0));
  run("lookup", () => guest.lookup(key, 0));
  run("delete", () => guest.delete(key));
}

operations(1000);
operations(ENTRIES);
