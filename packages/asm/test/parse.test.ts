import { describe, expect, test } from "vitest";
import { AsmError, type ParseOptions, parse } from "../src/index.js";

const helperId = (name: string): number | undefined =>
  new Map([
    ["tail_call", 12],
    ["map_lookup_elem", 1],
  ]).get(name);

function hex(text: string, options: ParseOptions = {}): string {
  const { code } = parse(text, { helperId, ...options });
  return (Buffer.from(code).toString("hex").match(/.{16}/g) ?? []).join(" ");
}

describe("kernel syntax", () => {
  const cases: [text: string, slots: string][] = [
    // Spellings of one thing.
    ["r1=r2", "bf21000000000000"],
    ["r1 = - r1", "8701000000000000"],
    ["r1 = -1", "b7010000ffffffff"],
    ["r1 = 0xffffffff", "b7010000ffffffff"],
    ["r1 = -2147483648", "b701000000000080"],
    ["w1 = 4294967295", "b4010000ffffffff"],
    ["r1 += -1", "07010000ffffffff"],
    ["r1 = -1 ll", "18010000ffffffff 00000000ffffffff"],
    ["r1 = 18446744073709551615 ll", "18010000ffffffff 00000000ffffffff"],
    ["r1 = 5 ll", "1801000005000000 0000000000000000"],
    ["r0 = *(u32 *)(r1+4)", "6110040000000000"],
    ["r0 = *(u32 *)(r1 +4)", "6110040000000000"],
    ["r0 = *(u32*)(r1)", "6110000000000000"],
    ["w0 = *(u32 *)(r1 + 0x4)", "6110040000000000"],
    ["*(u8 *)(r10 - 0x1) = w1", "731affff00000000"],
    ["*(u64 *)(r10 - 8) = -1", "7a0af8ffffffffff"],
    ["r0 = *(u8 *)skb[r6]", "5060000000000000"],
    ["r0 = *(u8 *)skb[r6 - 4]", "50600000fcffffff"],
    ["r0 = *(u16 *)skb[-4096]", "2800000000f0ffff"],
    // Atomics as the kernel and as LLVM write them.
    ["r1 = atomic64_fetch_add((u64 *)(r0 +8), r1)", "db10080001000000"],
    ["r1 = atomic_fetch_or((u32 *)(r0 +8), r1)", "c310080041000000"],
    ["r1 = atomic64_xchg((u64 *)(r0 +8), r1)", "db100800e1000000"],
    ["r0 = atomic_cmpxchg((u32 *)(r1 +8), r0, r2)", "c3210800f1000000"],
    ["w0 = cmpxchg32_32(r1 + 8, w0, w2)", "c3210800f1000000"],
    ["lock *(u32 *)(r1 + 0) |= r2", "c321000040000000"],
    ["r0 = load_acquire((u8 *)(r1 + 2))", "d310020000010000"],
    // Jumps and calls.
    ["goto pc+5", "0500050000000000"],
    ["goto pc-5", "0500fbff00000000"],
    ["if r1 == 0xffffffff goto pc+0", "15010000ffffffff"],
    ["if w1 s<= w2 goto -1", "de21ffff00000000"],
    ["if r1 & 7 goto +1", "4501010007000000"],
    ["gotol +70000", "0600000070110100"],
    ["l: goto l", "0500ffff00000000"],
    ["goto e; e: exit", "0500000000000000 9500000000000000"],
    ["a: b: goto a; goto b", "0500ffff00000000 0500feff00000000"],
    ["call f; exit; f: exit", "8510000001000000 9500000000000000 9500000000000000"],
    ["call tail_call", "850000000c000000"],
    ["call tail_call; exit; tail_call: exit", "8510000001000000 9500000000000000 9500000000000000"],
    ["call helper tail_call; tail_call: exit", "850000000c000000 9500000000000000"],
    ["call bpf_tail_call#12", "850000000c000000"],
    ["call pc-1", "85100000ffffffff"],
    ["call +1", "8510000001000000"],
    ["call local f; f: exit", "8510000000000000 9500000000000000"],
    ["call kfunc 40, 1", "8520010028000000"],
    ["call kfunc; kfunc: exit", "8510000000000000 9500000000000000"],
    ["callx r2", "8d02000000000000"],
    ["r2 = func f; exit; f: exit", "1842000002000000 0000000000000000 9500000000000000 9500000000000000"],
    // Statements, comments, blanks.
    ["", ""],
    ["\n;;\n ; ", ""],
    [
      "exit # r1 = 5\nexit // x; exit\n/* exit\nexit */ exit /**/; exit",
      "9500000000000000 9500000000000000 9500000000000000 9500000000000000",
    ],
    ["\texit\r\nexit\r\n", "9500000000000000 9500000000000000"],
    [".raw ff00000000000000 b70b0000\t00000000", "ff00000000000000 b70b000000000000"],
  ];
  test.each(cases)("%s", (text, slots) => {
    expect(hex(text)).toBe(slots);
  });
});

describe("uBPF syntax", () => {
  const cases: [text: string, slots: string][] = [
    ["add %r0, %r1", "0f10000000000000"],
    ["add r0, 5", "0700000005000000"],
    ["mov32 %r0, 0xffffffff", "b4000000ffffffff"],
    ["ldxdw %r0, [%r1]", "7910000000000000"],
    ["ldxb %r0, [%r0+0x1]", "7100010000000000"],
    ["stxw [%r10-4], %r1", "631afcff00000000"],
    ["swap16 %r0", "d700000010000000"],
    ["jeq %r0, 5, +1", "1500010005000000"],
    ["jne32 %r0, %r1, l; l: exit", "5e10000000000000 9500000000000000"],
    ["lock fetch xor32 [%r10-8], %r1", "c31af8ffa1000000"],
    ["lock cmpxchg [%r10-8], %r1", "db1af8fff1000000"],
    ["call 5", "8500000005000000"],
    ["call helper 5", "8500000005000000"],
    ["call local f; f: exit", "8510000000000000 9500000000000000"],
    ["call runtime 7", "8520000007000000"],
    ["call %r2", "8d02000000000000"],
    ["lddw %r1, map[3]", "1811000003000000 0000000000000000"],
    ["lddw %r1, -1", "18010000ffffffff 00000000ffffffff"],
    ["ldabsb 3", "3000000003000000"],
    // `exit` is the first exit, unless the text has a label of that name.
    ["ja exit; exit; exit", "0500000000000000 9500000000000000 9500000000000000"],
    ["ja exit; exit; exit: exit", "0500010000000000 9500000000000000 9500000000000000"],
  ];
  test.each(cases)("%s", (text, slots) => {
    expect(hex(text, { syntax: "ubpf" })).toBe(slots);
  });
});

test("maps and externs become references", () => {
  const { references, code } = parse(
    "r1 = map[counters]; r2 = mapval[.rodata.str1.1] + 8; r3 = map[2]; call kfunc bpf_x; r4 = var_addr(jiffies)",
  );
  expect(references).toEqual([
    { kind: "map", slot: 0, map: "counters" },
    { kind: "mapValue", slot: 2, map: ".rodata.str1.1", offset: 8 },
    { kind: "map", slot: 4, map: "2" },
    { kind: "extern", slot: 6, symbol: "bpf_x", of: "function", weak: false },
    { kind: "extern", slot: 7, symbol: "jiffies", of: "variable", weak: false },
  ]);
  const imms = new DataView(code.buffer);
  expect([imms.getInt32(4, true), imms.getInt32(36, true)]).toEqual([0, 2]);
});

test("labels and lines", () => {
  const { labels, lines } = parse("main:\n  r1 = 5 ll\n\n/* one\ntwo */ l2: exit; exit\nend:");
  expect([...labels]).toEqual([
    ["main", 0],
    ["l2", 2],
    ["end", 4],
  ]);
  expect([...lines]).toEqual([2, 2, 5, 5]);
});

describe("what is wrong is said with its place", () => {
  const cases: [text: string, message: string][] = [
    ["foo", "line 1:1: expected an instruction, found `foo`"],
    ["exit\n  r1 += rx", "line 2:9: expected a register or a number after `+=`, found `rx`"],
    ["r1 += w2", "line 1:7: expected a register (r0 to r10) after `+=`, found `w2`"],
    ["w1 += r2", "line 1:7: expected a register (w0 to w10) after `+=`, found `r2`"],
    ["r1 = r11", "line 1:6: expected a register, a number or a load after `=`, found `r11`"],
    [
      "r1",
      "line 1:3: expected one of += -= *= /= s/= |= &= <<= >>= %= s%= ^= s>>= = after `r1`, found the end of the statement",
    ],
    ["r1 =", "line 1:5: expected a register, a number or a load after `=`, found the end of the statement"],
    ["r1 = 0x100000000", "line 1:6: 4294967296 does not fit 32 bits, expected `ll` after it for a 64-bit load"],
    [
      "r1 = 99999999999999999999 ll",
      "line 1:6: 99999999999999999999 is out of range, expected -9223372036854775808 to 18446744073709551615",
    ],
    ["r1 += 4294967296", "line 1:7: 4294967296 is out of range, expected -2147483648 to 4294967295"],
    ["r1 = 12ab", "line 1:6: expected a number after `=`, found `12ab`"],
    ["r1 = -r2", "line 1:7: expected `r1` after `-`, found `r2`"],
    ["r1 = be16 r2", "line 1:11: expected `r1` after `be16`, found `r2`"],
    ["w1 = (s32)w2", "line 1:7: expected one of s8 s16 after `(`, found `s32`"],
    ["r1 = *(u24 *)(r2 + 0)", "line 1:8: expected one of u8 u16 u32 u64 s8 s16 s32 after `(`, found `u24`"],
    ["w1 = *(u64 *)(r2 + 0)", "line 1:1: expected r1, a load that fills 64 bits does not go to w1"],
    ["r1 = *(u32 *)(r2 + 40000)", "line 1:18: 40000 is out of range, expected -32768 to 32767"],
    ["r1 = *(u32 *)(r2 + 4", "line 1:21: expected `)` after `4`, found the end of the statement"],
    ["r1 = *(u8 *)skb[4]", "line 1:1: expected r0, a packet load does not go to r1"],
    ["r0 = *(u64 *)skb[4]", "line 1:1: expected u8, u16 or u32 for a packet load"],
    ["*(s8 *)(r1 + 0) = 1", "line 1:3: expected one of u8 u16 u32 u64 after `(`, found `s8`"],
    ["lock *(u8 *)(r1 + 0) += r2", "line 1:8: expected one of u32 u64 after `(`, found `u8`"],
    ["lock *(u64 *)(r1 + 0) -= r2", "line 1:23: expected one of += |= &= ^= after `)`, found `-=`"],
    ["lock *(u64 *)(r1 + 0) += w2", "line 1:26: expected a register (r0 to r10) after `+=`, found `w2`"],
    ["r1 = atomic_fetch_add((u64 *)(r2 + 0), r3)", "line 1:40: expected `r1` after `,`, found `r3`"],
    ["r1 = cmpxchg_64(r2 + 0, r0, r3)", "line 1:1: expected r0 on the left of a compare and exchange, found r1"],
    ["r1 = addr_space_cast(r2, 1, 1)", "line 1:26: expected a cast to address space 0 from 1 or to 1 from 0"],
    ["r1 = xchg32_32(r2 + 0, r1)", "line 1:1: expected w1 on the left of 32 bits, found r1"],
    ["w1 = atomic_fetch_add((u64 *)(r2 + 0), w1)", "line 1:1: expected r1 on the left of 64 bits, found w1"],
    ["w1 = load_acquire((u64 *)(r2 + 0))", "line 1:1: expected r1 on the left of 64 bits, found w1"],
    ["if r1 = 5 goto +1", "line 1:7: expected one of == > >= & != s> s>= < <= s< s<= after `r1`, found `=`"],
    ["if r1 == 5 go to", "line 1:12: expected `goto` after `5`, found `go`"],
    ["if r1 == w2 goto +1", "line 1:10: expected a register (r0 to r10) after `==`, found `w2`"],
    ["goto 5", "line 1:6: expected a label or a distance in slots such as `+5` after `goto`, found `5`"],
    ["goto +40000", "line 1:6: 40000 is out of range, expected -32768 to 32767"],
    ["goto nowhere", "line 1:6: `nowhere` is no label known here"],
    ["call nowhere", "line 1:6: `nowhere` is no label or helper known here"],
    [
      "call",
      "line 1:5: expected a helper, a label or a distance such as `pc+5` after `call`, found the end of the statement",
    ],
    ["l: exit\nl: exit", "line 2:1: label `l` stands before slot 0 already"],
    ["exit exit", "line 1:6: expected the end of the statement after `exit`, found `exit`"],
    ["r1 = map[]", "line 1:10: expected a map's name or index after `[`, found `]`"],
    ["r1 = map[m", "line 1:11: expected `]` after `[`, found the end of the statement"],
    ["r1 = map[4294967296]", "line 1:10: 4294967296 is no map index, expected 0 to 4294967295"],
    [".raw 95", "line 1:6: expected slots of 16 hex digits each after `.raw`"],
    [".raw", "line 1:5: expected slots of 16 hex digits each after `.raw`"],
    ["exit /* never closed", "line 1:6: expected `*/` to close this comment"],
    ["r1 = 𝕏", "line 1:6: expected a register, a number or a load after `=`, found `𝕏`"],
  ];
  test.each(cases)("%s", (text, message) => {
    expect(() => parse(text, { helperId })).toThrow(expect.objectContaining({ message }));
    expect(() => parse(text, { helperId })).toThrow(AsmError);
  });

  const ubpf: [text: string, message: string][] = [
    ["foo %r1", "line 1:1: expected an instruction, found `foo`"],
    ["add %r1", "line 1:8: expected `,` after `%r1`, found the end of the statement"],
    ["add %r1, %r11", "line 1:10: expected a register or a number after `,`, found `%r11`"],
    ["add %r1, label", "line 1:10: expected a register or a number after `,`, found `label`"],
    ["movsx832 %r1, 5", "line 1:15: expected a register (%r0 to %r10) after `,`, found `5`"],
    ["ldxw %r1, %r2", "line 1:11: expected `[` after `,`, found `%r2`"],
    ["ldxw %r1, [%r2+70000]", "line 1:15: 70000 is out of range, expected -32768 to 32767"],
    ["stw [%r1], %r2", "line 1:12: expected a number after `,`, found `%r2`"],
    ["lock sub [%r1], %r2", "line 1:1: expected an instruction, found `lock sub`"],
    ["lock", "line 1:1: expected an instruction, found `lock`"],
    ["jeq %r1, 5", "line 1:11: expected `,` after `5`, found the end of the statement"],
    ["jeq %r1, 5, nowhere", "line 1:13: `nowhere` is no label known here"],
    ["lddw %r1, %r2", "line 1:11: expected a number, map[…], mapval[…] or func after `,`, found `%r2`"],
  ];
  test.each(ubpf)("uBPF: %s", (text, message) => {
    expect(() => parse(text, { syntax: "ubpf" })).toThrow(expect.objectContaining({ message }));
  });

  test("a jump past 16 bits", () => {
    const far = `goto end\n${"r0 = 0\n".repeat(32_768)}end: exit`;
    expect(() => parse(far)).toThrow(
      "line 1:6: `end` is 32768 slots away, this jump reaches -32768 to 32767; `gotol` or `ja32` reach any",
    );
    expect(parse(far.replace("goto", "gotol")).code.length).toBe(32_770 * 8);
  });
});

describe("hostile text ends soon, with code or an AsmError", () => {
  const mega = 2 ** 20;
  const cases: [name: string, text: string][] = [
    ["a megabyte of (", "(".repeat(mega)],
    ["a megabyte of blanks", " ".repeat(mega)],
    ["a megabyte of newlines", "\n".repeat(mega)],
    ["a megabyte of ;", ";".repeat(mega)],
    ["comments side by side", "/**/".repeat(mega / 4)],
    ["comments that do not close", "/*".repeat(mega / 2)],
    ["one long word", "a".repeat(mega)],
    ["one long number", `r1 = ${"9".repeat(mega)}`],
    ["one long .raw", `.raw ${"0".repeat(mega)}`],
    ["one long .raw in pieces", `.raw ${"0 ".repeat(mega / 2)}`],
    ["one long map name", `r1 = map[${"x".repeat(mega)}`],
    ["a minus and blanks", `r1 = -${" ".repeat(mega)}`],
    ["a word and blanks", `a${" ".repeat(mega)}b`],
    ["labels", Array.from({ length: mega / 8 }, (_, at) => `l${at}:`).join(" ")],
    ["jumps to nowhere", "goto x\n".repeat(mega / 8)],
    ["lone surrogates", "\ud800".repeat(mega)],
    ["NUL", "\0".repeat(mega)],
  ];
  test.each(cases)(
    "%s",
    (_, text) => {
      for (const syntax of ["kernel", "ubpf"] as const) {
        try {
          parse(text, { syntax });
        } catch (error) {
          expect(error).toBeInstanceOf(AsmError);
          expect((error as AsmError).message.length).toBeLessThan(300);
        }
      }
      // Anything quadratic takes minutes here, anything else well under a second.
    },
    10_000,
  );
});
