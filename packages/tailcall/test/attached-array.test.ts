import { type GuestMemory, guestAddress, type MapSpec, mapId, type Program } from "@bpfkit/core";
import { attachProgramArray, createProgramArray } from "@bpfkit/tailcall";
import { describe, expect, test } from "vitest";

const SPEC: MapSpec = { name: "programs", type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 4, flags: 0 };
const program = (name: string): Program => ({
  name,
  type: "xdp",
  code: new Uint8Array(8),
  subprograms: [],
  references: [],
});
const PROGRAMS = [program("one"), program("two")];
const [ONE, TWO] = PROGRAMS as [Program, Program];
const programId = ({ name }: Program): number => (name === "one" ? 11 : 12);
const key = (index: number): Uint8Array => new Uint8Array(Uint32Array.of(index).buffer);
const code = (code: string): unknown => expect.objectContaining({ code });

/** Enough of guest memory for a header. */
const memory = {
  views: { u8: new Uint8Array(512) },
  reserve: (name: string, size: number) => ({ name, start: guestAddress(128), size }),
  release() {},
} as unknown as GuestMemory;

function both(spec: Partial<MapSpec> = {}) {
  const own = createProgramArray({ ...SPEC, ...spec }, { id: mapId(3), memory, programId });
  own.setProgram(1, ONE);
  return { own, attached: attachProgramArray(structuredClone(own.share!(PROGRAMS)), PROGRAMS, programId) };
}

describe("another thread", () => {
  test("sees what its owner puts in and takes out", () => {
    const { own, attached } = both();
    expect(attached.header).toBe(own.header);
    expect(attached.programs()).toEqual([[1, ONE]]);
    own.setProgram(3, TWO);
    own.setProgram(1, TWO);
    expect(attached.programs()).toEqual(own.programs());
    expect([0, 1, 2, 3, 4, -1].map((index) => attached.programAt(index)?.name)).toEqual([
      undefined,
      "two",
      undefined,
      "two",
      undefined,
      undefined,
    ]);
    own.deleteProgram(3);
    expect(attached.programAt(3)).toBeUndefined();
    expect([...attached.keys()]).toEqual([...own.keys()]);
    for (let index = 0; index < 5; index++) expect(attached.get(key(index))).toEqual(own.get(key(index)));
  });

  test("changes nothing", () => {
    const { attached } = both();
    expect(() => attached.setProgram(0, ONE)).toThrow(code("EPERM"));
    expect(() => attached.deleteProgram(1)).toThrow(code("EPERM"));
    expect(() => attached.set(key(0), key(11))).toThrow(code("EPERM"));
    expect(() => attached.delete(key(1))).toThrow(code("EPERM"));
    expect(attached.programs()).toEqual([[1, ONE]]);
  });

  test("sees no change that a listener of the owner refuses", () => {
    const { own, attached } = both();
    own.onChange(() => {
      throw new Error("refused");
    });
    expect(() => own.setProgram(1, TWO)).toThrow("refused");
    expect(attached.programAt(1)).toBe(ONE);
  });
});

describe("sharing is refused", () => {
  test("of a program that is not among those shared, before and after", () => {
    const { own } = both();
    expect(() => own.setProgram(0, program("three"))).toThrow(code("NOT_SHARED"));
    expect(own.programs()).toEqual([[1, ONE]]);
    const holder = createProgramArray(SPEC, { id: mapId(3), memory, programId });
    holder.setProgram(0, program("three"));
    expect(() => holder.share!(PROGRAMS)).toThrow(code("NOT_SHARED"));
  });

  test("of arrays that are too large, and a second time", () => {
    expect(() => both({ maxEntries: 2 ** 20 + 1 })).toThrow(code("NOT_SHARED"));
    expect(() => both().own.share!(PROGRAMS)).toThrow(code("NOT_SHARED"));
  });
});
