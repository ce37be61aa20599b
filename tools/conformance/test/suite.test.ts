import { readdirSync, readFileSync } from "node:fs";
import { parse } from "@bpfkit/asm";
import { load, programFromCode } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { parseDataFile } from "../src/data-file.js";
import { hasShared, sharedPath } from "../src/shared.js";

const FOLDER = "conformance/tests";
const here = hasShared(FOLDER);
const files = here ? readdirSync(sharedPath(FOLDER)).filter((name) => name.endsWith(".data")) : [];

/** Call by register: not in RFC 9669, not in Linux; refused by name. */
const REFUSED = "callx.data";

function runFile(name: string): bigint {
  const { asm, mem } = parseDataFile(readFileSync(sharedPath(`${FOLDER}/${name}`), "utf8"));
  const { code } = parse(asm, { syntax: "ubpf" });
  const vm = load({ programs: [programFromCode(code, { name, type: "raw" })], maps: [] });
  try {
    const { r0, fault } = vm.program().run({ data: mem });
    if (fault !== undefined) throw new Error(fault.message);
    return r0;
  } finally {
    vm.dispose();
  }
}

describe.skipIf(!here)(`the public conformance suite (skipped without ${FOLDER} beside the checkout)`, () => {
  test("has 313 cases", () => {
    expect(files).toHaveLength(313);
  });

  test.each(files.filter((name) => name !== REFUSED))("%s", (name) => {
    expect(runFile(name)).toBe(parseDataFile(readFileSync(sharedPath(`${FOLDER}/${name}`), "utf8")).result);
  });

  test(`${REFUSED} is refused by name`, () => {
    expect(() => runFile(REFUSED)).toThrow(/callx/);
  });
});
