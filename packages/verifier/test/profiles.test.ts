import { profileFor } from "@bpfkit/abi";
import { type Program, slotIndex } from "@bpfkit/core";
import { describe, expect, test } from "vitest";
import { verify } from "../src/index.js";

const hex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (byte) => Number(`0x${byte}`));

const plain = (code: string): Program => ({
  name: "main",
  type: "socket_filter",
  code: hex(code),
  subprograms: [],
  references: [],
});

/** call f; exit; f: r0 = 0; exit */
const CALL = plain("8510000001000000" + "9500000000000000" + "b700000000000000" + "9500000000000000");

/** A subprogram that is called, and a tail call in the entry. */
const MIXED: Program = {
  ...plain(
    "bf16000000000000" + // r6 = r1
      "8510000007000000" + // call f
      "bf61000000000000" + // r1 = r6
      "18120000000000000000000000000000" + // r2 = programs
      "b703000000000000" + // r3 = 0
      "850000000c000000" + // call tail_call
      "b700000000000000" + // r0 = 0
      "9500000000000000" +
      "b700000000000000" + // f: r0 = 0
      "9500000000000000",
  ),
  references: [{ kind: "map", slot: slotIndex(3), map: "programs" }],
};

/** r0 = 0; l: r0 += 1; if r0 != 3 goto l; exit */
const LOOP = plain("b700000000000000" + "0700000001000000" + "5500feff03000000" + "9500000000000000");

const maps = new Map([
  ["programs", { name: "programs", type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 1, flags: 0 }],
]);

describe("verdicts of the day", () => {
  test.each([
    { what: "a call", program: CALL, version: "4.15", message: "BPF_CALL uses reserved fields" },
    { what: "a call", program: CALL, version: "4.16", message: undefined },
    {
      what: "calls and a tail call",
      program: MIXED,
      version: "4.19",
      message: "tail_calls are not allowed in programs with bpf-to-bpf calls",
    },
    { what: "calls and a tail call", program: MIXED, version: "5.10", message: undefined },
    { what: "a loop", program: LOOP, version: "5.2", message: "back-edge from insn 2 to 1" },
    { what: "a loop", program: LOOP, version: "5.3", message: undefined },
  ])("$what on $version", ({ program, version, message }) => {
    const verdict = verify(program, { maps, profile: profileFor(version) });
    expect(verdict.message).toBe(message);
    expect(verdict.verdict).toBe(message === undefined ? "accept" : "reject");
  });

  test("calls and a tail call where the architecture cannot", () => {
    const profile = { ...profileFor("6.1"), arch: "riscv64", mixed: false };
    expect(verify(MIXED, { maps, profile }).message).toBe(
      "tail_calls are not allowed in non-JITed programs with bpf-to-bpf calls",
    );
  });

  test("helpers are there from their version on", () => {
    const loop = plain("85000000b5000000" + "9500000000000000");
    expect(verify(loop, { maps, profile: profileFor("5.15") }).message).toBe("invalid func bpf_loop#181");
  });
});
