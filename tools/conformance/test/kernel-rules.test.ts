import { cpus } from "node:os";
import { DEFAULT_PROFILE, PROGRAM_TYPES, type ProgramTypeFacts } from "@bpfkit/abi";
import { type Program, slotIndex } from "@bpfkit/core";
import { KernelSession, kernelAvailability } from "@bpfkit/kernel";
import { verify } from "@bpfkit/verifier";
import { describe, expect, test } from "vitest";

/*
 * The rules that are tables, held against the running kernel row by row: who may call which helper, and who may touch which
 * bytes of which context. Every entry with BPFKIT_FULL_TESTS=1, else a part of them.
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
const OTHER_WORDS: ReadonlySet<string> = new Set(["181", "syscall 107", "syscall 108", "syscall 147"]);
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

function ours(program: Program): string {
  const options = { maps: new Map(), profile: DEFAULT_PROFILE, facts: false, cpus: cpus().length };
  const { verdict, errno, message } = verify(program, options);
  return verdict === "accept" ? verdict : `${errno}: ${message}`;
}

function kernels(session: KernelSession, program: Program): string {
  const { verdict, errno, message } = session.verdict(program);
  return verdict === "accept" ? verdict : `${errno}: ${message}`;
}

/** What is answered otherwise, by what was asked. */
function differences(asked: Iterable<readonly [what: string, program: Program]>): Record<string, string> {
  const session = new KernelSession();
  session.retain();
  const found: Record<string, string> = {};
  try {
    for (const [what, program] of asked) {
      const [theirs, own] = [kernels(session, program), ours(program)];
      if (theirs !== own) found[what] = `kernel ${theirs}; here ${own}`;
    }
  } finally {
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

  test.each(KINDS)("context of $name", ({ facts, attach }) => {
    const found = differences(contextAccesses(facts, attach));
    for (const what of Object.keys(found)) {
      if (isBeforeTracepoint(what, facts) || isKernelStructure(what, facts)) delete found[what];
    }
    expect(found).toEqual({});
  });
});
