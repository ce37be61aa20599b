import { type Btf, functionPrototype, parseBtf, resolve, typeById } from "@bpfkit/btf";
import { isBpfkitError, type Program } from "@bpfkit/core";

/**
 * Tells of a subprogram whether its BTF says that it returns an int, as the kernel wants it of one that tail-calls
 * (`check_btf_func`): an integer of at most 8 bytes or an enum. Undefined where there is no BTF, or none that can be read.
 */
export function returnsIntBy(): (program: Program, subprogram: number) => boolean | undefined {
  const parsed = new Map<Uint8Array, Btf | undefined>();
  return ({ btf, subprograms }, index) => {
    const start = subprograms[index]?.start;
    const row = btf?.functions.find(({ slot }) => slot === start);
    if (btf === undefined || row === undefined) return undefined;
    if (!parsed.has(btf.types))
      parsed.set(
        btf.types,
        orUndefined(() => parseBtf(btf.types)),
      );
    const types = parsed.get(btf.types);
    return types === undefined ? undefined : orUndefined(() => returnsInt(types, row.typeId));
  };
}

function returnsInt(btf: Btf, typeId: number): boolean {
  const { returns } = functionPrototype(btf, typeId);
  if (returns === 0) return false;
  const type = typeById(btf, resolve(btf, returns));
  return type.kind === "enum" || type.kind === "enum64" || (type.kind === "int" && type.size <= 8);
}

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isBpfkitError(error)) return undefined;
    throw error;
  }
}
