import { DEFAULT_PROFILE } from "@bpfkit/abi";
import type { Program } from "@bpfkit/core";
import { verify } from "../src/index.js";

/** How fast programs are walked: processed instructions a second of processor time, and the memory in use after. */

type Slot = readonly [opcode: number, dst: number, src: number, off: number, imm: number];

function program(name: string, slots: readonly Slot[]): Program {
  const code = new Uint8Array(slots.length * 8);
  const view = new DataView(code.buffer);
  slots.forEach(([opcode, dst, src, off, imm], index) => {
    code[index * 8] = opcode;
    code[index * 8 + 1] = dst | (src << 4);
    view.setInt16(index * 8 + 2, off, true);
    view.setInt32(index * 8 + 4, imm, true);
  });
  return { name, type: "socket_filter", code, subprograms: [], references: [] };
}

const EXIT: Slot = [0x95, 0, 0, 0, 0];

const PROGRAMS: readonly Program[] = [
  program("a straight line of 1,000,000", [...new Array<Slot>(999_999).fill([0xb7, 0, 0, 0, 0]), EXIT]),
  program("a sum of 1,000,000", [[0xb7, 0, 0, 0, 0], ...new Array<Slot>(999_998).fill([0x07, 0, 0, 0, 1]), EXIT]),
  program("a loop to the limit", [[0xb7, 0, 0, 0, 0], [0x07, 0, 0, 0, 1], [0x55, 0, 0, -2, 600_000], EXIT]),
  program("a loop over the stack", [
    [0xb7, 6, 0, 0, 0],
    [0x7b, 10, 6, -8, 0],
    [0x79, 1, 10, -8, 0],
    [0x07, 1, 0, 0, 1],
    [0xbf, 6, 1, 0, 0],
    [0xa5, 6, 0, -5, 100_000],
    [0xb7, 0, 0, 0, 0],
    EXIT,
  ]),
];

for (const facts of [false, true]) {
  for (const each of PROGRAMS) {
    const options = { maps: new Map(), profile: DEFAULT_PROFILE, facts };
    verify(each, options);
    const before = process.cpuUsage().user;
    const { insnsProcessed } = verify(each, options);
    const seconds = (process.cpuUsage().user - before) / 1e6;
    const rate = (insnsProcessed / seconds / 1e6).toFixed(2);
    const memory = Math.round(process.memoryUsage().rss / 2 ** 20);
    console.log(`${each.name}${facts ? ", with facts" : ""}: ${rate} M instructions a second, ${memory} MiB`);
  }
}
