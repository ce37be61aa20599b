import { build, encode } from "@bpfkit/isa";

const {
  add64,
  add32,
  and32,
  callLocal,
  div64,
  exit,
  jeq32,
  jgt32,
  jne,
  ldx,
  lsh64,
  mov32,
  mov64,
  mul32,
  mul64,
  rsh64,
  stx,
  sub64,
  xor32,
  xor64,
} = build;

/** A loop of `body` run `times` times with r9 as its counter, between `before` and the exit. */
function loop(before, body, times, after = []) {
  return [
    ...before,
    mov64.imm(9, times),
    ...body,
    sub64.imm(9, 1),
    jne.imm(9, 0, -(body.length + 2)),
    ...after,
    exit(),
  ];
}

/** The interpreter's speed targets: name, least million instructions a second, instructions, subprogram starts. */
export const WORKLOADS = [
  {
    name: "ALU64",
    target: 180,
    instructions: loop(
      [mov64.imm(0, 1), mov64.imm(1, 12345), mov64.imm(2, 77)],
      [
        add64.reg(0, 1),
        xor64.reg(1, 0),
        lsh64.imm(1, 3),
        mov64.reg(3, 0),
        rsh64.imm(3, 7),
        add64.imm(0, 99),
        xor64.reg(0, 3),
        add64.reg(2, 0),
      ],
      2_000_000,
    ),
  },
  {
    name: "ALU64 with multiplications and divisions",
    target: 0,
    instructions: loop(
      [mov64.imm(0, 1), mov64.imm(1, 12345), mov64.imm(2, 77)],
      [add64.reg(0, 1), mul64.imm(0, 31), mov64.reg(3, 0), div64.imm(3, 77), xor64.reg(0, 3)],
      1_000_000,
    ),
  },
  {
    name: "ALU32 with branches",
    target: 180,
    instructions: loop(
      [mov32.imm(0, 1), mov32.imm(1, 12345), mov32.imm(2, 0)],
      [
        add32.reg(0, 1),
        mul32.imm(1, 1103515245),
        add32.imm(1, 12345),
        mov32.reg(3, 1),
        and32.imm(3, 1),
        jeq32.imm(3, 0, 1),
        xor32.reg(0, 1),
        jgt32.imm(0, 0x40000000, 1),
        add32.imm(2, 1),
      ],
      2_000_000,
    ),
  },
  {
    name: "memory",
    target: 100,
    instructions: loop(
      [mov64.imm(0, 0), mov64.imm(1, 7), mov64.reg(8, 10)],
      [
        stx.u64(10, -8, 0),
        ldx.u64(1, 10, -8),
        stx.u32(8, -16, 1),
        ldx.u32(2, 8, -16),
        stx.u8(10, -24, 2),
        ldx.u8(3, 10, -24),
        add64.reg(0, 3),
        ldx.u16(4, 8, -16),
        add64.reg(0, 4),
      ],
      2_000_000,
    ),
  },
  (() => {
    // f0 calls f1 calls f2 calls f3; 16 instructions a round, 4 calls and 4 exits among them.
    const main = [
      mov64.imm(0, 0),
      mov64.imm(9, 1_500_000),
      mov64.reg(1, 9),
      callLocal(3),
      sub64.imm(9, 1),
      jne.imm(9, 0, -4),
      exit(),
    ];
    const middle = [add64.imm(1, 1), callLocal(2), add64.imm(0, 1), exit()];
    const leaf = [mov64.reg(0, 1), exit()];
    return {
      name: "calls",
      target: 100,
      instructions: [...main, ...middle, ...middle, ...middle, ...leaf],
      starts: [0, main.length, main.length + 4, main.length + 8, main.length + 12],
    };
  })(),
];

/** A workload as a program of type `raw`. */
export function programOf({ name, instructions, starts = [0] }) {
  const subprograms = starts.map((start, index) => ({
    name: index === 0 ? "main" : `f${index}`,
    start,
    linkage: "static",
  }));
  return { name, type: "raw", code: encode(instructions), subprograms, references: [] };
}
