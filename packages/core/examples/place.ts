import { BpfkitError, formatPlace, guestAddress, isBpfkitError, type Program, sourceLineAt } from "@bpfkit/core";

class LoaderError extends BpfkitError<"NO_SUCH_MAP"> {}

const place = { file: "lb.o", section: "xdp", program: "balance", slot: 12 };
try {
  throw new LoaderError("NO_SUCH_MAP", "map `backends` is not defined; the object has `services`", place);
} catch (error) {
  if (isBpfkitError(error)) console.log(`${error.code}: ${error.message}`);
}

const program: Program = { name: "balance", type: "xdp", code: new Uint8Array(16), subprograms: [], references: [] };
console.log(sourceLineAt(program, 1), formatPlace({ program: program.name, slot: 1 }));

try {
  guestAddress(2 ** 32);
} catch (error) {
  console.log((error as Error).message);
}
