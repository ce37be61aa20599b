import { readFileSync } from "node:fs";
import { CONTEXT_STRUCTS, contextAccessOk, contextFieldAt, programTypeByName } from "@bpfkit/abi";
import { describe, expect, test } from "vitest";

/** Offsets at which Linux 6.18 took a load or store, by program type, access and size: "0-8 16" steps by the size. */
const recorded: Readonly<Record<string, Record<"read" | "write", Record<string, string>>>> = JSON.parse(
  readFileSync(new URL("./context-access.json", import.meta.url), "utf8"),
);

function ranges(offsets: readonly number[], step: number): string {
  const parts: number[][] = [];
  for (const offset of offsets) {
    if (parts.at(-1)?.at(-1) === offset - step) parts.at(-1)!.push(offset);
    else parts.push([offset]);
  }
  return parts.map((part) => (part.length === 1 ? `${part[0]}` : `${part[0]}-${part.at(-1)}`)).join(" ");
}

describe("context fields", () => {
  test.each(Object.keys(recorded))("%s may touch what Linux lets it", (type) => {
    const struct = CONTEXT_STRUCTS.get(programTypeByName(type).context!)!;
    const ours = (access: "read" | "write") =>
      Object.fromEntries(
        [1, 2, 4, 8].map((size) => {
          const offsets = Array.from({ length: 200 }, (_, offset) => offset);
          // This one field depends on the attach type; the record is of programs without one.
          const ok = (offset: number) =>
            contextAccessOk(struct, type, access, offset, size) &&
            contextFieldAt(struct, offset)?.name !== "egress_ifindex";
          return [size, ranges(offsets.filter(ok), size)];
        }),
      );
    expect({ read: ours("read"), write: ours("write") }).toEqual(recorded[type]);
  });

  test.each([...CONTEXT_STRUCTS.values()])(
    "fields of $name neither overlap nor leave the structure",
    ({ fields, size }) => {
      let end = 0;
      for (const field of fields) {
        expect(field.offset).toBeGreaterThanOrEqual(end);
        end = field.offset + field.size;
      }
      expect(end).toBeLessThanOrEqual(size);
    },
  );

  test("padding is no field", () => {
    const skb = CONTEXT_STRUCTS.get("__sk_buff")!;
    expect(contextFieldAt(skb, 181)).toBeUndefined();
    expect(contextFieldAt(skb, 63)?.name).toBe("cb");
    expect(contextAccessOk(skb, "sched_cls", "read", 66, 4)).toBe(false);
  });
});
