import type { MapSpec } from "@bpfkit/core";
import { build } from "@bpfkit/isa";
import { describe, expect, test } from "vitest";
import { type Body, call, JUMPS, leave, program, reportOf, use } from "./programs.js";

const MAP_LOOKUP = 1;
const LOOP = 181;
const PRANDOM = 7;

const pointer = (register: 1 | 2 | 3 | 6, offset: number) => [
  build.mov64.reg(register, 10),
  build.add64.imm(register, offset),
];

/** A frame's bytes by index of the subprogram. */
function bytes(bodies: readonly Body[], maps: readonly MapSpec[] = [JUMPS]): number[] {
  return reportOf([program("main", bodies)], { maps }).frames.map((frame) => frame.bytes);
}

describe("bytes of a frame, as far as the code uses it", () => {
  const cases: { name: string; bodies: readonly Body[]; frames: number[] }[] = [
    { name: "nothing", bodies: [leave], frames: [0] },
    { name: "a store", bodies: [[...use(24), ...leave]], frames: [24] },
    { name: "a load", bodies: [[build.ldx.u64(0, 10, -48), build.exit()]], frames: [48] },
    { name: "an atomic", bodies: [[build.mov64.imm(1, 1), build.atomicAdd64(10, -32, 1), ...leave]], frames: [32] },
    { name: "a store through a copy", bodies: [[...pointer(6, -40), build.st.u8(6, -8, 1), ...leave]], frames: [48] },
    {
      name: "a store through a pointer that was spilled",
      bodies: [
        [...pointer(6, -80), build.stx.u64(10, -8, 6), build.ldx.u64(1, 10, -8), build.st.u8(1, 0, 1), ...leave],
      ],
      frames: [80],
    },
    {
      name: "a key for a helper",
      bodies: [[build.lddwMap(1, 0), ...pointer(2, -12), build.call(MAP_LOOKUP), ...leave]],
      frames: [12],
    },
    {
      name: "a callee's store through its caller's pointer grows the caller",
      bodies: [
        [...pointer(1, -100), call(1), ...leave],
        [build.st.u8(1, -20, 1), ...leave],
      ],
      frames: [120, 0],
    },
    {
      name: "a store behind two calls",
      bodies: [
        [...pointer(1, -16), call(1), ...leave],
        [...use(8), call(2), ...leave],
        [build.st.u8(1, -16, 1), ...leave],
      ],
      frames: [32, 8, 0],
    },
    {
      name: "a pointer in the caller's frame, loaded by the callee",
      bodies: [
        [...pointer(6, -200), build.stx.u64(10, -8, 6), ...pointer(1, -8), call(1), ...leave],
        [build.ldx.u64(1, 1, 0), build.st.u8(1, 0, 1), ...leave],
      ],
      frames: [200, 0],
    },
    {
      name: "a branch that is never taken",
      bodies: [[build.mov64.imm(0, 0), build.jeq.imm(0, 0, 1), ...use(512), ...leave]],
      frames: [0],
    },
    {
      name: "what a caller passed decides a branch of the callee",
      bodies: [
        [build.mov64.imm(1, 3), call(1), ...leave],
        [build.jle.imm(1, 7, 1), ...use(400), ...leave],
      ],
      frames: [0, 0],
    },
    {
      name: "a loop over an array, a step at a time",
      bodies: [
        [
          ...pointer(6, -64),
          build.mov64.imm(7, 0),
          build.mov64.reg(1, 6),
          build.add64.reg(1, 7),
          build.st.u8(1, 0, 1),
          build.add64.imm(7, 8),
          build.jlt.imm(7, 64, -5),
          ...leave,
        ],
      ],
      frames: [64],
    },
    {
      name: "a random offset within bounds",
      bodies: [
        [
          build.call(PRANDOM),
          build.and64.imm(0, 31),
          ...pointer(6, -64),
          build.add64.reg(6, 0),
          build.st.u8(6, 0, 1),
          ...leave,
        ],
      ],
      frames: [64],
    },
    {
      name: "a callback's store through its context",
      bodies: [
        [
          build.mov64.imm(1, 4),
          // The callback begins seven slots behind the load's first.
          build.lddwCode(2, 7),
          ...pointer(3, -56),
          build.mov64.imm(4, 0),
          build.call(LOOP),
          ...leave,
        ],
        [build.st.u8(2, 0, 1), ...leave],
      ],
      frames: [56, 0],
    },
  ];

  test.each(cases)("$name", ({ bodies, frames }) => {
    expect(bytes(bodies)).toEqual(frames);
  });

  test("an offset that may be anything takes the whole frame, and says where", () => {
    const body = [build.call(PRANDOM), ...pointer(6, -8), build.sub64.reg(6, 0), build.st.u8(6, 0, 1), ...leave];
    expect(reportOf([program("main", [body])]).frames[0]).toMatchObject({ bytes: 512, vagueSince: 4, estimated: true });
  });

  test("a constant of read-only data decides a branch", () => {
    const rodata = {
      ...JUMPS,
      type: "array",
      valueSize: 4,
      maxEntries: 1,
      contents: Uint8Array.of(5, 0, 0, 0),
      frozen: true,
    };
    const body = [build.lddwMapValue(1, 0, 0), build.ldx.u32(1, 1, 0), build.jeq.imm(1, 5, 1), ...use(64), ...leave];
    const made = program("main", [body]);
    const reading = {
      ...made,
      references: [{ kind: "mapValue", slot: made.subprograms[0]!.start, map: "jumps", offset: 0 }],
    } as const;
    expect(reportOf([reading], { maps: [rodata] }).frames[0]!.bytes).toBe(0);
    expect(reportOf([reading], { maps: [{ ...rodata, frozen: false }] }).frames[0]!.bytes).toBe(64);
  });
});
