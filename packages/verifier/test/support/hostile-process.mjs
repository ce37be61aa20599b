// Verifies one program made to hurt, in a process of its own, and prints how it ended and the most memory it took.
import { DEFAULT_PROFILE } from "@bpfkit/abi";
import { verify } from "@bpfkit/verifier";

const LIMIT = 1_000_000;

/** Instructions as `[opcode, dst, src, off, imm]`. */
const EXIT = [0x95, 0, 0, 0, 0];
const RANDOM = [0x85, 0, 0, 0, 7];
const move = (dst, imm) => [0xb7, dst, 0, 0, imm];
const add = (dst, imm) => [0x07, dst, 0, 0, imm];
const addRegister = (dst, src) => [0x0f, dst, src, 0, 0];
const jumpIfSet = (dst, imm, off) => [0x45, dst, 0, off, imm];
const jumpIfEqual = (dst, imm, off) => [0x15, dst, 0, off, imm];
const call = (distance) => [0x85, 0, 1, 0, distance];
const jump = (off) => [0x05, 0, 0, off, 0];

const repeat = (count, make) => Array.from({ length: count }, (_, index) => make(index));
/** All registers are set, and all are read at the end. */
const SET_ALL = repeat(10, (index) => move(index, index));
const READ_ALL = repeat(9, (index) => addRegister(0, index + 1));
/** r6 is a random number, r7 to r9 and r0 are not. */
const RANDOM_R6 = [RANDOM, [0xbf, 6, 0, 0, 0], ...[0, 7, 8, 9].map((number) => move(number, 0))];

const CLASSES = {
  "a straight line": () => [...repeat(LIMIT - 1, () => move(0, 0)), EXIT],
  "a straight line, all registers live and changing": () => [
    ...SET_ALL,
    ...repeat(LIMIT - 20, (index) => add(index % 10, index)),
    ...READ_ALL,
    EXIT,
  ],
  "a million slots of branches": () => [
    ...RANDOM_R6,
    ...repeat(249_990, (index) => [
      jumpIfSet(6, 1 << (index % 31), 1),
      add(7 + (index % 3), index),
      add(8, 1),
      add(9, 3),
    ]).flat(),
    addRegister(0, 7),
    addRegister(0, 8),
    addRegister(0, 9),
    EXIT,
  ],
  "deep branching, no path like another": () => [
    ...RANDOM_R6,
    ...repeat(30, (bit) => [jumpIfSet(6, 1 << bit, 1), add(7, 1 << (bit % 20))]).flat(),
    [0x57, 7, 0, 0, 7],
    [0xbf, 1, 10, 0, 0],
    addRegister(1, 7),
    [0x72, 1, 0, -8, 0],
    EXIT,
  ],
  "branches that wait": () => [
    ...repeat(200_000, () => [RANDOM, jumpIfEqual(0, 0, 1), move(0, 0)]).flat(),
    move(0, 0),
    EXIT,
  ],
  "a loop that fills the stack": () => [
    move(6, 0),
    ...repeat(64, (index) => [0x7b, 10, 6, -8 * (index + 1), 0]),
    add(6, 1),
    jump(-66),
  ],
  "a loop below eight frames of full stacks": () => {
    const fill = repeat(64, (index) => [0x7b, 10, 6, -8 * (index + 1), 0]);
    // Each calls the next, which follows behind its exit.
    const frame = [move(6, 7), ...fill, call(2), move(0, 0), EXIT];
    const body = [add(6, 1), jumpIfEqual(6, -1, 1), jump(-3), EXIT];
    return [...repeat(7, () => frame).flat(), move(6, 0), ...fill, ...body];
  },
  "thousands of subprograms": () => [
    ...repeat(5000, (index) => call(5000 - index - 1 + 2 + index * 2)),
    move(0, 0),
    EXIT,
    ...repeat(5000, () => [move(0, 0), EXIT]).flat(),
  ],
  "256 subprograms of branches": () => [
    ...repeat(255, (index) => call(255 - index - 1 + 2 + index * 8)),
    move(0, 0),
    EXIT,
    ...repeat(255, () => [RANDOM, ...repeat(5, (bit) => jumpIfSet(0, 1 << bit, 0)), move(0, 0), EXIT]).flat(),
  ],
  "trees of calls eight deep": () => [
    ...repeat(7, () => [...repeat(30, (index) => call(30 - index + 1)), move(0, 0), EXIT]).flat(),
    move(0, 0),
    EXIT,
  ],
  "wild jumps": () => [...repeat(LIMIT - 1, (index) => jump(((index * 7919) % 65_536) - 32_768)), EXIT],
  "wild jumps inside": () => {
    const count = 60_000;
    const target = (index) => (index * 7919) % count;
    const off = (index) => Math.max(-32_000, Math.min(32_000, target(index) - index - 1));
    return [...RANDOM_R6, ...repeat(count, (index) => jumpIfEqual(6, index, off(index))), EXIT];
  },
};

function programOf(instructions) {
  const code = new Uint8Array(instructions.length * 8);
  const view = new DataView(code.buffer);
  instructions.forEach(([opcode, dst, src, off, imm], slot) => {
    view.setUint8(slot * 8, opcode);
    view.setUint8(slot * 8 + 1, dst | (src << 4));
    view.setInt16(slot * 8 + 2, off, true);
    view.setInt32(slot * 8 + 4, imm, true);
  });
  return { name: "hostile", type: "socket_filter", code, subprograms: [], references: [] };
}

const [chosen] = process.argv.slice(2);
if (chosen === undefined) console.log(JSON.stringify(Object.keys(CLASSES)));
else {
  const program = programOf(CLASSES[chosen]());
  const start = performance.now();
  const { verdict, message = "", insnsProcessed } = verify(program, { maps: new Map(), profile: DEFAULT_PROFILE });
  const seconds = (performance.now() - start) / 1000;
  const megabytes = process.resourceUsage().maxRSS / 1000;
  console.log(JSON.stringify({ verdict, message, insnsProcessed, seconds, megabytes }));
}
