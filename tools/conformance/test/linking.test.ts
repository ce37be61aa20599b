import { DEFAULT_PROFILE } from "@bpfkit/abi";
import { type Effects, type GuestMemory, type LinkSet, programId, type RunContext } from "@bpfkit/core";
import { interpreter } from "@bpfkit/interpreter";
import { createGuestMemory } from "@bpfkit/memory";
import { describe, expect, test } from "vitest";
import { assembled, withHelper } from "../src/assembled.js";

const effects: Effects = { clock: () => 0n, random: () => 0, cpu: () => 0, trace: () => {} };
const CONTEXT: RunContext = { r1: 3n, r2: 4n, type: "raw" };
const MAIN = programId(0);

function setOf(texts: Record<string, string>, more: Partial<LinkSet> = {}): LinkSet {
  const programs = Object.entries(texts).map(([name, text]) => assembled(name, text));
  const memory: GuestMemory = createGuestMemory();
  return { programs, maps: new Map(), helpers: new Map(), memory, effects, profile: DEFAULT_PROFILE, ...more };
}
const refused = (code: string): Error => expect.objectContaining({ code });

describe("a linked set", () => {
  test("runs each of its programs by its number, and knows them", () => {
    const set = setOf({ one: "r0 = r1; exit", two: "r0 = r2; exit" });
    const linked = interpreter.link(set);
    expect([0, 1].map((id) => linked.run(programId(id), CONTEXT).r0)).toEqual([3n, 4n]);
    expect(set.programs.map((program) => linked.idOf(program))).toEqual([0, 1]);
    expect(linked.idOf(assembled("other", "exit"))).toBeUndefined();
    expect(() => linked.run(programId(2), CONTEXT)).toThrow(refused("NO_SUCH_PROGRAM"));
  });

  test("may hold one program twice", () => {
    const set = setOf({ one: "r0 = r1; exit" });
    const twice = interpreter.link({ ...set, programs: [...set.programs, ...set.programs] });
    expect(twice.run(MAIN, CONTEXT).r0).toBe(3n);
  });

  test("that was disposed of runs no more; disposing twice does nothing", () => {
    const linked = interpreter.link(setOf({ one: "r0 = 1; exit" }));
    linked.dispose();
    linked.dispose();
    expect(() => linked.run(MAIN, CONTEXT)).toThrow(refused("DISPOSED"));
    expect(() => linked.start(MAIN, CONTEXT)).toThrow(refused("DISPOSED"));
    expect(() => linked.runMany(MAIN, 1, () => CONTEXT)).toThrow(refused("DISPOSED"));
  });

  test("disposed of by a helper of its run, or while it is stepped, ends that run first", () => {
    const body = (): number => {
      linked.dispose();
      return 0;
    };
    const linked = interpreter.link(setOf({ one: "call 9999; r0 = 7; exit" }, withHelper(body)));
    expect(linked.run(MAIN, CONTEXT).r0).toBe(7n);
    expect(() => linked.run(MAIN, CONTEXT)).toThrow(refused("DISPOSED"));
    const other = interpreter.link(setOf({ one: "r0 = 1; r0 = 2; exit" }));
    const stepper = other.start(MAIN, CONTEXT);
    stepper.step();
    other.dispose();
    expect(stepper.runUntil(() => false)?.r0).toBe(2n);
  });

  test("shares its memory's stacks with others in it", () => {
    const set = setOf({ one: "r0 = r10; exit" });
    const links = Array.from({ length: 50 }, () => interpreter.link(set));
    const bytes = set.memory.views.u8.length;
    expect(new Set(links.map((linked) => linked.run(MAIN, CONTEXT).r0)).size).toBe(1);
    expect(set.memory.views.u8.length).toBe(bytes);
  });

  test("needs memory for a stack", () => {
    const memory = createGuestMemory({ maxBytes: 1 << 17 });
    expect(() => interpreter.link(setOf({ one: "exit" }, { memory }))).toThrow(refused("OUT_OF_MEMORY"));
  });

  test("takes nothing where it cannot be made, and may be made after that", () => {
    const set = setOf({ one: "r0 = 1; exit" });
    const bad = { ...assembled("bad", "exit"), code: new Uint8Array(5) };
    for (let round = 0; round < 40; round++)
      expect(() => interpreter.link({ ...set, programs: [bad] })).toThrow(refused("BAD_INSTRUCTION"));
    expect(interpreter.link(set).run(MAIN, CONTEXT).r0).toBe(1n);
  });
});

describe("many runs", () => {
  const COUNT = "if r1 == 5 goto bad; r0 = r1; r0 += 1; exit; bad: r0 = *(u8 *)(r9 + 0); exit";
  const contexts = (index: number): RunContext => ({ ...CONTEXT, r1: BigInt(index) });

  test("give each r0, and the counts of all", () => {
    const linked = interpreter.link(setOf({ main: COUNT }));
    const { r0, completed, instructions, tailCalls, missedTailCalls, fault } = linked.runMany(MAIN, 4, contexts);
    expect([[...r0], completed, instructions, tailCalls, missedTailCalls, fault]).toEqual([
      [1n, 2n, 3n, 4n],
      4,
      16,
      0,
      0,
      undefined,
    ]);
  });

  test("stop at a fault", () => {
    const linked = interpreter.link(setOf({ main: COUNT }));
    const { r0, completed, fault } = linked.runMany(MAIN, 9, contexts);
    expect([[...r0], completed, fault?.kind]).toEqual([[1n, 2n, 3n, 4n, 5n, 0n, 0n, 0n, 0n], 5, "read"]);
  });

  test("of none are none", () => {
    const linked = interpreter.link(setOf({ main: COUNT }));
    expect(linked.runMany(MAIN, 0, contexts)).toMatchObject({ completed: 0, instructions: 0 });
  });

  test("leave the set as it was where a context cannot be made", () => {
    const linked = interpreter.link(setOf({ main: COUNT }));
    const broken = (): RunContext => {
      throw new RangeError("no context");
    };
    for (let round = 0; round < 40; round++) expect(() => linked.runMany(MAIN, 1, broken)).toThrow("no context");
    // A context out of plain JavaScript may be anything.
    const odd = { r1: 1, r2: undefined, type: "raw" } as unknown as RunContext;
    for (let round = 0; round < 40; round++) expect(() => linked.run(MAIN, odd)).toThrow(TypeError);
    expect(linked.run(MAIN, CONTEXT).r0).toBe(4n);
  });
});
