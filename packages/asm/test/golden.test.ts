import { readFileSync } from "node:fs";
import { ROWS } from "@bpfkit/isa";
import { describe, expect, test } from "vitest";
import { parse, print } from "../src/index.js";

/** `disassembly.txt`: name, bytes, kernel syntax, uBPF syntax. */
const LINES = readFileSync(new URL("disassembly.txt", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => line.split("\t") as [name: string, hex: string, kernel: string, ubpf: string]);

const hex = (code: Uint8Array): string => Buffer.from(code).toString("hex");

test("the golden file has every row of the table, in order", () => {
  expect(LINES.map(([name]) => name)).toEqual(ROWS.map((row) => row.name));
});

describe.each(["kernel", "ubpf"] as const)("%s syntax", (syntax) => {
  test.each(LINES)("%s %s", (_, bytes, kernel, ubpf) => {
    const text = syntax === "kernel" ? kernel : ubpf;
    expect(print(new Uint8Array(Buffer.from(bytes, "hex")), { syntax }).map((line) => line.text)).toEqual([text]);
    expect(hex(parse(text, { syntax }).code)).toBe(bytes);
  });
});
