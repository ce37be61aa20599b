import { DEFAULT_PROFILE, KFUNCS, profileFor } from "@bpfkit/abi";
import { type Program, type Reference, slotIndex } from "@bpfkit/core";
import { describe, expect, test } from "vitest";
import { type Verdict, verify } from "../src/index.js";

/* What the kernel's answers cannot show (those are in tools/conformance/cases): calls that are not followed, other kernels. */

const CALL = [0x85, 0x20, 0, 0, 0, 0, 0, 0];
const RETURN_0 = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];

interface Called {
  readonly symbol?: string;
  readonly weak?: boolean;
  readonly flags?: number;
  readonly version?: string;
  /** Of the call. */
  readonly slot?: number;
}

function check(
  { symbol, weak = false, flags = 0, version, slot: at = 0 }: Called,
  code = [...CALL, ...RETURN_0],
): Verdict {
  const slot = slotIndex(at);
  const references: Reference[] = symbol === undefined ? [] : [{ kind: "extern", slot, symbol, of: "function", weak }];
  const program: Program = {
    name: "main",
    type: "kprobe",
    flags,
    code: Uint8Array.from(code),
    subprograms: [{ name: "main", start: slotIndex(0), linkage: "global" }],
    references,
  };
  return verify(program, { maps: new Map(), profile: version === undefined ? DEFAULT_PROFILE : profileFor(version) });
}

describe("kernel functions that are not followed", () => {
  test.each([
    [
      "one that is not known",
      { symbol: "bpf_task_acquire" },
      /kernel function bpf_task_acquire, which is not followed/,
    ],
    ["one by its BTF id", {}, /by BTF id 0, which only one kernel knows; name it/],
    [
      "a region in a program that sleeps",
      { symbol: "bpf_rcu_read_lock", flags: 16 },
      /bpf_rcu_read_lock in a sleepable/,
    ],
  ])("%s", (_, called, words) => {
    expect(() => check(called)).toThrow(
      expect.objectContaining({ code: "UNSUPPORTED", message: expect.stringMatching(words) }),
    );
  });

  test("in a branch that is never taken it does not matter", () => {
    // r0 = 0; if r0 == 0 goto +1; call; exit
    const code = [...RETURN_0.slice(0, 8), 0x15, 0, 1, 0, 0, 0, 0, 0, ...CALL, ...RETURN_0.slice(8)];
    expect(check({ symbol: "bpf_task_acquire", slot: 2 }, code)).toMatchObject({
      verdict: "accept",
      insnsProcessed: 3,
    });
  });
});

test("an arena is not followed", () => {
  // r1 = map; r0 = 0; exit
  const code = Uint8Array.from([0x18, 0x11, ...new Array<number>(14).fill(0), ...RETURN_0]);
  const references: Reference[] = [{ kind: "map", slot: slotIndex(0), map: "heap" }];
  const subprograms = [{ name: "main", start: slotIndex(0), linkage: "global" as const }];
  const heap = { name: "heap", type: "arena", keySize: 0, valueSize: 0, maxEntries: 10, flags: 0x400 };
  const program: Program = { name: "main", type: "xdp", code, subprograms, references };
  expect(() => verify(program, { maps: new Map([["heap", heap]]), profile: DEFAULT_PROFILE })).toThrow(
    expect.objectContaining({ code: "UNSUPPORTED", message: expect.stringContaining("map heap is an arena") }),
  );
});

describe("kernels before a function", () => {
  test.each(KFUNCS.map(({ name, since }) => [name, since] as const))("%s, there since %s", (symbol) => {
    expect(check({ symbol, version: "5.10" })).toMatchObject({
      verdict: "reject",
      message: `extern (func ksym) '${symbol}': not found in kernel or module BTFs`,
    });
    expect(check({ symbol, weak: true, version: "5.10" })).toMatchObject({
      verdict: "reject",
      message: `kfunc '${symbol}' is referenced but wasn't resolved`,
    });
  });
});
