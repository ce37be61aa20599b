import { profileFor } from "@bpfkit/abi";
import { type Program, slotIndex } from "@bpfkit/core";
import { build, encode } from "@bpfkit/isa";
import { analyseStack, reportStack } from "@bpfkit/stack";

// main keeps 257 bytes and calls next, which tail-calls jumps[0].
const code = encode([
  ...[build.st.u8(10, -257, 1), build.callLocal(1), build.exit()],
  ...[build.lddwMap(2, 0), build.mov64.imm(3, 0), build.call(12), build.mov64.imm(0, 1), build.exit()],
]);
const starts = [slotIndex(0), slotIndex(3)];
const program: Program = {
  name: "main",
  type: "xdp",
  code,
  subprograms: starts.map((start, index) => ({ name: ["main", "next"][index]!, start, linkage: "static" })),
  references: [{ kind: "map", slot: slotIndex(3), map: "jumps" }],
  btf: {
    types: new Uint8Array(),
    functions: starts.map((slot, index) => ({ slot, typeId: index + 1 })),
    lines: new Uint32Array(),
  },
};
const slots = [{ index: 0, of: "program", name: "main" }] as const;
const jumps = { name: "jumps", type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 4, flags: 0, slots };

const facts = analyseStack({ programs: [program], maps: [jumps] });
for (const version of ["5.9", "6.18"]) {
  const { verdict, message, change, worst } = reportStack(facts, profileFor(version)).programs[0]!;
  console.log(`${version}: ${verdict}, ${message}\n  ${change?.text}`);
  console.log(`  worst: ${worst.bytes} bytes after ${worst.tailCalls} tail calls (${worst.certainty})`);
}
