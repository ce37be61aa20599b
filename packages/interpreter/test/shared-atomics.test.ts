import type { MemoryViews } from "@bpfkit/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { runAtomic } from "../src/atomics.js";
import { runSharedAtomic } from "../src/shared-atomics.js";

/** RFC 9669 §5.3 and Linux 6.15, by immediate, with the sizes they have. */
const OPERATIONS = [
  ...[0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1].map((operation) => ({ operation, sizes: [4, 8] })),
  ...[0x100, 0x110].map((operation) => ({ operation, sizes: [1, 2, 4, 8] })),
];
const word = fc.oneof(fc.constantFrom(0, 1, -1, 0x7fff_ffff, -0x8000_0000), fc.integer());

test.each(
  OPERATIONS.flatMap(({ operation, sizes }) =>
    sizes.map((size) => [`0x${operation.toString(16)}`, operation, size] as const),
  ),
)("operation %s of shared memory is that of memory of one thread (%i, %i bytes)", (_, operation, size) => {
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 22, maxLength: 22 }),
      fc.array(word, { minLength: 4, maxLength: 4 }),
      fc.nat(16 / size - 1),
      fc.nat(9),
      fc.nat(9),
      fc.boolean(),
      (registers, bytes, element, dst, src, equal) => {
        const address = element * size;
        const memory = Int32Array.from(bytes);
        const shared = new Int32Array(new SharedArrayBuffer(16));
        shared.set(bytes);
        const one = Int32Array.from(registers);
        // Comparing and exchanging is to find what it looks for, too.
        if (equal && size >= 4) one.set(memory.subarray(address / 4, (address + size) / 4));
        const other = one.slice();
        const views = { i32: shared, i64: new BigInt64Array(shared.buffer) } as unknown as MemoryViews;
        runAtomic(one, new DataView(memory.buffer), address, size, operation, 2 * dst, 2 * src);
        const whole = new BigInt64Array(other.buffer);
        runSharedAtomic(other, whole, views, address, size, operation, 2 * dst, 2 * src);
        expect([...shared]).toEqual([...memory]);
        expect([...other]).toEqual([...one]);
      },
    ),
  );
});
