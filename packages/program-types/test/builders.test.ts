import { CONTEXT_TYPES, createContext } from "@bpfkit/program-types";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { answer, counting, FakeMemory } from "./support.js";

test("the types there are", () => {
  expect(CONTEXT_TYPES).toEqual(
    "raw xdp socket_filter sched_cls sched_act cgroup_skb lwt_in lwt_out lwt_xmit".split(" "),
  );
});

test.each([
  {
    type: "kprobe",
    words:
      "programs of type kprobe cannot be run here: Linux has no test run for them either; contexts there are: raw, xdp",
  },
  {
    type: "sk_lookup",
    words: "programs of type sk_lookup cannot be run here: no context is built for them; contexts there are: raw",
  },
  { type: "tc", words: "there is no program type tc; contexts there are: raw" },
])("$type: $words", ({ type, words }) => {
  const { memory } = new FakeMemory();
  expect(answer(() => createContext(type, memory))).toBe("UNSUPPORTED_PROGRAM_TYPE");
  expect(() => createContext(type, memory)).toThrow(words);
});

describe("raw", () => {
  test("r1 is memory, r2 its length; what a program left there comes back", () => {
    const guest = new FakeMemory();
    const builder = createContext("raw", guest.memory);
    const context = builder.build({ data: counting(13) });
    const at = Number(context.r1);
    expect([context.r2, guest.may("write", at, 13), guest.may("read", at + 13, 1)]).toEqual([13n, true, false]);
    guest.u8[at] = 0xff;
    expect(builder.readBack(context, 0n)).toEqual({ dataOut: new Uint8Array([0xff, ...counting(13).subarray(1)]) });
  });

  test("without memory both are 0", () => {
    const builder = createContext("raw", new FakeMemory().memory);
    const context = builder.build({});
    expect([context.r1, context.r2, builder.readBack(context, 0n)]).toEqual([0n, 0n, {}]);
  });

  test("there are no fields", () => {
    const builder = createContext("raw", new FakeMemory().memory);
    expect(() => builder.build({ ctx: { mark: 1 } })).toThrow("a raw program has no context, so no field mark");
  });
});

describe.each(CONTEXT_TYPES)("building %s again and again", (type) => {
  test("takes no more memory, and shows nothing of the packet before", () => {
    const guest = new FakeMemory();
    const builder = createContext(type, guest.memory);
    const frame = fc.uint8Array({ minLength: 60, maxLength: 1500 }).map((bytes) => bytes.fill(0, 12, 14));
    builder.build({ data: new Uint8Array(1500) });
    const regions = guest.reserved.length;
    fc.assert(
      fc.property(frame, (data) => {
        const context = builder.build({ data });
        expect(guest.reserved).toHaveLength(regions);
        expect(builder.readBack(context, 0n).dataOut).toHaveLength(data.length);
        const readable = guest.reserved
          .filter(({ name }) => /packet's buffer|memory/.test(name))
          .flatMap(({ start, size }) => Array.from({ length: size }, (_, index) => start + index))
          .filter((at) => guest.may("read", at, 1));
        const { packet } = context;
        const seen = packet === undefined ? data.length : packet.dataEnd - packet.data;
        expect(readable).toHaveLength(seen);
        expect(readable[0]).toBe(packet?.data ?? Number(context.r1));
      }),
      { numRuns: 15 },
    );
  });
});
