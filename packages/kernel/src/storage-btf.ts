import { encodeBtf } from "@bpfkit/btf";

/** The smallest BTF for a map type that must have some: an `int` as key, `valueSize` bytes as value. */
export function storageBtf(valueSize: number): {
  readonly types: Uint8Array;
  readonly key: number;
  readonly value: number;
} {
  const types = encodeBtf([
    { kind: "int", name: "int", size: 4, bits: 32, offset: 0, encoding: 1 },
    { kind: "int", name: "unsigned char", size: 1, bits: 8, offset: 0, encoding: 0 },
    { kind: "array", name: "", type: 2, indexType: 1, length: valueSize },
    {
      kind: "struct",
      name: "value",
      size: valueSize,
      members: [{ name: "bytes", type: 3, bitOffset: 0, bitSize: 0 }],
    },
  ]);
  return { types, key: 1, value: 4 };
}
