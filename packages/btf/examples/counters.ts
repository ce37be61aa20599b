import { type BtfType, decodeValue, dumpType, encodeBtf, encodeValue, findByName, parseBtf, sizeOf } from "@bpfkit/btf";

// What clang puts into the .BTF section of: struct counters { unsigned int packets; unsigned long long bytes; };
const types: BtfType[] = [
  { kind: "int", name: "unsigned int", size: 4, bits: 32, offset: 0, encoding: 0 },
  { kind: "int", name: "unsigned long long", size: 8, bits: 64, offset: 0, encoding: 0 },
  {
    kind: "struct",
    name: "counters",
    size: 16,
    members: [
      { name: "packets", type: 1, bitOffset: 0, bitSize: 0 },
      { name: "bytes", type: 2, bitOffset: 64, bitSize: 0 },
    ],
  },
];
const btf = parseBtf(encodeBtf(types));
const id = findByName(btf, "counters", "struct");
if (id === undefined) throw new Error("no such struct");

console.log(dumpType(btf, id, { layout: true }).replaceAll("\t", "  "));

const bytes = encodeValue(btf, id, { packets: 3, bytes: 180n });
console.log(sizeOf(btf, id), decodeValue(btf, id, bytes));
