import { slotIndex } from "@bpfkit/core";
import { build, encode, ROWS, rowIndexAt } from "@bpfkit/isa";
import { formatListing, listProgram } from "@bpfkit/jit-x64";

// r1 = 20; call double; r0 += 2; exit; double: r0 = r1; r0 += r1; exit
const code = encode([
  build.mov64.imm(1, 20),
  build.callLocal(2),
  build.add64.imm(0, 2),
  build.exit(),
  build.mov64.reg(0, 1),
  build.add64.reg(0, 1),
  build.exit(),
]);
const subprograms = [
  { name: "main", start: slotIndex(0), linkage: "global" },
  { name: "double", start: slotIndex(4), linkage: "static" },
] as const;
const program = { name: "main", type: "raw", code, subprograms, references: [] };
const profile = { tailCallLimit: 33, tailCallCount: "shared", maxFrames: 8 } as const;

const listing = listProgram(program, { maps: new Map(), helpers: new Map(), profile, effects: {} });
console.log(
  formatListing(listing, (slot) => ROWS[rowIndexAt(code, slot)]!.name)
    .join("\n")
    .trimEnd(),
);
