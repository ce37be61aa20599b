import { cpus } from "node:os";
import { DEFAULT_PROFILE, HELPER_PROTOTYPES, PROGRAM_TYPES, type ProgramTypeFacts } from "@bpfkit/abi";
import { functionBtf } from "@bpfkit/btf";
import { type MapSpec, type Program, slotIndex } from "@bpfkit/core";
import { KernelSession, kernelAvailability } from "@bpfkit/kernel";
import { verify } from "@bpfkit/verifier";
import { describe, expect, test } from "vitest";
import { MAP_NAME, mapCall } from "../src/map-calls.js";

/*
 * The rules that are tables, held against the running kernel row by row: who may call which helper, who may touch which
 * bytes of which context, and which helper works on which map. Every entry with BPFKIT_FULL_TESTS=1, else a part of them.
 */

const answer = kernelAvailability();
const why = answer.available ? "" : ` (skipped: ${answer.reason})`;
const FULL = process.env["BPFKIT_FULL_TESTS"] !== undefined;

const F_SLEEPABLE = 16;
/** Verified against the kernel's own types, or not built into every kernel. */
const LEFT_OUT: ReadonlySet<string> = new Set(["tracing", "lsm", "ext", "struct_ops", "lirc_mode2"]);
/** Off where a kernel is locked down or built without error injection. */
const BY_CONFIGURATION: ReadonlySet<number> = new Set([36, 58]);
/** Both refuse, with other words: `bpf_loop` of a context, and storage that wants the type of a kernel structure. */
const OTHER_WORDS: ReadonlySet<string> = new Set([
  "181",
  ..."107 108 147 156 157".split(" ").map((id) => `syscall ${id}`),
]);
const MOST_HELPER = 211;
/** Bytes behind the longest context, and before it. */
const CONTEXT_END = 264;
const CONTEXT_START = -8;

const KINDS = PROGRAM_TYPES.filter(({ name }) => !LEFT_OUT.has(name)).flatMap((facts) =>
  [undefined, ...facts.attachTypes].map((attach) => ({ name: `${facts.name} ${attach ?? ""}`.trim(), facts, attach })),
);

type Slot = readonly [opcode: number, registers: number, off: number, imm: number];

function programOf({ name }: ProgramTypeFacts, attach: string | undefined, slots: readonly Slot[]): Program {
  const code = new Uint8Array(slots.length * 8);
  const view = new DataView(code.buffer);
  for (const [index, [opcode, registers, off, imm]] of slots.entries()) {
    view.setUint8(index * 8, opcode);
    view.setUint8(index * 8 + 1, registers);
    view.setInt16(index * 8 + 2, off, true);
    view.setInt32(index * 8 + 4, imm, true);
  }
  return {
    name: "main",
    type: name,
    ...(attach === undefined ? {} : { expectedAttachType: attach }),
    ...(name === "syscall" ? { flags: F_SLEEPABLE } : {}),
    license: "GPL",
    code,
    subprograms: [{ name: "main", start: slotIndex(0), linkage: "global" }],
    references: [],
  };
}

function ours(program: Program, maps: readonly MapSpec[]): string {
  const named = new Map(maps.map((spec) => [spec.name, spec]));
  const options = { maps: named, profile: DEFAULT_PROFILE, facts: false, cpus: cpus().length };
  const functions = program.subprograms.map(({ name, start }) => ({ name, slot: start }));
  // As the kernel's session does for programs without.
  const described = functions.length > 1 ? { ...program, btf: functionBtf(functions, program.type) } : program;
  const { verdict, errno, message } = verify(described, options);
  return verdict === "accept" ? verdict : `${errno}: ${message}`;
}

function kernels(session: KernelSession, program: Program): string {
  const { verdict, errno, message } = session.verdict(program);
  return verdict === "accept" ? verdict : `${errno}: ${message}`;
}

/** What is answered otherwise, by what was asked. */
function differences(
  asked: Iterable<readonly [what: string, program: Program]>,
  maps: readonly MapSpec[] = [],
): Record<string, string> {
  const session = new KernelSession("built");
  session.retain();
  const found: Record<string, string> = {};
  try {
    session.addMaps(maps);
    for (const [what, program] of asked) {
      const [theirs, own] = [kernels(session, program), ours(program, maps)];
      if (theirs !== own) found[what] = `kernel ${theirs}; here ${own}`;
    }
  } finally {
    for (const map of [...session.maps.values()]) map.dispose?.();
    session.release();
  }
  return found;
}

const EXIT: Slot = [0x95, 0, 0, 0];
const SET_R0: Slot = [0xb7, 0, 0, 1];

/** LDX, ST and STX of r1, by size in bytes. */
const ACCESSES: readonly (readonly [name: string, opcodes: Readonly<Record<number, number>>, registers: number])[] = [
  ["load", { 1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79 }, 0x10],
  ["store a number", { 1: 0x72, 2: 0x6a, 4: 0x62, 8: 0x7a }, 0x01],
  ["store a register", { 1: 0x73, 2: 0x6b, 4: 0x63, 8: 0x7b }, 0x01],
];

function* helperCalls(facts: ProgramTypeFacts, attach: string | undefined): Generator<[string, Program]> {
  for (let id = 1; id <= MOST_HELPER; id += FULL ? 1 : 7) {
    const isKnown = BY_CONFIGURATION.has(id) || OTHER_WORDS.has(`${id}`) || OTHER_WORDS.has(`${facts.name} ${id}`);
    if (!isKnown) yield [`helper ${id}`, programOf(facts, attach, [[0x85, 0, 0, id], EXIT])];
  }
}

function* contextAccesses(facts: ProgramTypeFacts, attach: string | undefined): Generator<[string, Program]> {
  for (const [name, opcodes, registers] of ACCESSES) {
    for (const [size, opcode] of Object.entries(opcodes)) {
      for (let off = CONTEXT_START; off < CONTEXT_END; off += FULL ? 1 : 12) {
        const setup: Slot[] = registers === 0x01 ? [[0xb7, 0, 0, 0]] : [];
        const slots: Slot[] = [...setup, [opcode, registers, off, 0], SET_R0, EXIT];
        yield [`${name} of ${size} at ${off}`, programOf(facts, attach, slots)];
      }
    }
  }
}

const INNER: MapSpec = { name: "inner", type: "array", keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 };
const NO_PREALLOC = 1;

/** Map types, with sizes of key and value, entries and flags that Linux makes one with. */
const MAP_SHAPES: readonly (readonly [
  types: string,
  keySize: number,
  valueSize: number,
  entries: number,
  flags: number,
])[] = [
  ["hash array percpu_hash percpu_array lru_hash lru_percpu_hash", 4, 8, 4, 0],
  ["devmap devmap_hash sockmap sockhash cpumap reuseport_sockarray", 4, 8, 4, 0],
  ["prog_array perf_event_array cgroup_array array_of_maps hash_of_maps xskmap", 4, 4, 4, 0],
  ["queue stack bloom_filter", 0, 8, 4, 0],
  ["sk_storage inode_storage task_storage cgrp_storage", 4, 8, 0, NO_PREALLOC],
  ["ringbuf user_ringbuf", 0, 0, 4096, 0],
  ["stack_trace", 4, 80, 4, 0],
  ["lpm_trie", 8, 8, 4, NO_PREALLOC],
];

const MAPS: readonly MapSpec[] = MAP_SHAPES.flatMap(([types, keySize, valueSize, maxEntries, flags]) =>
  types.split(" ").map((type): MapSpec => {
    const spec = { name: MAP_NAME, type, keySize, valueSize, maxEntries, flags };
    return type.endsWith("_of_maps") ? { ...spec, inner: INNER } : spec;
  }),
);

/** Every helper that takes a map, called with this one, as a program of some types; a map belongs to one of them alone. */
function mapDifferences(spec: MapSpec): Record<string, string> {
  const found: Record<string, string> = {};
  for (const helper of HELPER_PROTOTYPES.filter(({ args }) => args.some(({ kind }) => kind === "map"))) {
    const types = [...helper.programTypes].filter(
      (type) => CALLERS.has(type) && !OTHER_WORDS.has(`${type} ${helper.id}`),
    );
    for (const type of FULL ? types : types.slice(0, 1)) {
      for (const number of [0, 4]) {
        const what = `${helper.name} with ${number} of ${type}`;
        Object.assign(found, differences([[what, mapCall(helper, type, number)]], [spec]));
      }
    }
  }
  return found;
}

/** Program types that need no attach type, a few of each family. */
const CALLERS: ReadonlySet<string> = new Set([
  "socket_filter",
  "kprobe",
  "sched_cls",
  "xdp",
  "sock_ops",
  "sk_msg",
  "sk_skb",
  "sk_reuseport",
  "cgroup_sock",
  "syscall",
]);

/** Linux lets a tracepoint read before its context (`tp_prog_is_valid_access` compares without a sign); we do not. */
function isBeforeTracepoint(what: string, facts: ProgramTypeFacts): boolean {
  return facts.name === "tracepoint" && /^load .* at -/.test(what);
}

/** What a netfilter program finds in its context are structures of the kernel. */
function isKernelStructure(what: string, facts: ProgramTypeFacts): boolean {
  return facts.name === "netfilter" && /^load of 8 at [08]$/.test(what);
}

describe.skipIf(!answer.available)(`tables of rules, as the running kernel has them${why}`, { timeout: 60_000 }, () => {
  test.each(KINDS)("helpers of $name", ({ facts, attach }) => {
    expect(differences(helperCalls(facts, attach))).toEqual({});
  });

  test.each(MAPS)("helpers on $type", (spec) => {
    expect(mapDifferences(spec)).toEqual({});
  });

  test.each(KINDS)("context of $name", ({ facts, attach }) => {
    const found = differences(contextAccesses(facts, attach));
    for (const what of Object.keys(found)) {
      if (isBeforeTracepoint(what, facts) || isKernelStructure(what, facts)) delete found[what];
    }
    expect(found).toEqual({});
  });
});
