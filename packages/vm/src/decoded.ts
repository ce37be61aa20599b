import { decodeValue, parseBtf } from "@bpfkit/btf";
import { isBpfkitError, type MapStorage } from "@bpfkit/core";

/** Gives a map's value by its BTF type; undefined where there is none, or none that fits. */
export type Decode = (map: MapStorage, value: Uint8Array) => unknown;

/** Decodes values of an object's maps. The object's BTF is parsed when it is first needed. */
export function valueDecoder(btf: Uint8Array | undefined): Decode {
  if (btf === undefined) return () => undefined;
  let types: ReturnType<typeof parseBtf> | undefined;
  return ({ spec }, value) => {
    if (!spec.btfValueTypeId) return undefined;
    try {
      types ??= parseBtf(btf);
      return decodeValue(types, spec.btfValueTypeId, value);
    } catch (error) {
      if (isBpfkitError(error)) return undefined;
      throw error;
    }
  };
}
