import { inflateSync } from "node:zlib";
import { profileFor } from "@bpfkit/abi";
import { isBpfkitError } from "@bpfkit/core";
import { analyseStack, type ProgramReport, reportStack } from "@bpfkit/stack";
import { describe, expect, test } from "vitest";
import { hasShared, sharedLines } from "../src/shared.js";
import { type StackCase, stackInput } from "../src/stack-case.js";

interface Recorded extends StackCase {
  readonly insnsZ?: string;
  readonly mapRefs?: Readonly<Record<string, number>>;
  readonly expect?: StackCase["programs"][number]["expect"];
  readonly type?: string;
  readonly insns?: string;
}

const unpack = ({ insns, insnsZ }: { readonly insns?: string; readonly insnsZ?: string }): string =>
  insns ?? (insnsZ === undefined ? "" : inflateSync(Buffer.from(insnsZ, "base64")).toString("hex"));

/** A case of either file as one of the first. */
function asCase(recorded: Recorded): StackCase {
  if (recorded.programs !== undefined) {
    return { ...recorded, programs: recorded.programs.map((program) => ({ ...program, insns: unpack(program) })) };
  }
  const code = Buffer.from(unpack(recorded), "hex");
  for (const [slot, map] of Object.entries(recorded.mapRefs ?? {})) code.writeInt32LE(map, Number(slot) * 8 + 4);
  const { type, expect } = recorded;
  const program = {
    name: "main",
    type: type!,
    insns: code.toString("hex"),
    ...(expect === undefined ? {} : { expect }),
  };
  return { ...recorded, maps: recorded.maps?.map((map) => ({ ...map, slots: [] })) ?? [], programs: [program] };
}

/** Undefined where the code cannot be read: the kernel refuses it as well. */
function reports(one: StackCase): readonly ProgramReport[] | undefined {
  try {
    return reportStack(analyseStack(stackInput(one)), profileFor("6.18")).programs;
  } catch (error) {
    if (!isBpfkitError(error)) throw error;
    expect(one.programs.some((program) => program.expect?.verdict === "reject")).toBe(true);
    return undefined;
  }
}

const words = ({ bytes }: { readonly bytes: number }): number => Math.ceil(bytes / 8) * 8;

/** Linux replaced the loop (24 bytes for its registers) or took out code that is never reached after it counted. */
const REWRITTEN = new Set(["L1", "L3", "L5", "K14", "K15"]);
/** What the analysis says only with the path of one run of a recursion, or of a range, before it. */
const REASONS = /call stack of|combined stack size|tail_calls? (are|is) |misaligned stack|^invalid (read|write)/;

describe.skipIf(!hasShared("truth/scenarios.jsonl"))("recorded verdicts (skipped without truth/ beside)", () => {
  test.each(["truth/scenarios.jsonl", "truth/verifier-cases.jsonl"])("%s: never against Linux", (file) => {
    const missed: string[] = [];
    for (const recorded of sharedLines(file) as Recorded[]) {
      const one = asCase(recorded);
      for (const [index, report] of (reports(one) ?? []).entries()) {
        const verdict = one.programs[index]!.expect;
        if (verdict === undefined) continue;
        const last = verdict.message?.split("\n").at(-1);
        if (report.verdict === "reject") expect([one.id, report.message]).toEqual([one.id, last]);
        else if (REASONS.test(last ?? "")) missed.push(`${one.id}: ${last}`);
        if (verdict.stackDepth === undefined || REWRITTEN.has(one.id)) continue;
        expect([one.id, report.frames.map(words)]).toEqual([one.id, verdict.stackDepth]);
      }
    }
    expect(missed).toMatchSnapshot();
  });
});
