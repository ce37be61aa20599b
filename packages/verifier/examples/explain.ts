import { DEFAULT_PROFILE } from "@bpfkit/abi";
import { type Program, slotIndex } from "@bpfkit/core";
import { explain, verify } from "@bpfkit/verifier";

// r0 = *(u32 *)(r1 + 76); r0 = *(u8 *)(r0 + 0); exit: a byte of the packet without a look at its end.
const code = Uint8Array.from("61104c000000000071000000000000009500000000000000".match(/../g)!, (byte) =>
  Number(`0x${byte}`),
);
const program: Program = {
  name: "first_byte",
  type: "sched_cls",
  code,
  subprograms: [{ name: "first_byte", start: slotIndex(0), linkage: "global" }],
  references: [],
};

const verdict = verify(program, { maps: new Map(), profile: DEFAULT_PROFILE });
console.log(verdict.verdict, verdict.errno);
console.log(verdict.message);
console.log(explain(program, verdict));
