import { DEFAULT_PROFILE } from "@bpfkit/abi";
import { type Program, slotIndex } from "@bpfkit/core";
import { describe, expect, test, vi } from "vitest";
import { explain, verify } from "../src/index.js";

const program = (code: string): Program => ({
  name: "main",
  type: "sched_cls",
  code: Uint8Array.from(code.match(/../g)!, (byte) => Number(`0x${byte}`)),
  subprograms: [{ name: "main", start: slotIndex(0), linkage: "global" }],
  references: [],
});

const explained = (code: string): string => {
  const p = program(code);
  return explain(p, verify(p, { maps: new Map(), profile: DEFAULT_PROFILE }));
};

describe("explanations", () => {
  test("name what was known, what lost it and what helps", () => {
    const text = explained("61104c000000000071000000000000009500000000000000");
    expect(text).toContain("Instruction 1: (71) r0 = *(u8 *)(r0 +0)");
    expect(text).toContain("r0: pkt");
    expect(text).toContain("r0 was last set by 0: (61) r0 = *(u32 *)(r1 +76)");
    expect(text).toContain("data_end");
  });

  test("say that r1–r5 do not survive a call", () => {
    const text = explained("8500000007000000bf100000000000009500000000000000");
    expect(text).toContain("r1 holds nothing here");
  });

  test("say so of an accepted program", () => {
    expect(explained("b7000000000000009500000000000000")).toContain("accepted");
  });

  test("the example runs", async () => {
    const lines: string[] = [];
    const log = vi.spyOn(console, "log").mockImplementation((...words) => void lines.push(words.join(" ")));
    await import("../examples/explain.js");
    log.mockRestore();
    expect(lines[0]).toBe("reject EACCES");
    expect(lines.join("\n")).toContain("R0 offset is outside of the packet");
  });
});
