import { encodeMapHeader, MAP_HEADER_BYTES, mapId } from "@bpfkit/core";
import { expect, test } from "vitest";

test("a map's header has the fields where Linux 6.18 lets programs read them", () => {
  const spec = { name: "m", type: "hash", keySize: 8, valueSize: 16, maxEntries: 7, flags: 1 };
  const bytes = encodeMapHeader(1, spec, mapId(5));
  expect(bytes).toHaveLength(MAP_HEADER_BYTES);
  const words = new Uint32Array(bytes.buffer);
  // Recorded from programs that load r1 + 64, + 68, … of a map; 80 is map_extra, 96 is refused.
  expect([...words.subarray(16)]).toEqual([1, 8, 16, 7, 0, 0, 1, 5]);
});
