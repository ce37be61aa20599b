import { attachGuestMemory, createGuestMemory, GAP, type OwnMemory, type SharedMemory } from "@bpfkit/memory";
import { describe, expect, test } from "vitest";

const code = (code: string): unknown => expect.objectContaining({ code });
/** What another thread would get: the views are its own. */
const posted = (shared: SharedMemory): SharedMemory => structuredClone(shared);

function shared(threads: number, bytes = 4096): { readonly own: OwnMemory; readonly data: SharedMemory } {
  const own = createGuestMemory({ shared: true });
  own.reserve("the value of map `counters`", 64, "read-write");
  return { own, data: own.share({ threads, bytes }) };
}

describe("attaching", () => {
  test("the same bytes and permissions, an area each", () => {
    const { own, data } = shared(2);
    const value = 65_536 + GAP;
    const [one, two] = [attachGuestMemory(posted(data)), attachGuestMemory(posted(data))];
    expect([one.thread, two.thread, own.attached]).toEqual([1, 2, 2]);
    own.views.data.setBigUint64(value, 7n, true);
    expect(one.views.data.getBigUint64(value, true)).toBe(7n);
    one.checkWrite(value, 64);
    expect(() => one.checkRead(value + 60, 8)).toThrow("of the value of map `counters`");
    const stacks = [one, two].map((memory) => memory.reserve("the stack", 512, "read-write"));
    own.checkWrite(stacks[0]!.start, 512);
    for (const [index, { start, size }] of stacks.entries()) {
      const area = data.areas[index]!;
      expect(start).toBeGreaterThanOrEqual(area.start);
      expect(start + size).toBeLessThanOrEqual(area.start + area.size);
    }
  });

  test("an area has the bytes it was given, and no more", () => {
    const memory = attachGuestMemory(shared(1, 4096).data);
    memory.reserve("all of it", 4096, "read");
    expect(() => memory.reserve("one more", 8, "read")).toThrow(code("OUT_OF_MEMORY"));
  });

  test("nothing is left of who had the seat before", () => {
    const { own, data } = shared(1);
    const before = attachGuestMemory(data);
    const { start } = before.reserve("the stack", 64, "read-write");
    before.views.u8.fill(1, start, start + 64);
    own.detach(1);
    const after = attachGuestMemory(data);
    expect(() => after.checkRead(start, 1)).toThrow();
    expect(after.views.u8.subarray(start, start + 64).every((byte) => byte === 0)).toBe(true);
  });

  test("no more than there are seats, and a seat again after letting go", () => {
    const { own, data } = shared(1);
    const memory = attachGuestMemory(data);
    expect(() => attachGuestMemory(data)).toThrow(code("NO_SEAT"));
    memory.detach();
    memory.detach();
    expect(own.attached).toBe(0);
    expect(attachGuestMemory(data).thread).toBe(1);
  });

  test("closed, nobody attaches; attached, nobody closes", () => {
    const { own, data } = shared(2);
    const memory = attachGuestMemory(data);
    expect(() => own.close()).toThrow(code("ATTACHED"));
    attachGuestMemory(data).detach();
    memory.detach();
    own.close();
    expect(() => attachGuestMemory(data)).toThrow(code("CLOSED"));
    expect(own.attached).toBe(0);
  });
});

describe("the owner", () => {
  test("shares only what was made for it, and once", () => {
    expect(() => createGuestMemory().share({ threads: 1, bytes: 64 })).toThrow(code("NOT_SHARED"));
    const { own } = shared(1);
    expect(() => own.share({ threads: 1, bytes: 64 })).toThrow(code("ALREADY_SHARED"));
    expect(() => createGuestMemory({ shared: true }).share({ threads: 0, bytes: 64 })).toThrow(code("BAD_SIZE"));
  });

  test("has an area's bytes left for itself, and does not grow", () => {
    const { own } = shared(1, 3 << 20);
    own.reserve("as much as a thread has", 3 << 20, "read");
    expect(() => own.reserve("more than there is", 1 << 24, "read")).toThrow(code("GROWTH_SHARED"));
  });
});
