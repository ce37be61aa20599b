import { fixedEffects } from "@bpfkit/helpers";
import { describe, expect, test } from "vitest";
import { bytes, callHelper, Guest } from "./support.js";

const HELLO = 0;
const WORLD = 6;
const IPV4 = 12;
const IPV6 = 16;

/** What a guest of these tests holds; a value `["at", offset]` is an address in it. */
const STRINGS = new Uint8Array([
  ...new TextEncoder().encode("hello\0world\0"),
  10,
  0,
  0,
  1,
  ...bytes("20010db8000000000000000000000001"),
]);

type Value = number | bigint | readonly ["at", number];

function print(pattern: string, values: readonly Value[], size = 64): [number, string] {
  const guest = new Guest();
  const strings = guest.put(STRINGS, false);
  const numbers = values.map((value) => (typeof value === "object" ? strings + value[1] : value));
  const data = guest.put(new Uint8Array(new BigInt64Array(numbers.map((value) => BigInt(value))).buffer), false);
  const to = guest.put(new Uint8Array(64).fill(0xee));
  const format = guest.put(`${pattern}\0`, false);
  const result = callHelper(guest, "snprintf", [to, size, format, data, 8 * values.length]);
  const text = guest.read(to, size);
  const end = text.indexOf(0);
  return [Number(result), String.fromCharCode(...text.subarray(0, end < 0 ? size : end))];
}

const UNTOUCHED = "î".repeat(64);

// Results in these tables are those of Linux 6.18.
describe("snprintf", () => {
  test.each<[string, Value[], number, string]>([
    ["%d", [-1], 3, "-1"],
    ["%d", [123_456_789_012], 12, "-1097262572"],
    ["%i", [1], 2, "1"],
    ["%u", [-1], 11, "4294967295"],
    ["%u", [123_456_789_012], 11, "3197704724"],
    ["%x", [-1], 9, "ffffffff"],
    ["%X", [123_456_789_012], 9, "BE991A14"],
    ["%ld", [123_456_789_012], 13, "123456789012"],
    ["%lu", [-1], 21, "18446744073709551615"],
    ["%lx", [-1], 17, "ffffffffffffffff"],
    ["%lld", [-1], 3, "-1"],
    ["%llX", [123_456_789_012], 11, "1CBE991A14"],
    ["%li", [0], 2, "0"],
    ["[%5d]", [42], 8, "[   42]"],
    ["[%-5d]", [42], 8, "[42   ]"],
    ["[%05d]", [42], 8, "[00042]"],
    ["[%+d]", [42], 6, "[+42]"],
    ["[% d]", [42], 6, "[ 42]"],
    ["[%+05d]", [42], 8, "[+0042]"],
    ["[%-05d]", [42], 8, "[42   ]"],
    ["[%08x]", [42], 11, "[0000002a]"],
    ["[%+u]", [42], 5, "[42]"],
    ["[%+x]", [42], 5, "[2a]"],
    ["[% 5d]", [42], 8, "[   42]"],
    ["[%00d]", [42], 5, "[42]"],
    ["[%-8lx]", [42], 11, "[2a      ]"],
    ["[%05d]", [-42], 8, "[-0042]"],
    ["[% d]", [-42], 6, "[-42]"],
    ["%-+ 05d", [5], 6, "+5   "],
    ["%s", [["at", HELLO]], 6, "hello"],
    ["%s!", [["at", WORLD]], 7, "world!"],
    ["[%8s]", [["at", HELLO]], 11, "[   hello]"],
    ["[%-8s]", [["at", HELLO]], 11, "[hello   ]"],
    ["[%08s]", [["at", HELLO]], 11, "[   hello]"],
    ["[%2s]", [["at", HELLO]], 8, "[hello]"],
    ["%s", [0], 1, ""],
    ["%s", [8], 1, ""],
    ["%s x", [["at", HELLO]], 8, "hello x"],
    ["%pks", [["at", HELLO]], 6, "hello"],
    ["%pus", [["at", HELLO]], 1, ""],
    ["%pks!", [0], 2, "!"],
    ["%c%c", [65, 66], 3, "AB"],
    ["[%3c]", [65], 6, "[  A]"],
    ["%c", [0], 2, ""],
    ["%c", [0x141], 2, "A"],
    ["%pi4", [["at", IPV4]], 16, "010.000.000.001"],
    ["%pI4", [["at", IPV4]], 9, "10.0.0.1"],
    ["%pI6", [["at", IPV6]], 40, "2001:0db8:0000:0000:0000:0000:0000:0001"],
    ["%pi6", [["at", IPV6]], 33, "20010db8000000000000000000000001"],
    ["%pI4", [0], 8, "0.0.0.0"],
    ["[%16pI4]", [["at", IPV4]], 11, "[10.0.0.1]"],
    ["%pI6c", [["at", IPV6]], 40, "2001:0db8:0000:0000:0000:0000:0000:0001"],
    ["%pI4h", [["at", IPV4]], 9, "10.0.0.1"],
    ["%px", [0x1234], 17, "0000000000001234"],
    ["%px", [0], 17, "0000000000000000"],
    ["%p", [0], 17, "0000000000000000"],
    ["%p", [-22], 17, "ffffffffffffffea"],
    ["[%20px]", [0x1234], 23, "[                1234]"],
    ["[%5px]", [0], 8, "[    0]"],
    ["[%-20px]", [0x12], 23, "[12                  ]"],
    ["[%020px]", [0x12], 23, "[00000000000000000012]"],
    ["[%-px]", [0x12], 19, "[12              ]"],
    ["[%+px]", [0x12], 19, "[0000000000000012]"],
    ["[%12ps]", [0x1234], 15, "[      0x1234]"],
    ["[%12pB]", [0x1234], 9, "[0x1234]"],
    ["[%-9pks]", [["at", HELLO]], 8, "[hello]"],
    ["%ps", [0x1234], 7, "0x1234"],
    ["%pS", [0x1234], 7, "0x1234"],
    ["%pB", [0x1234], 7, "0x1234"],
    ["100%%", [], 5, "100%"],
    ["%%%d%%", [5], 4, "%5%"],
    ["a", [1], 2, "a"],
    ["tab\tnl\n", [], 8, "tab\tnl\n"],
    ["", [], 1, ""],
    ["%d %d %d %d %d %d %d %d %d %d %d %d", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 26, "0 1 2 3 4 5 6 7 8 9 10 11"],
  ])("%j of %j", (pattern, values, result, text) => {
    expect(print(pattern, values)).toEqual([result, text]);
  });

  test.each<[string, Value[]]>([
    ["[%#x]", [42]],
    ["[%.3d]", [42]],
    ["%sx", [["at", HELLO]]],
    ["%ks", [["at", HELLO]]],
    ["%pf", [1]],
    ["%pX", [1]],
    ["%", []],
    ["%d", []],
    ["%d %d", [1]],
    ["%q", [1]],
    ["%hd", [1]],
    ["%lllx", [1]],
    ["%o", [9]],
    ["%n", [1]],
    ["%f", [1]],
    ["%zu", [1]],
    ["\u0001", []],
    ["%*d", [5]],
    ["%5%", [5]],
    ["%5", [5]],
    ["%l", [5]],
  ])("%j of %j is no format", (pattern, values) => {
    expect(print(pattern, values)).toEqual([-22, UNTOUCHED]);
  });

  test.each<[string, Value[], number, number, string]>([
    ["hello %d", [1_234_567], 4, 14, "hel"],
    ["hello", [], 6, 6, "hello"],
    ["hello", [], 5, 6, "hell"],
    ["hello", [], 1, 6, ""],
  ])("%j of %j in %i bytes", (pattern, values, size, result, text) => {
    expect(print(pattern, values, size)).toEqual([result, text]);
  });

  test("letters and digits behind an address say how to print it", () => {
    expect(print("%pKx", [1])).toEqual([17, "0000000000000001"]);
  });

  test.each([
    { what: "half a value", length: 4, result: -22 },
    { what: "13 values", length: 104, result: -22 },
  ])("$what: $result", ({ length, result }) => {
    const guest = new Guest();
    const [to, format, data] = [guest.put(new Uint8Array(8)), guest.put("a\0"), guest.put(new Uint8Array(104))];
    expect(callHelper(guest, "snprintf", [to, 8, format, data, length])).toBe(BigInt(result));
  });

  test("a format without an end is a fault", () => {
    const guest = new Guest();
    const format = guest.put("never", false);
    guest.u8.fill(0x20, format + 5);
    expect(() => callHelper(guest, "snprintf", [guest.put("        "), 8, format, 0, 0])).toThrow(
      "the string in r3 has no end",
    );
  });

  test("strings share 512 bytes", () => {
    const guest = new Guest();
    const long = guest.put(`${"a".repeat(600)}\0`, false);
    const data = guest.put(new Uint8Array(new BigInt64Array([BigInt(long), BigInt(long)]).buffer), false);
    const to = guest.put(new Uint8Array(1024));
    const one = guest.put("%s\0", false);
    expect(callHelper(guest, "snprintf", [to, 1024, one, data, 8])).toBe(512n);
    const two = guest.put("%s %s\0", false);
    expect(callHelper(guest, "snprintf", [to, 1024, two, data, 16])).toBe(-28n);
  });
});

describe("tracing", () => {
  function trace(name: string, pattern: string, ...args: number[]): [number, string[]] {
    const lines: string[] = [];
    const guest = new Guest();
    const format = guest.put(pattern, false);
    const effects = fixedEffects({ trace: (line) => lines.push(line) });
    return [Number(callHelper(guest, name, [format, pattern.length, ...args], { effects })), lines];
  }

  test.each([
    { pattern: "x=%d y=%d z=%d\n\0", args: [1, 2, 3], result: 12, lines: ["x=1 y=2 z=3"] },
    { pattern: "plain\0", args: [], result: 5, lines: ["plain"] },
    { pattern: "no end", args: [], result: -22, lines: [] },
    { pattern: "%d %d %d %d\0", args: [1, 2, 3], result: -22, lines: [] },
    { pattern: "a\0b\0", args: [], result: 1, lines: ["a"] },
    { pattern: "%c|\0", args: [0], result: 2, lines: [""] },
    { pattern: "two\nlines\n\0", args: [], result: 10, lines: ["two\nlines"] },
  ])("trace_printk of $pattern: $result", ({ pattern, args, result, lines }) => {
    expect(trace("trace_printk", pattern, ...args)).toEqual([result, lines]);
  });

  test("a line is cut off after 1,023 bytes, which its length does not tell", () => {
    const [length, [line]] = trace("trace_printk", "%1500d\0", 7);
    expect([length, line]).toEqual([1500, " ".repeat(1023)]);
  });

  test("trace_vprintk takes values from memory", () => {
    const lines: string[] = [];
    const guest = new Guest();
    const pattern = guest.put("%d %d %d %d\0", false);
    const data = guest.put(new Uint8Array(new BigInt64Array([1n, 2n, 3n, 4n]).buffer), false);
    const effects = fixedEffects({ trace: (line) => lines.push(line) });
    expect(callHelper(guest, "trace_vprintk", [pattern, 12, data, 32], { effects })).toBe(7n);
    expect(callHelper(guest, "trace_vprintk", [pattern, 12, data, 30], { effects })).toBe(-22n);
    expect(lines).toEqual(["1 2 3 4"]);
  });
});

describe("numbers", () => {
  function read(name: string, text: string, flags: number): [bigint, bigint] {
    const guest = new Guest();
    const buffer = guest.put(
      Uint8Array.from(text, (char) => char.charCodeAt(0)),
      false,
    );
    const to = guest.put(new Uint8Array(8).fill(0x77));
    const result = callHelper(guest, name, [buffer, text.length, flags, to]);
    return [result, guest.data[name === "strtol" ? "getBigInt64" : "getBigUint64"](to, true)];
  }
  const NO = [-22n, 0n] as const;
  const RANGE = [-34n, 0n] as const;

  test.each<[string, number, readonly [bigint, bigint], readonly [bigint, bigint]]>([
    ["12", 0, [2n, 12n], [2n, 12n]],
    [" 12", 0, [3n, 12n], [3n, 12n]],
    ["\t\n\v\f\r 7", 0, [7n, 7n], [7n, 7n]],
    ["\u00a012", 0, [3n, 12n], [3n, 12n]],
    ["\u00ff12", 0, NO, NO],
    ["-12", 0, [3n, -12n], NO],
    ["- 12", 0, NO, NO],
    ["+12", 0, NO, NO],
    ["12abc", 0, [2n, 12n], [2n, 12n]],
    ["12\0 3", 0, [2n, 12n], [2n, 12n]],
    ["0x1f", 0, [4n, 31n], [4n, 31n]],
    ["0X1F", 16, [4n, 31n], [4n, 31n]],
    ["1f", 16, [2n, 31n], [2n, 31n]],
    ["017", 0, [3n, 15n], [3n, 15n]],
    ["08", 0, [1n, 0n], [1n, 0n]],
    ["8", 8, NO, NO],
    ["", 0, NO, NO],
    ["abc", 0, NO, NO],
    ["-", 0, NO, NO],
    ["9223372036854775807", 0, [19n, 2n ** 63n - 1n], [19n, 2n ** 63n - 1n]],
    ["9223372036854775808", 0, RANGE, [19n, 2n ** 63n]],
    ["-9223372036854775808", 0, [20n, -(2n ** 63n)], NO],
    ["-9223372036854775809", 0, RANGE, NO],
    ["18446744073709551615", 0, RANGE, [20n, 2n ** 64n - 1n]],
    ["18446744073709551616", 0, RANGE, RANGE],
    ["12", 7, NO, NO],
    ["12", 32, NO, NO],
    ["12", 2, NO, NO],
    ["0x", 0, [1n, 0n], [1n, 0n]],
    ["0x", 16, NO, NO],
    ["0xg", 0, [1n, 0n], [1n, 0n]],
    ["-0", 0, [2n, 0n], NO],
    ["0b11", 0, [1n, 0n], [1n, 0n]],
    [`${" ".repeat(60)}42`, 0, [62n, 42n], [62n, 42n]],
  ])("%j, flags %i", (text, flags, signed, unsigned) => {
    expect([read("strtol", text, flags), read("strtoul", text, flags)]).toEqual([signed, unsigned]);
  });

  test.each([
    ["abc", 3, "abc", 0],
    ["abc", 3, "abd", -1],
    ["abe", 3, "abd", 1],
    ["abc", 2, "abd", 0],
    ["abc\0\0\0\0\0", 8, "abc", 0],
    ["ab\0", 3, "abc", -1],
    ["\u00ff", 1, "\u0001", 1],
    ["a\0b", 3, "a\0c", 0],
  ])("strncmp of %j, %i bytes, with %j: %i", (one, size, other, result) => {
    const guest = new Guest();
    const latin = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));
    const args = [guest.put(latin(one), false), size, guest.put(latin(`${other}\0`), false)];
    expect(callHelper(guest, "strncmp", args)).toBe(BigInt(result));
  });
});
