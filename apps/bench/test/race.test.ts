import { describe, expect, test } from "vitest";
import { type Contender, calibrate, processorTime, race } from "../src/clock.js";

const METHOD = { quick: true, rounds: 3, round: 1 };

/** A contender whose samples are given, and that notes what is done to it. */
function scripted(subject: string, result: number | undefined, log: string[]): Contender {
  return {
    subject,
    ...(result === undefined ? {} : { result }),
    sample() {
      log.push(subject);
      return log.length;
    },
    dispose: () => void log.push(`${subject} disposed`),
  };
}

describe("race", () => {
  test("takes samples in turn, then disposes", () => {
    const log: string[] = [];
    const summaries = race("both", [scripted("a", 1, log), scripted("b", 1, log)], METHOD);
    expect(log).toEqual(["a", "b", "a", "b", "a", "b", "a disposed", "b disposed"]);
    expect(summaries).toMatchObject([
      { min: 1, median: 3, samples: 3 },
      { min: 2, median: 4, samples: 3 },
    ]);
  });

  test("times nothing where results differ, and says who said what", () => {
    const log: string[] = [];
    const contenders = [scripted("a", 1, log), scripted("silent", undefined, log), scripted("b", 2, log)];
    expect(() => race("both", contenders, METHOD)).toThrow(
      expect.objectContaining({ code: "DIFFERENT_RESULTS", message: expect.stringContaining("a 1, b 2") }),
    );
    expect(log).toEqual(["a disposed", "silent disposed", "b disposed"]);
  });

  test("signed and unsigned results are the same", () => {
    const log: string[] = [];
    expect(race("both", [scripted("a", -1, log), scripted("b", 0xffffffff, log)], METHOD)).toHaveLength(2);
  });
});

test("calibrate fills a round", () => {
  const asked: number[] = [];
  const spin = (runs: number): void => {
    asked.push(runs);
    for (let i = 0, x = 1; i < runs * 1000; i++) x = (Math.imul(x, 31) + i) | 0;
  };
  calibrate(spin, 1)();
  const last = asked.at(-1)!;
  expect(last).toBe(Math.max(...asked));
  expect(processorTime(() => spin(last * 16))).toBeGreaterThan(1e6);
});
