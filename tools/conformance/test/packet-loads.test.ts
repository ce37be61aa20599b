import type { Vm } from "@bpfkit/vm";
import { afterEach, describe, expect, test } from "vitest";
import { vmOf } from "../src/assembled.js";

/*
 * Legacy packet loads (RFC 9669 §5.5). What is expected is what test runs of Linux 6.18 gave for the same packet: byte i is
 * i + 1, but for an IPv4 EtherType and version. A socket filter sees it from the network header on.
 */
const PACKET = Uint8Array.from({ length: 64 }, (_, index) => index + 1);
PACKET.set([0x08, 0x00, 0x45], 12);

let vm: Vm;
afterEach(() => vm.dispose());

/** r0 of a load and an increment; 0 where the load ended the program. */
function load(type: string, text: string): bigint {
  vm = vmOf({ main: `r6 = r1; r0 = 77; ${text} r0 += 1; exit` }, {}, { type });
  const { r0, fault } = vm.program().run({ data: PACKET });
  expect(fault).toBeUndefined();
  return r0;
}

const NET = -0x100000;
const LINK = -0x200000;

describe.each([
  ["sched_cls", 0],
  ["socket_filter", 14],
])("%s", (type, hidden) => {
  const length = 64 - hidden;
  test.each<[size: string, offset: number, value: number]>([
    ["u8", 50 - hidden, 51],
    ["u16", 50 - hidden, 0x3334],
    ["u32", 50 - hidden, 0x33343536],
    ["u8", length - 1, 64],
    ["u8", length, -1],
    ["u16", length - 1, -1],
    ["u32", length - 4, 0x3d3e3f40],
    ["u32", length - 3, -1],
    ["u8", 0x7fff_ffff, -1],
    ["u8", -1, -1],
    ["u8", -4096, -1],
    ["u8", NET, 0x45],
    ["u16", NET + 48, 0x3f40],
    ["u8", NET + 50, -1],
    ["u32", LINK + 10, 0x0b0c0800],
    ["u8", LINK + 63, 64],
    ["u8", LINK + 64, -1],
    ["u8", NET - 1, -1],
    ["u8", LINK - 1, -1],
    ["u8", -0x8000_0000, -1],
  ])("%s at %i", (size, offset, value) => {
    expect(load(type, `r0 = *(${size} *)skb[${offset}];`)).toBe(BigInt(value + 1));
    vm.dispose();
    // The same by a register, of which the low 32 bits count.
    const text = `r2 = ${BigInt.asUintN(32, BigInt(offset - 7)) + (5n << 32n)} ll; r0 = *(${size} *)skb[r2 + 7];`;
    expect(load(type, text)).toBe(BigInt(value + 1));
  });
});

test("past the end in a subprogram, it is the subprogram that ends with 0", () => {
  const sub = (offset: number): string =>
    `call s; r0 += 100; exit; s: r6 = r1; r0 = *(u8 *)skb[${offset}]; r0 += 1; exit; r0 = 0;`;
  expect(load("socket_filter", sub(5))).toBe(BigInt(PACKET[19]! + 101));
  vm.dispose();
  expect(load("socket_filter", sub(60))).toBe(100n);
  const frames: string[] = [];
  vm.program().run(
    { data: PACKET },
    { onFrame: (event) => frames.push(event.kind === "pop" ? `${event.r0}` : event.kind) },
  );
  expect(frames).toEqual(["push", "push", "0", "100"]);
});

test("without a packet every load is past its end", () => {
  expect(load("raw", "r0 = *(u8 *)skb[0];")).toBe(0n);
});
