import { DEFAULT_PROFILE } from "@bpfkit/abi";
import { type MapSpec, type Program, slotIndex } from "@bpfkit/core";
import { describe, expect, test } from "vitest";
import { verify } from "../src/index.js";

const CODE = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
const F_SLEEPABLE = 16;

const programOf = (facts: Partial<Program>): Program => ({
  name: "main",
  type: "xdp",
  code: CODE,
  subprograms: [],
  references: [],
  ...facts,
});

const check = (facts: Partial<Program>, maps: ReadonlyMap<string, MapSpec> = new Map()) =>
  verify(programOf(facts), { maps, profile: DEFAULT_PROFILE });

const NO_TARGET = { verdict: "reject", errno: "EINVAL", message: "Tracing programs must provide btf_id" };

describe("what a program attaches to", () => {
  test.each<[name: string, facts: Partial<Program>, expected: object]>([
    ["a tracing program without a target", { type: "tracing", expectedAttachType: "trace_fentry" }, NO_TARGET],
    ["an LSM program without one", { type: "lsm", expectedAttachType: "lsm_mac" }, NO_TARGET],
    ["an extension without one", { type: "ext" }, NO_TARGET],
    ["struct_ops without one", { type: "struct_ops" }, { verdict: "reject", errno: "ENOTSUPP", message: "" }],
    [
      "a tracing program with one",
      { type: "tracing", expectedAttachType: "trace_iter", attachTo: "task" },
      { verdict: "accept" },
    ],
    [
      "an attach type the type must have",
      { type: "sk_lookup", expectedAttachType: "sk_lookup" },
      { verdict: "accept" },
    ],
    ["…and has not", { type: "sk_lookup" }, { verdict: "reject", errno: "EINVAL", message: "" }],
    ["one nobody looks at", { type: "xdp", expectedAttachType: "sk_lookup" }, { verdict: "accept" }],
    [
      "a system call that may not sleep",
      { type: "syscall" },
      { verdict: "reject", errno: "EINVAL", message: "Syscall programs can only be sleepable" },
    ],
    [
      "a packet program that may",
      { type: "xdp", flags: F_SLEEPABLE },
      {
        verdict: "reject",
        errno: "EINVAL",
        message: "Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable",
      },
    ],
  ])("%s", (_, facts, expected) => expect(check(facts)).toMatchObject(expected));
});

test("a map's spec may hold a 64-bit number: digests take it", () => {
  const bloom: MapSpec = {
    name: "m",
    type: "bloom_filter",
    keySize: 0,
    valueSize: 8,
    maxEntries: 4,
    flags: 0,
    extra: 3n,
  };
  const code = new Uint8Array(32);
  code.set([0x18, 0x11], 0);
  code.set(CODE, 16);
  const references: Program["references"] = [{ kind: "map", slot: slotIndex(0), map: "m" }];
  const digestOf = (spec: MapSpec): string => check({ code, references }, new Map([["m", spec]])).digests.maps;
  expect(digestOf(bloom)).not.toBe(digestOf({ ...bloom, extra: 4n }));
});
