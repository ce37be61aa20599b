import { profileFor } from "@bpfkit/abi";
import { build } from "@bpfkit/isa";
import { analyseStack, reportStack } from "@bpfkit/stack";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Body, call, JUMPS, leave, program, reportOf, tailCall, use } from "./programs.js";

/** The entry calls f1, which calls f2, …; `bytes` of each frame; the last one tail-calls where `tail` says so. */
function chain(bytes: readonly number[], tail: boolean): Body[] {
  return bytes.map((size, index) => [
    ...use(size),
    ...(index + 1 < bytes.length ? [call(index + 1)] : tail ? tailCall(0) : []),
    ...leave,
  ]);
}

describe("what a kernel says", () => {
  const mixed = "tail_calls are not allowed in programs with bpf-to-bpf calls";
  const notJited = "tail_calls are not allowed in non-JITed programs with bpf-to-bpf calls";
  const cases: [version: string, arch: string, bytes: number[], tail: boolean, message: string | undefined][] = [
    ["4.15", "x86-64", [8, 8], false, "BPF_CALL uses reserved fields"],
    ["4.16", "x86-64", [8, 8], false, undefined],
    ["5.9", "x86-64", [8, 8], true, mixed],
    ["5.9", "x86-64", [8], true, undefined],
    ["5.10", "x86-64", [8, 8], true, undefined],
    ["5.10", "arm64", [8, 8], true, notJited],
    ["6.0", "arm64", [8, 8], true, undefined],
    ["6.18", "riscv64", [8, 8], true, notJited],
    ["6.18", "riscv64", [8, 8], false, undefined],
    ["6.8", "x86-64", [484, 8], false, "combined stack size of 2 calls is 544. Too large"],
    ["6.9", "x86-64", [484, 8], false, undefined],
    ["6.8", "x86-64", [0, 0], true, undefined],
    ["6.18", "x86-64", [240, 8], true, undefined],
    [
      "6.18",
      "x86-64",
      [241, 8],
      true,
      "tail_calls are not allowed when call stack of previous frames is 256 bytes. Too large",
    ],
    [
      "6.8",
      "x86-64",
      [225, 8],
      true,
      "tail_calls are not allowed when call stack of previous frames is 256 bytes. Too large",
    ],
    ["6.18", "x86-64", [0, 0, 0, 0, 0, 0, 0, 0, 0], false, "the call stack of 9 frames is too deep"],
  ];
  test.each(cases)("%s on %s to frames of %j, a tail call: %s", (version, arch, bytes, tail, message) => {
    const report = reportOf([program("main", chain(bytes, tail))], { version, arch });
    expect([report.verdict, report.message]).toEqual([message === undefined ? "accept" : "reject", message]);
  });

  test("a private stack counts nothing, but not in a program that tail-calls", () => {
    const bodies = chain([512, 512], false);
    expect(reportOf([program("main", bodies, { type: "kprobe" })]).verdict).toBe("accept");
    expect(reportOf([program("main", bodies, { type: "kprobe" })], { version: "6.12" }).verdict).toBe("reject");
    const tailing = chain([512, 512, 0], true);
    expect(reportOf([program("main", tailing, { type: "kprobe" })]).verdict).toBe("reject");
  });

  test("an access that is wrong for one of two callers is wrong", () => {
    const at = (offset: number) => [build.mov64.reg(1, 10), build.add64.imm(1, offset), call(1)];
    for (const [first, second] of [
      [-8, -512],
      [-512, -8],
    ] as const) {
      const report = reportOf([
        program("main", [
          [...at(first), ...at(second), ...leave],
          [build.st.u64(1, -8, 1), ...leave],
        ]),
      ]);
      expect(report.message).toBe("invalid write to stack R1 off=-520 size=8");
    }
  });

  test("r2 must be a program array", () => {
    const report = reportOf([program("main", [[...tailCall(0), ...leave]])], { maps: [{ ...JUMPS, type: "array" }] });
    expect(report).toMatchObject({ errno: "EINVAL", message: "expected prog array map for tail call" });
  });
});

describe("the smallest change", () => {
  test("is worded by what is too many", () => {
    const bodies: Body[] = [
      [...use(257), call(1), ...leave],
      [...tailCall(0), ...leave],
    ];
    const { change } = reportOf([program("parse", bodies)]);
    expect(change?.text).toBe("`parse` keeps 272 bytes before `f1`: 17 too many (`parse` 257 → 240)");
  });

  test("takes the cheapest bytes first", () => {
    const { change } = reportOf([program("main", chain([256, 257], false))]);
    expect(change?.shrink).toEqual([{ subprogram: "f1", from: 257, to: 256 }]);
  });

  test("made, it passes; one byte less of it does not", () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 512 }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(sizes, fc.boolean(), fc.constantFrom("6.18", "6.8"), (bytes, tail, version) => {
        const bodies = chain(bytes, tail);
        const { change, frames } = reportOf([program("main", bodies)], { version });
        if (change === undefined) return;
        const shrunk = bytes.map((size, index) => {
          const name = frames[index]!.subprogram;
          return change.shrink.find(({ subprogram }) => subprogram === name)?.to ?? size;
        });
        expect(reportOf([program("main", chain(shrunk, tail))], { version }).verdict).toBe("accept");
        for (const [index, size] of bytes.entries()) {
          if (shrunk[index] === size) continue;
          const less = shrunk.with(index, shrunk[index]! + 1);
          expect(reportOf([program("main", chain(less, tail))], { version }).verdict).toBe("reject");
        }
      }),
    );
  });
});

describe("a verdict's frame sizes", () => {
  test("take the place of the estimate", () => {
    const made = program("main", [[...use(8), ...leave]]);
    const facts = analyseStack({ programs: [made], maps: [], frameBytes: () => [64] });
    expect(reportStack(facts, profileFor()).programs[0]!.frames[0]).toMatchObject({ bytes: 64, estimated: false });
  });
});

test("a subprogram with a tail call must return int", () => {
  const made = program("main", [
    [call(1), ...leave],
    [...tailCall(0), build.exit()],
  ]);
  const facts = analyseStack({ programs: [made], maps: [JUMPS], returnsInt: (_, index) => index === 0 });
  expect(reportStack(facts, profileFor()).programs[0]!.message).toBe(
    "tail_call is only allowed in functions that return 'int'.",
  );
});
