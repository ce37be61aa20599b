import { CONTEXT_STRUCTS } from "@bpfkit/abi";
import type { Fault } from "@bpfkit/core";
import type { MapEntry, Outcome, VmProgram } from "@bpfkit/vm";
import { toHex } from "../hex.js";
import type { Output } from "../output.js";
import type { RefusedInput, TimedOutcome } from "./execute.js";

/** What became of one packet. */
export type Run = TimedOutcome | RefusedInput;

/** Beside what the VM says of a run. */
export interface RunFacts {
  readonly engine: string;
  readonly safety: string;
  /** Whether a verifier accepted the program. */
  readonly verified: boolean;
  /** What the program was run on, to see what changed. */
  readonly data: Uint8Array | undefined;
  /** Lines of `bpf_trace_printk`. */
  readonly printk: readonly string[];
  readonly maps?: Readonly<Record<string, readonly MapEntry[]>> | undefined;
}

/** A run as the object `--json` prints. */
export function runObject({ program }: VmProgram, run: Run, facts: RunFacts): Record<string, unknown> {
  const { safety, verified, maps } = facts;
  const { name, type } = program;
  const printk = facts.printk.length === 0 ? undefined : facts.printk;
  const common = { program: name, type, engine: facts.engine, safety, verified };
  if ("refused" in run) return { ...common, refused: run.refused, printk, maps };
  const { r0, action, instructions: insns, tailCalls, missedTailCalls, dataOut, redirect, fault } = run.outcome;
  const result = fault === undefined ? { r0, action } : {};
  const counts = { insns, tailCalls, missedTailCalls, ns: run.ns };
  const ctx = run.outcome.ctx && contextObject(run.outcome.ctx);
  return { ...common, ...result, ...counts, dataOut, ctx, redirect, printk, maps, fault: fault && faultObject(fault) };
}

/** 64-bit fields are decimal strings, others numbers. */
function contextObject(ctx: NonNullable<Outcome["ctx"]>): Record<string, bigint | number> {
  const value = (field: string, bits: bigint): bigint | number => (isWide(field) ? bits : Number(bits));
  return Object.fromEntries(Object.entries(ctx).map(([field, bits]) => [field, value(field, bits)]));
}

function isWide(field: string): boolean {
  return [...CONTEXT_STRUCTS.values()].some(({ fields }) =>
    fields.some(({ name, size }) => name === field && size === 8),
  );
}

function faultObject({ kind, message, place, address, size, frames }: Fault): Record<string, unknown> {
  const { program, subprogram, slot, source } = place;
  return { kind, message, program, subprogram, slot, source, address, size, frames };
}

/** A run in words. `which` names it where there are several. */
export function printRun({ program }: VmProgram, run: Run, facts: RunFacts, output: Output, which: string): void {
  for (const line of facts.printk) output.line(`${output.style("faint", "printk:")} ${line}`);
  const head = `${which}${output.style("strong", program.name)} (${program.type}, ${facts.engine}, ${facts.safety})`;
  if ("refused" in run) output.line(`${head}: ${output.style("note", `not run, ${run.refused}`)}`);
  else {
    const { outcome } = run;
    const parts = [resultText(outcome, output), ...countTexts(outcome), duration(run.ns)];
    output.line(`${head}: ${[...parts, facts.verified ? "verified" : "not verified"].join(", ")}`);
    printOutcome(outcome, facts.data, output);
  }
  if (facts.maps !== undefined) printMaps(facts.maps, output);
}

function printOutcome({ fault, ctx = {}, redirect, dataOut }: Outcome, data: RunFacts["data"], output: Output): void {
  if (fault !== undefined) printFault(fault, output);
  for (const [field, value] of Object.entries(ctx)) output.line(`  ctx ${field} = ${value} (0x${value.toString(16)})`);
  if (redirect !== undefined) output.line(`  redirect to ${redirectText(redirect)}`);
  if (dataOut === undefined || sameBytes(dataOut, data)) return;
  output.line(`  data now, ${plural(dataOut.length, "byte")}:`);
  printBytes(dataOut, output);
}

function resultText({ r0, action, fault }: Outcome, output: Output): string {
  if (fault !== undefined) return output.style("bad", `fault (${fault.kind})`);
  return output.style("good", `r0 = ${r0}${action === undefined ? "" : ` (${action})`}`);
}

function countTexts({ instructions, tailCalls = 0, missedTailCalls = 0 }: Outcome): string[] {
  return [
    ...(instructions === undefined ? [] : [plural(instructions, "instruction")]),
    ...(tailCalls === 0 ? [] : [plural(tailCalls, "tail call")]),
    ...(missedTailCalls === 0 ? [] : [`${plural(missedTailCalls, "tail call")} missed`]),
  ];
}

/** `1 run`, `2 runs`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Nanoseconds in the unit that reads best. */
export function duration(ns: number): string {
  if (ns < 1e3) return `${Math.round(ns)} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toFixed(1)} µs`;
  return ns < 1e9 ? `${(ns / 1e6).toFixed(1)} ms` : `${(ns / 1e9).toFixed(2)} s`;
}

function printFault({ message, frames }: Fault, output: Output): void {
  output.line(`  ${output.style("bad", message)}`);
  for (const { program, subprogram, slot } of frames) output.line(`  in ${subprogram} of ${program}, slot ${slot}`);
}

function redirectText({ ifindex, map, key, flags }: NonNullable<Outcome["redirect"]>): string {
  const target = map === undefined ? `interface ${ifindex}` : `${map}[${key}]`;
  return flags === 0n ? target : `${target}, flags 0x${flags.toString(16)}`;
}

function sameBytes(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function printBytes(bytes: Uint8Array, output: Output): void {
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const text = Array.from(row, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    const hex = toHex(row).replace(/(..)(?=.)/g, "$1 ");
    output.line(`  ${at.toString(16).padStart(4, "0")}  ${hex.padEnd(47)}  ${text}`);
  }
}

function printMaps(maps: NonNullable<RunFacts["maps"]>, output: Output): void {
  for (const [name, entries] of Object.entries(maps)) {
    const count = entries.length === 0 ? "nothing" : plural(entries.length, "entry", "entries");
    output.line(`map ${output.style("strong", name)}: ${count}`);
    for (const { key, value, values, decoded } of entries) {
      const shown = values === undefined ? (value ?? "") : values.map((one, cpu) => `cpu${cpu} ${one}`).join("  ");
      const inWords = decoded === undefined ? "" : `  ${output.style("faint", decodedText(decoded))}`;
      output.line(`  ${key}: ${shown}${inWords}`);
    }
  }
}

/** Numbers that are exact as such are numbers, longer ones text. */
function decodedText(decoded: unknown): string {
  return JSON.stringify(decoded, (_, part: unknown) => {
    if (typeof part !== "bigint") return part;
    return Number.isSafeInteger(Number(part)) ? Number(part) : String(part);
  });
}
