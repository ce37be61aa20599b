import { decodeValue, parseBtf } from "@bpfkit/btf";
import type { MapStorage } from "@bpfkit/core";

/** Gives map values by their BTF type, where the object has BTF and the map names a type. */
export function valueDecoder(btf: Uint8Array | undefined): (map: MapStorage, value: Uint8Array) => unknown {
  if (btf === undefined) return () => undefined;
  const types = parseBtf(btf);
  return ({ spec }, value) => (spec.btfValueTypeId ? decodeValue(types, spec.btfValueTypeId, value) : undefined);
}
