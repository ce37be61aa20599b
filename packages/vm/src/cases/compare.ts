import { isProgramArray, type MapStorage } from "@bpfkit/core";
import { isPerCpu, splitPerCpu } from "../contents.js";
import { VmError } from "../error.js";
import { fromHex, toHex } from "../hex.js";
import type { Outcome } from "../types.js";
import type { CaseRead, CaseRun, CaseVerdict } from "./case.js";

/** What a verifier says of a program, as far as cases compare it. */
export interface Verdict {
  readonly verdict: "accept" | "reject";
  /** The errno's name. */
  readonly errno?: string;
  readonly message?: string;
  readonly stackDepth?: readonly number[];
}

/** How a verdict differs from what is expected: a line each, none where it does not. */
export function compareVerdict(name: string, expect: CaseVerdict, verdict: Verdict, messages: boolean): string[] {
  const lines: string[] = [];
  const compare = (what: string, expected: unknown, got: unknown): void => {
    const [one, other] = [JSON.stringify(expected), JSON.stringify(got)];
    if (expected !== undefined && one !== other) lines.push(`${name}: ${what} ${other}, expected ${one}`);
  };
  compare("verdict", expect.verdict, verdict.verdict);
  if (lines.length > 0) return lines;
  compare("errno", expect.errno, verdict.errno);
  compare("stack depth", expect.stackDepth, verdict.stackDepth);
  if (messages) compare("message", expect.message, verdict.message);
  return lines;
}

/** How an outcome differs from what a run expects. What is not expected is not compared. */
export function compareOutcome(what: string, expect: NonNullable<CaseRun["expect"]>, outcome: Outcome): string[] {
  const lines: string[] = [];
  const compare = (field: string, expected: unknown, got: unknown): void => {
    if (expected !== got) lines.push(`${what}: ${field} ${got}, expected ${expected}`);
  };
  const { fault } = outcome;
  if (expect.fault !== undefined) {
    if (typeof expect.fault === "boolean") compare("fault", expect.fault, fault !== undefined);
    else compare("fault", expect.fault, fault?.kind);
  } else if (fault !== undefined) return [`${what}: ${fault.message}`];
  if (expect.retval !== undefined)
    compare("retval", Number(expect.retval) >>> 0, Number(BigInt.asUintN(32, outcome.r0)));
  if (expect.r0 !== undefined) compare("r0", BigInt.asUintN(64, BigInt(expect.r0)), outcome.r0);
  if (expect.action !== undefined) compare("action", expect.action, outcome.action);
  if (expect.dataOut !== undefined) {
    compare(
      "dataOut",
      toHex(fromHex(expect.dataOut, '"dataOut"')),
      outcome.dataOut === undefined ? undefined : toHex(outcome.dataOut),
    );
  }
  for (const [field, value] of Object.entries(expect.ctx ?? {}))
    compare(`ctx ${field}`, BigInt(value), outcome.ctx?.[field]);
  return lines;
}

/** How a map differs from what a read-back expects. */
export function compareRead(read: CaseRead, map: MapStorage): string[] {
  const { name } = map.spec;
  const lines: string[] = [];
  if (read.records !== undefined || read.items !== undefined) {
    throw new VmError("BAD_CASE", `map ${name} is a ${map.spec.type}, which has neither records nor items`);
  }
  if (read.count !== undefined) {
    const count = isProgramArray(map) ? map.programs().length : [...map.keys()].length;
    if (count !== read.count) lines.push(`map ${name} has ${count} entries, expected ${read.count}`);
  }
  if (read.key !== undefined) lines.push(...compareValue(read, map));
  return lines;
}

function compareValue({ key, expect }: CaseRead, map: MapStorage): string[] {
  const value = map.get(fromHex(key!, `a key of map ${map.spec.name}`));
  const got = value === undefined ? null : isPerCpu(map) ? splitPerCpu(map, value).map(toHex) : toHex(value);
  const expected = typeof expect === "string" ? expect.toLowerCase() : (expect ?? null);
  const [one, other] = [JSON.stringify(expected), JSON.stringify(got)];
  return one === other ? [] : [`map ${map.spec.name}, key ${key}: ${other}, expected ${one}`];
}
