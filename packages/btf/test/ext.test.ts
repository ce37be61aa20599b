import { expect, test } from "vitest";
import { functionPrototype, parseBtf, parseBtfExt, stringAt } from "../src/index.js";
import { fixture, sectionOf } from "./objects.js";

const path = fixture("v3/calls.o");
const btf = parseBtf(sectionOf(path, ".BTF")!);
const ext = parseBtfExt(sectionOf(path, ".BTF.ext")!);

test("each function of a section, by where it begins", () => {
  const xdp = ext.functions.find(({ nameOffset }) => stringAt(btf, nameOffset) === "xdp");
  const functions = xdp?.records.map(({ offset, typeId }) => [offset, functionPrototype(btf, typeId).name]);
  expect(functions).toEqual([
    [0, "static_call"],
    [80, "global_call"],
    [200, "hidden_call"],
    [280, "diamond"],
    [392, "five"],
  ]);
});

test("lines with their text", () => {
  const xdp = ext.lines.find(({ nameOffset }) => stringAt(btf, nameOffset) === "xdp");
  const [offset, file, text, position] = xdp!.records;
  expect(offset).toBe(0);
  expect(stringAt(btf, file!)).toBe("./calls.c");
  expect(stringAt(btf, text!)).toContain("static_call(struct xdp_md *ctx)");
  expect(position! >>> 10).toBeGreaterThan(1);
});
