import { isProgramArray, type MapStorage } from "@bpfkit/core";
import { isMapOfMaps } from "@bpfkit/maps";
import { splitPerCpu } from "../contents.js";
import { VmError } from "../error.js";
import { fromHex, toHex } from "../hex.js";
import type { Outcome } from "../types.js";
import type { CaseOutcome, CaseRead, CaseVerdict } from "./case.js";
import type { Report } from "./report.js";

/** What a verifier, or a kernel, says of a program, as far as cases compare it. */
export interface CaseAnswer {
  readonly verdict: "accept" | "reject";
  /** The errno's name. */
  readonly errno?: string;
  readonly message?: string;
  readonly stackDepth?: readonly number[];
}

/** Hex as `toHex` writes it. */
const plainHex = (hex: string, what: string): string => toHex(fromHex(hex, what));

/** Compares a verdict; the rest only where the verdict itself is the expected one. */
export function compareVerdict(
  report: Report,
  name: string,
  expect: CaseVerdict,
  verdict: CaseAnswer,
  messages: boolean,
): void {
  if (expect.verdict !== undefined) report.verdict(`${name}: verdict`, expect.verdict, verdict.verdict);
  if (expect.verdict !== undefined && expect.verdict !== verdict.verdict) return;
  // ENOSPC says only that the log did not fit the buffer of whoever recorded it; the rejection is another.
  if (expect.errno !== "ENOSPC") report.compare(`${name}: errno`, expect.errno, verdict.errno);
  report.compare(`${name}: stack depth`, expect.stackDepth, verdict.stackDepth);
  if (messages) report.compare(`${name}: message`, withoutStates(expect.message), withoutStates(verdict.message));
}

/** States that the kernel prints with a reason are no part of it. */
function withoutStates(message: string | undefined): string | undefined {
  const lines = message?.split("\n");
  return lines?.filter((line) => !/^(cur|old) state:/.test(line)).join("\n");
}

/** Compares an outcome. A fault that is not expected is told instead. */
export function compareOutcome(report: Report, what: string, expect: CaseOutcome, outcome: Outcome): void {
  const { fault, r0, action, dataOut, ctx } = outcome;
  if (expect.fault === undefined && fault !== undefined) {
    report.broke(`${what}: ${fault.message}`);
    return;
  }
  const compare = (field: string, expected: unknown, got: unknown): void =>
    report.compare(`${what}: ${field}`, expected, got);
  compare("fault", expect.fault, typeof expect.fault === "boolean" ? fault !== undefined : fault?.kind);
  const { retval } = expect;
  compare("retval", retval === undefined ? retval : Number(retval) >>> 0, Number(BigInt.asUintN(32, r0)));
  compare("r0", expect.r0 === undefined ? undefined : BigInt.asUintN(64, BigInt(expect.r0)), r0);
  compare("action", expect.action, action);
  const bytes = expect.dataOut === undefined ? undefined : plainHex(expect.dataOut, '"dataOut"');
  compare("dataOut", bytes, dataOut === undefined ? undefined : toHex(dataOut));
  for (const [field, value] of Object.entries(expect.ctx ?? {})) compare(`ctx ${field}`, BigInt(value), ctx?.[field]);
}

/** Compares what a map holds. @throws {VmError} `BAD_CASE` where a map of its type holds no such thing. */
export function compareRead(report: Report, read: CaseRead, map: MapStorage): void {
  const { name, type } = map.spec;
  if (read.records !== undefined || read.items !== undefined)
    throw new VmError("BAD_CASE", `map ${name} is a ${type}, which has neither records nor items`);
  if (read.count !== undefined) {
    const count = isProgramArray(map) ? map.programs().length : [...map.keys()].length;
    report.compare(`map ${name}: entries`, read.count, count);
  }
  if (read.key !== undefined) compareValue(report, read, map);
}

/** A value as map contents show it (`MapEntry`); null where there is none. */
function compareValue(report: Report, { key, expect }: CaseRead, map: MapStorage): void {
  const { name } = map.spec;
  const what = `a value of map ${name}`;
  const holdsNames = isProgramArray(map) || isMapOfMaps(map);
  const plain = (text: string): string => (holdsNames ? text : plainHex(text, what));
  const expected = typeof expect === "string" ? plain(expect) : (expect?.map(plain) ?? expect);
  report.compare(`map ${name}, key ${key}:`, expected, valueAt(map, fromHex(key!, `a key of map ${name}`)));
}

function valueAt(map: MapStorage, key: Uint8Array): string | string[] | null {
  if (isMapOfMaps(map)) return map.mapAt(key)?.spec.name ?? null;
  const value = map.get(key);
  if (value === undefined) return null;
  if (isProgramArray(map)) return map.programAt(new DataView(key.buffer).getUint32(0, true))!.name;
  return map.cpus === undefined ? toHex(value) : splitPerCpu(map, value).map(toHex);
}
