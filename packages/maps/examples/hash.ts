import { mapId } from "@bpfkit/core";
import { createMap } from "@bpfkit/maps";
import { createGuestMemory } from "@bpfkit/memory";

const memory = createGuestMemory();
const spec = { name: "flows", type: "hash", keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 };
const flows = createMap(spec, { memory, id: mapId(1) });

flows.set(new Uint8Array([10, 0, 0, 1]), new Uint8Array(8).fill(1));
for (const key of flows.keys()) console.log(key, flows.get(key));

try {
  flows.set(new Uint8Array([10, 0, 0, 2]), new Uint8Array(8));
} catch (error) {
  console.log((error as Error).message);
}
