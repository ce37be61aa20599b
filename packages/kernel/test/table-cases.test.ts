import { existsSync, readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { ATTACH_TYPES, ERRNO, type ErrnoName } from "@bpfkit/abi";
import type { MapSpec, Program, ProgramArray, Reference } from "@bpfkit/core";
import { isBpfkitError, isProgramArray } from "@bpfkit/core";
import { KernelSession, testRun } from "@bpfkit/kernel";
import { describe, expect, test } from "vitest";
import { kernelMissing } from "./here.js";
import { program } from "./programs.js";

const FILE = new URL("../../../../shared/truth/verifier-cases.jsonl", import.meta.url);
const missing = kernelMissing || (existsSync(FILE) ? "" : " (the recorded answers are not here)");

interface Case {
  readonly id: string;
  readonly type: string;
  readonly insns?: string;
  readonly insnsZ?: string;
  readonly flags?: number;
  readonly expectedAttachType?: number;
  readonly attachTo?: string;
  readonly maps?: (Omit<MapSpec, "name" | "flags"> & {
    flags?: number;
    btf?: unknown;
    init?: string;
    slots?: Record<string, string>;
  })[];
  readonly mapRefs?: Record<string, number>;
  readonly expect: {
    readonly verdict: string;
    readonly errno?: string;
    readonly message?: string;
    readonly insnsProcessed?: number;
    readonly stackDepth?: number[];
    readonly runs?: { data: string; retval: number | string }[];
  };
}

/** Cases that return an address of the kernel, which differs from boot to boot. */
const RETURN_ADDRESSES = new Set(["search_pruning/2", "spill_fill/1", "spill_fill/7", "unpriv/1", "unpriv/7"]);

/** Why a case cannot be put to this package as it stands; undefined where it can. */
function reasonToSkip(row: Case): string | undefined {
  if (row.attachTo !== undefined) return `attaches to ${row.attachTo}`;
  if (RETURN_ADDRESSES.has(row.id)) return "returns an address of the kernel";
  // Callbacks need function info, which the file does not hold.
  if (/^bpf_loop_inline\//.test(row.id) && row.expect.verdict === "accept") return "needs function info";
  const own = row.maps?.find((map) => map.btf !== undefined || map.inner !== undefined);
  return own === undefined ? undefined : "its map needs types of its own";
}

function codeOf(row: Case): string {
  return row.insns ?? inflateSync(Buffer.from(row.insnsZ!, "base64")).toString("hex");
}

function programOf(row: Case): Program {
  const code = program(codeOf(row));
  const references = code.references.map((reference) =>
    reference.kind === "extern" ? reference : { ...reference, map: `m${row.mapRefs?.[reference.slot]}` },
  );
  const attach = row.expectedAttachType === undefined ? undefined : ATTACH_TYPES[row.expectedAttachType];
  return {
    ...code,
    references: row.mapRefs === undefined ? [] : references,
    type: row.type,
    ...(row.flags === undefined ? {} : { flags: row.flags }),
    ...(attach === undefined ? {} : { expectedAttachType: attach }),
  };
}

const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));

/** `ret N` returns N; `loop pN` tail-calls slot 1 of the array it is in. */
function fill(array: ProgramArray, type: string, map: number, slots: Record<string, string>): void {
  for (const [index, what] of Object.entries(slots)) {
    const result = /^ret (\d+)$/.exec(what)?.[1];
    const value = Number(result ?? 41)
      .toString(16)
      .padStart(2, "0");
    const end = `b7000000${value}0000009500000000000000`;
    const loop = `b7030000010000001812000000000000000000000000000085000000 0c000000`.replace(" ", "");
    const member = program((result === undefined ? loop : "") + end, { name: `slot${index}`, type });
    const references = member.references.map((reference) => ({ ...reference, map: `m${map}` }) as Reference);
    array.setProgram(Number(index), { ...member, references });
  }
}

const run = (session: KernelSession, subject: Program, data: string): number =>
  testRun(session.descriptorOf(subject), { data: bytes(data) }, subject.name).retval;

/** A type without a test run, in the words the file has for it. */
function refusedRun(session: KernelSession, subject: Program): unknown {
  try {
    return run(session, subject, "00".repeat(64));
  } catch (error) {
    if (isBpfkitError(error)) return `error ${ERRNO[error.code as ErrnoName]}`;
    throw error;
  }
}

function play(row: Case): unknown {
  const specs = (row.maps ?? []).map(({ init: _, slots: __, ...map }, i) => ({ flags: 0, ...map, name: `m${i}` }));
  const session = new KernelSession();
  session.retain();
  try {
    session.addMaps(specs);
    for (const [i, map] of (row.maps ?? []).entries()) {
      const storage = session.maps.get(`m${i}`)!;
      if (map.init !== undefined) storage.set(new Uint8Array(map.keySize), bytes(map.init));
      if (isProgramArray(storage)) fill(storage, row.type, i, map.slots ?? {});
    }
    const subject = programOf(row);
    const { log: _, ...verdict } = session.verdict(subject);
    const runs = row.expect.runs?.map(({ data, retval }) => ({
      data,
      retval: typeof retval === "string" ? refusedRun(session, subject) : run(session, subject, data),
    }));
    const answer = { ...verdict, ...(runs === undefined ? {} : { runs }) };
    return Object.fromEntries(Object.entries(answer).filter(([field]) => field in row.expect));
  } finally {
    for (const map of session.maps.values()) map.dispose?.();
    session.release();
  }
}

const rows =
  missing === ""
    ? readFileSync(FILE, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Case)
    : [];

describe.skipIf(missing !== "")(`the running kernel answers single programs as recorded${missing}`, () => {
  test.each(rows.filter((row) => reasonToSkip(row) === undefined))("$id", (row) => {
    const { expect: expected } = row;
    const message = expected.message?.split("\n").filter((line) => !/^(cur|old) state:/.test(line));
    expect(play(row)).toEqual({ ...expected, ...(message === undefined ? {} : { message: message.join("\n") }) });
  });

  test.skip.each(rows.filter((row) => reasonToSkip(row) !== undefined).map((row) => [row.id, reasonToSkip(row)]))(
    "%s (%s)",
    () => {},
  );
});
