import { countTailCalls, type TailCallModel } from "@bpfkit/tailcall";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const shared = { tailCallLimit: 33, tailCallCount: "shared" } as const;
const byValue = (tailCallLimit: number) => ({ tailCallLimit, tailCallCount: "by-value" }) as const;

/** An entry that calls a subprogram twice, which tail-calls the entry. */
const twice: TailCallModel = { main: [{ call: [{ tailCall: "main" }] }, { call: [{ tailCall: "main" }] }] };
/** An entry that starts two hierarchies, each of which tail-calls itself from a subprogram. */
const hierarchies: TailCallModel = {
  main: [{ call: [{ tailCall: "c0" }] }, { call: [{ tailCall: "c1" }] }],
  c0: [{ call: [{ tailCall: "c0" }] }],
  c1: [{ call: [{ tailCall: "c1" }] }],
};
/** A subprogram called 40 times that tail-calls a leaf. */
const forty: TailCallModel = { main: Array(40).fill({ call: [{ tailCall: "leaf" }] }), leaf: [] };

describe("the count of tail calls", () => {
  test.each([
    {
      what: "itself",
      model: { main: [{ tailCall: "main" }] },
      profile: shared,
      counts: { runs: { main: 34 }, made: 33, missed: 1 },
    },
    {
      what: "two in turn",
      model: { main: [{ tailCall: "b" }], b: [{ tailCall: "main" }] },
      profile: shared,
      counts: { runs: { main: 17, b: 17 }, made: 33, missed: 1 },
    },
    { what: "a subprogram twice", model: twice, profile: shared, counts: { runs: { main: 34 }, made: 33, missed: 35 } },
    {
      what: "a subprogram twice, by value",
      model: twice,
      profile: byValue(5),
      counts: { runs: { main: 63 }, made: 62, missed: 64 },
    },
    {
      what: "two hierarchies",
      model: hierarchies,
      profile: shared,
      counts: { runs: { main: 1, c0: 33 }, made: 33, missed: 2 },
    },
    {
      what: "two hierarchies, by value",
      model: hierarchies,
      profile: byValue(33),
      counts: { runs: { main: 1, c0: 33, c1: 33 }, made: 66, missed: 2 },
    },
    {
      what: "a leaf 40 times",
      model: forty,
      profile: shared,
      counts: { runs: { main: 1, leaf: 33 }, made: 33, missed: 7 },
    },
    {
      what: "a leaf 40 times, by value",
      model: forty,
      profile: byValue(33),
      counts: { runs: { main: 1, leaf: 40 }, made: 40, missed: 0 },
    },
    { what: "none", model: { main: [] }, profile: shared, counts: { runs: { main: 1 }, made: 0, missed: 0 } },
  ])("$what", ({ model, profile, counts }) => {
    expect(countTailCalls(model, "main", profile)).toEqual(counts);
  });

  test("by value the runs double with every tail call: given up past a million", () => {
    expect(() => countTailCalls(twice, "main", byValue(33))).toThrow(
      expect.objectContaining({ code: "TOO_MANY_RUNS" }),
    );
  });

  test.each(["gone", "toString"])("a tail call to %s, which is not there", (name) => {
    expect(() => countTailCalls({ main: [{ tailCall: name }] }, "main", shared)).toThrow(
      `the model has no program ${name}`,
    );
  });

  const step = fc.letrec<{ step: { call: unknown[] } | { tailCall: string } }>((tie) => ({
    step: fc.oneof(
      { maxDepth: 3 },
      fc.record({ tailCall: fc.constantFrom("a", "b") }),
      fc.record({ call: fc.array(tie("step"), { maxLength: 3 }) }),
    ),
  })).step;
  const steps = fc.array(step, { maxLength: 4 });

  test("a shared count never lets an entry make more than the limit, and one by value as many at least", () => {
    fc.assert(
      fc.property(steps, steps, fc.nat(4), (a, b, limit) => {
        const model = { a, b } as TailCallModel;
        const one = countTailCalls(model, "a", { tailCallLimit: limit, tailCallCount: "shared" });
        const other = countTailCalls(model, "a", { tailCallLimit: limit, tailCallCount: "by-value" });
        expect(one.made).toBeLessThanOrEqual(limit);
        expect(other.made).toBeGreaterThanOrEqual(one.made);
        for (const { runs, made } of [one, other]) {
          expect(Object.values(runs).reduce((sum, count) => sum + count)).toBe(made + 1);
        }
      }),
    );
  });
});
