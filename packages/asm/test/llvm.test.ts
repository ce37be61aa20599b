import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "../src/index.js";

const llvm = spawnSync("llvm-mc-19", ["--version"]).status === 0;

function llvmMc(input: string, ...options: string[]): string {
  return spawnSync("llvm-mc-19", ["-triple=bpfel", "-mcpu=v4", ...options], { input, encoding: "utf8" }).stdout;
}

const GOLDEN = readFileSync(new URL("disassembly.txt", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => line.split("\t") as [name: string, hex: string, kernel: string]);

/** LLVM 19 cannot write these down: younger than it, or it writes relocations in their place. */
const NOT_IN_LLVM = /^(loadAcquire|storeRelease|lddwMap|lddwVariable|lddwCode|callLocal$|callKfunc$|ldInd)/;
const common = GOLDEN.filter(([name]) => !NOT_IN_LLVM.test(name));

describe.skipIf(!llvm)(`against LLVM 19${llvm ? "" : " (skipped: no llvm-mc-19 here)"}`, () => {
  test("LLVM assembles our kernel syntax to the same bytes", () => {
    // LLVM's assembler takes distances of 16 bits only, even where `gotol` has 32.
    const written = common.filter(([name]) => name !== "ja32");
    const listing = llvmMc(written.map(([, , kernel]) => kernel).join("\n"), "-show-encoding");
    const encodings = Array.from(listing.matchAll(/encoding: \[(.*)\]/g), (match) => match[1]!.replaceAll(/0x|,/g, ""));
    expect(encodings).toEqual(written.map(([, bytes]) => bytes));
  });

  test("we assemble what LLVM prints to the same bytes", () => {
    const bytes = common.map(([, wire]) => wire.replaceAll(/../g, "0x$& ")).join("\n");
    const printed = llvmMc(bytes, "-disassemble").replace(/^\s*\.text\n/, "");
    expect(printed.trim().split("\n")).toHaveLength(common.length);
    expect(Buffer.from(parse(printed).code).toString("hex")).toBe(common.map(([, wire]) => wire).join(""));
  });
});
