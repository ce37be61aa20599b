import { profileFor } from "@bpfkit/abi";
import { build } from "@bpfkit/isa";
import { analyseStack, reportStack } from "@bpfkit/stack";
import { describe, expect, test } from "vitest";
import { call, JUMPS, leave, program, reportOf, tailCall, use } from "./programs.js";

const PRANDOM = 7;

describe("the worst moment", () => {
  test("keeps the callers of each tail call, 33 times, and the last chain whole", () => {
    const main = program("main", [
      [...use(240), call(1), ...leave],
      [...use(272), ...tailCall(0), ...leave],
    ]);
    expect(reportOf([main]).worst).toMatchObject({ bytes: 33 * 240 + 512, certainty: "exact", tailCalls: 33 });
  });

  test("of a tail call in the entry keeps nothing", () => {
    const main = program("main", [[...use(200), ...tailCall(1), ...leave]]);
    const { worst } = reportOf([main, program("next", [[...use(300), ...leave]])]);
    expect(worst).toMatchObject({ bytes: 304, certainty: "exact" });
    expect(worst.frames).toMatchObject([{ program: "next", how: "tail-call", replaced: { program: "main", hops: 1 } }]);
  });

  test("an empty slot and an index past the end lead nowhere", () => {
    for (const index of [5, 8, -1]) {
      const main = program("main", [
        [...use(16), ...tailCall(index), call(1), ...leave],
        [...use(64), ...leave],
      ]);
      expect(reportOf([main]).worst).toMatchObject({ bytes: 80, certainty: "exact", tailCalls: 0 });
    }
  });

  test("code behind a tail call that always succeeds is never run while the count lasts", () => {
    const main = program("main", [
      [...use(16), ...tailCall(1), call(1), ...leave],
      [...use(256), ...leave],
    ]);
    const { worst } = reportOf([main, program("next", [[...use(32), ...leave]])]);
    expect(worst).toMatchObject({ bytes: 32, certainty: "exact" });
  });

  test("one count for the whole entry: what a callee used up its caller has not", () => {
    const twice = program("main", [
      [call(1), ...tailCall(1), ...leave],
      [...tailCall(2), ...leave],
    ]);
    const deep = program("deep", [[...use(400), ...leave]]);
    const loop = program("loop", [[...tailCall(2), ...leave]]);
    expect(reportOf([twice, deep, loop], { version: "6.18" }).worst.bytes).toBe(0);
    expect(reportOf([twice, deep, loop], { version: "6.11" }).worst.bytes).toBe(400);
  });

  test("is open where a branch is not decided", () => {
    const body = [build.call(PRANDOM), build.jeq.imm(0, 0, 1), call(1), ...leave];
    const main = program("main", [body, [...use(64), ...leave]]);
    expect(reportOf([main]).worst).toMatchObject({ bytes: 64, certainty: "open" });
  });

  test("is a bound where calls recurse", () => {
    const main = program("main", [
      [...use(8), call(1), ...leave],
      [...use(8), call(1), ...leave],
    ]);
    expect(reportOf([main])).toMatchObject({ verdict: "reject", worst: { bytes: 8 * 16, certainty: "bound" } });
  });

  test("an array nobody filled may hold any program of its kind", () => {
    const main = program("main", [[...tailCall(3), ...leave]]);
    const other = program("other", [[...use(64), ...leave]]);
    const foreign = program("foreign", [[...use(128), ...leave]], { type: "sched_cls" });
    const { worst, tailCalls } = reportOf([main, other, foreign], { maps: [JUMPS] });
    expect(tailCalls[0]).toMatchObject({ targets: ["main", "other"], assumed: true, index: { min: 3, max: 3 } });
    expect(worst).toMatchObject({ bytes: 64, certainty: "open" });
    expect(worst.why).toContain("if jumps holds programs of this set only");
  });
});

describe("a set", () => {
  const slots = [
    { index: 0, of: "program", name: "main" },
    { index: 1, of: "program", name: "foreign" },
    { index: 2, of: "program", name: "unused" },
  ] as const;
  const programs = [
    program("main", [[...tailCall(0), ...tailCall(1), ...leave]]),
    program("foreign", [[...leave]], { type: "sched_cls" }),
    program("unused", [[...leave]]),
  ];
  const report = reportStack(analyseStack({ programs, maps: [{ ...JUMPS, slots }] }), profileFor());

  test("names cycles, wrong types and members nothing reaches", () => {
    expect(report.cycles).toEqual([["main"]]);
    expect(report.arrays[0]!.wrongTypes).toMatchObject([{ index: 1, program: "foreign" }]);
    expect(report.arrays[0]!.unreachable).toEqual([{ index: 2, program: "unused" }]);
  });

  test("with a member that is not there is refused by name", () => {
    const missing = [{ index: 0, of: "program", name: "nobody" }] as const;
    expect(() => analyseStack({ programs, maps: [{ ...JUMPS, slots: missing }] })).toThrow(
      /slot 0 of jumps names nobody; there are main, foreign, unused/,
    );
  });
});
