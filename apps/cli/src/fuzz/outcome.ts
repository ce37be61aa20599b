import { isProgramArray, type MapStorage } from "@bpfkit/core";
import type { CaseOutcome } from "@bpfkit/fuzz";
import { toHex } from "../hex.js";

/** What the data maps of a case hold, as outcomes are compared: hex, sorted by key; a queue's values in order. */
export function contentsOf(maps: ReadonlyMap<string, MapStorage>): CaseOutcome["maps"] {
  const contents: Record<string, [string, string][]> = {};
  for (const [name, map] of maps) {
    if (isProgramArray(map)) continue;
    const entries = [...map.keys()].map((key): [string, string] => [
      toHex(key),
      toHex(map.get(key) ?? new Uint8Array()),
    ]);
    contents[name] = entries.sort(([one], [other]) => (one < other ? -1 : 1));
  }
  return contents;
}
