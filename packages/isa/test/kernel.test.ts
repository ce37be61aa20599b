import { existsSync, readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { decode, encode, IsaError } from "../src/index.js";

const FILE = new URL("../../../../shared/truth/verifier-cases.jsonl", import.meta.url);

interface Case {
  readonly id: string;
  readonly insns?: string;
  readonly insnsZ?: string;
  readonly expect: { readonly verdict: string; readonly message?: string };
}

function codeOf({ insns, insnsZ }: Case): Uint8Array {
  if (insns === undefined) return new Uint8Array(inflateSync(Buffer.from(insnsZ ?? "", "base64")));
  return new Uint8Array(Buffer.from(insns, "hex"));
}

/** The kernel's words for what this package refuses. */
const REFUSALS =
  /unknown opcode|uses reserved fields|R1[1-5] is invalid|invalid bpf_ld_imm64|unrecognized bpf_ld_imm64/;

describe.skipIf(!existsSync(FILE))("programs the kernel judged (skipped where shared/truth is not there)", () => {
  const cases: Case[] = existsSync(FILE)
    ? readFileSync(FILE, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Case)
    : [];

  test("what it accepted decodes and encodes to the same bytes", () => {
    const accepted = cases.filter((one) => one.expect.verdict === "accept");
    expect(accepted.length).toBeGreaterThan(300);
    for (const one of accepted) {
      const code = codeOf(one);
      expect(Buffer.compare(encode(decode(code)), code), one.id).toBe(0);
    }
  });

  test("what it refused for its encoding is refused here", () => {
    const refused = cases.filter((one) => REFUSALS.test(one.expect.message ?? ""));
    expect(refused.length).toBeGreaterThan(10);
    for (const one of refused) expect(() => decode(codeOf(one)), one.id).toThrow(IsaError);
  });
});
