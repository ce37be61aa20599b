import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Result, Results, Summary } from "../src/results.js";
import { geometricMean, movedBetween, netOf, ratioOf, spreadOf, summarise } from "../src/statistics.js";

const time = fc.double({ min: 0.01, max: 1e9, noNaN: true });
const narrow = (value: number): Summary => ({
  min: value,
  low: value,
  median: value * 1.01,
  high: value * 1.02,
  samples: 7,
});

describe("summarise", () => {
  test.each([
    [[5], { min: 5, low: 5, median: 5, high: 5, samples: 1 }],
    [[3, 1], { min: 1, low: 1.5, median: 2, high: 2.5, samples: 2 }],
    [[4, 1, 3, 2, 5], { min: 1, low: 2, median: 3, high: 4, samples: 5 }],
  ])("of %j", (samples, expected) => {
    expect(summarise(samples)).toEqual(expected);
  });

  test("its figures are in order, within the samples", () => {
    fc.assert(
      fc.property(fc.array(time, { minLength: 1 }), (samples) => {
        const { min, low, median, high } = summarise(samples);
        expect(min).toBe(Math.min(...samples));
        expect([min, low, median, high, Math.max(...samples)]).toEqual(
          [min, low, median, high, Math.max(...samples)].toSorted((a, b) => a - b),
        );
      }),
    );
  });
});

describe("ratioOf", () => {
  test("is least by least", () => {
    expect(ratioOf(narrow(30), narrow(20))).toBeCloseTo(1.5);
  });

  test.each([
    ["one whose median is twice its least", { ...narrow(10), median: 20 }, narrow(10)],
    ["the other's", narrow(10), { ...narrow(10), median: 20 }],
    ["two that are each a little wide", { ...narrow(10), median: 13 }, { ...narrow(10), median: 13 }],
    ["nothing", narrow(10), narrow(0)],
  ])("means nothing with %s", (_, one, of) => {
    expect(ratioOf(one, of)).toBeUndefined();
  });
});

test("the spread is the third quartile's distance from the least", () => {
  expect(spreadOf({ min: 100, low: 101, median: 110, high: 125, samples: 7 })).toBeCloseTo(0.25);
});

test("the empty program is taken off where enough is left", () => {
  expect(netOf(narrow(100), narrow(10)).min).toBe(90);
  expect(netOf(narrow(15), narrow(10)).min).toBe(15);
  expect(netOf(narrow(15), undefined).min).toBe(15);
});

test("the geometric mean of a value and its inverse is 1", () => {
  fc.assert(
    fc.property(time, (value) => {
      expect(geometricMean([value, 1 / value])).toBeCloseTo(1);
    }),
  );
  expect(geometricMean([])).toBeUndefined();
});

describe("movedBetween", () => {
  const result = (summary: Summary, more: Partial<Result> = {}): Result => ({
    kind: "result",
    group: "compute",
    workload: "alu64",
    subject: "interpreter",
    measure: "run",
    unit: "ns",
    ...summary,
    ...more,
  });
  const of = (...results: Result[]): Results => ({ machine: {} as Results["machine"], results, skipped: [] });
  const wide: Summary = { min: 90, low: 100, median: 150, high: 200, samples: 7 };

  test.each([
    ["slower", narrow(100), narrow(120), { better: false }],
    ["faster", narrow(100), narrow(80), { better: true }],
  ])("%s", (_, before, now, expected) => {
    expect(movedBetween(of(result(before)), of(result(now)))).toMatchObject([expected]);
  });

  test.each([
    ["the same", narrow(100), narrow(100)],
    ["a hundredth, which is never a move", { ...narrow(100), high: 100.1 }, { ...narrow(101), low: 101 }],
    ["within the noise of before", wide, narrow(150)],
    ["within the noise of now", narrow(150), wide],
  ])("%s", (_, before, now) => {
    expect(movedBetween(of(result(before)), of(result(now)))).toEqual([]);
  });

  test("more runs a second are better", () => {
    const [before, now] = [result(narrow(100), { unit: "runs/s" }), result(narrow(200), { unit: "runs/s" })];
    expect(movedBetween(of(before), of(now))).toMatchObject([{ better: true, ratio: 2 }]);
  });

  test("what is in one run alone is left out", () => {
    expect(movedBetween(of(result(narrow(1))), of(result(narrow(9), { x: 64 })))).toEqual([]);
  });
});
