import type { LiveFrame, Moment } from "../moment.js";
import type { ProgramReport, StackReport, TailCallReport } from "../report.js";
import type { FrameTrace, TraceStep } from "../trace.js";
import { certaintyWord, plural, targetWords } from "./panels.js";

/** Chains that are listed. */
const MOST_CHAINS = 12;

/** Lines up columns; `right`: columns of numbers. */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, at) => Math.max(widest[at] ?? 0, cell.length)),
    [],
  );
  return rows.map((row) =>
    row
      .map((cell, at) => (right.includes(at) ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)))
      .join("  ")
      .trimEnd(),
  );
}

/** A program's report as lines of text. */
export function programText(report: ProgramReport): string[] {
  const { program, type, profile, verdict, message, change, frames, worst } = report;
  const estimated = frames.some((frame) => frame.estimated);
  return [
    `${program} (${type}), Linux ${profile.version} on ${profile.arch}: ${verdict}${message === undefined ? "" : `: ${message}`}`,
    ...(change === undefined ? [] : [`  would pass: ${change.text}`]),
    "",
    `  frames in bytes${estimated ? " (estimated from the code)" : ""}`,
    ...indent(frameRows(report)),
    "",
    `  call chains (limit ${report.limit})`,
    ...indent(chainRows(report)),
    ...(report.tailCalls.length === 0 ? [] : ["", "  tail calls", ...indent(tailCallRows(report.tailCalls))]),
    "",
    `  worst moment: ${worst.bytes} bytes, ${certaintyWord(worst.certainty)}, after ${plural(worst.tailCalls, "tail call")}; ${worst.why}`,
    ...indent(momentText(worst.frames)),
  ];
}

const indent = (lines: readonly string[]): string[] => lines.map((line) => `    ${line}`);

function frameRows({ frames }: ProgramReport): string[] {
  const rows = frames.map(({ subprogram, bytes, rounded, privateStack, vagueSince }) => [
    subprogram,
    `${bytes}`,
    `${rounded}`,
    privateStack
      ? "on a stack of its own"
      : vagueSince === undefined
        ? ""
        : `whole: slot ${vagueSince} may be anywhere`,
  ]);
  return columns([["subprogram", "used", "rounded", ""], ...rows], [1, 2]);
}

function chainRows({ chains, chainsFolded }: ProgramReport): string[] {
  const shown = chains.slice(0, MOST_CHAINS);
  const rest = chains.length - shown.length + chainsFolded;
  const rows = shown.map(({ frames, bytes }) => [`${bytes}`, plural(frames.length, "frame"), chainText(frames)]);
  return [...columns(rows, [0]), ...(rest === 0 ? [] : [`${rest} more chains, none heavier`])];
}

/** `main 128 → subfunc1 256`. */
export function chainText(frames: Moment): string {
  return frames.map(({ subprogram, rounded }) => `${subprogram} ${rounded}`).join(" → ");
}

function tailCallRows(tailCalls: readonly TailCallReport[]): string[] {
  const rows = tailCalls.map((tailCall) => [
    `${tailCall.slot}`,
    tailCall.subprogram,
    targetWords(tailCall),
    `${tailCall.kept}`,
    targetNames(tailCall),
    tailCall.source ?? "",
  ]);
  return columns([["slot", "in", "through", "keeps", "to", ""], ...rows], [0, 3]);
}

/** Programs a tail call may lead to; the first of many. */
export function targetNames({ targets, assumed }: TailCallReport): string {
  if (targets.length === 0) return "nothing: the slot is empty";
  const shown = targets.slice(0, 3).join(", ");
  const rest = targets.length > 3 ? `, ${targets.length - 3} more` : "";
  return `${assumed ? "perhaps " : ""}${shown}${rest}`;
}

/** A moment, a line a frame; of many programs on each other, those in the middle as one line. */
export function momentText(moment: Moment): string[] {
  let below = 0;
  const lines = moment.map((frame) => {
    const row = [`${below}`, `${frame.rounded}`, frame.program, frame.subprogram, howText(frame)];
    below += frame.rounded;
    return row;
  });
  const rows =
    lines.length <= 14
      ? lines
      : [...lines.slice(0, 7), ["…", "", `${lines.length - 11} frames folded`, "", ""], ...lines.slice(-4)];
  return columns([["below", "bytes", "program", "subprogram", ""], ...rows], [0, 1]);
}

function howText({ how, slot, replaced }: LiveFrame): string {
  if (how === "entry") return "entry";
  const at = slot === undefined ? "" : ` at slot ${slot}`;
  if (replaced === undefined) return `${how === "callback" ? "callback" : "called"}${at}`;
  const hops = replaced.hops > 1 ? `, the last of ${replaced.hops}` : "";
  return `tail call${at} in place of ${replaced.subprogram} (${replaced.rounded})${hops}`;
}

/** What concerns the whole set: cycles, members of a wrong kind, members nothing reaches. Empty where there is nothing. */
export function setText({ cycles, arrays }: Pick<StackReport, "cycles" | "arrays">): string[] {
  return [
    ...cycles.map((cycle) => `cycle of tail calls: ${cycle.join(" ⇄ ")}`),
    ...arrays.flatMap(({ wrongTypes }) => wrongTypes.map(({ why }) => `wrong type: ${why}`)),
    ...arrays.flatMap(({ map, unreachable }) =>
      unreachable.map(({ index, program }) => `unreachable: no tail call leads to ${map}[${index}] = ${program}`),
    ),
  ];
}

/** What each profile says to each program, a line each; the reports are of one set. */
export function verdictTable(reports: readonly StackReport[]): string[] {
  const rows = reports.flatMap(({ programs }) =>
    programs.map(({ program, profile, verdict, message, change, worst }) => [
      profile.version,
      profile.arch,
      program,
      verdict,
      `${worst.bytes}`,
      [message, change?.text].filter((text) => text !== undefined).join("; "),
    ]),
  );
  return columns([["kernel", "arch", "program", "verdict", "worst", ""], ...rows], [4]);
}

/** A run's frames as lines: each step, then what was missed and the totals. */
export function traceText(trace: FrameTrace): string[] {
  const rows = trace.steps.map((step) => [`${step.bytes}`, stepWords(step)]);
  const folded = trace.folded === 0 ? [] : [`… ${trace.folded} more steps`];
  return [
    ...columns([["bytes", ""], ...rows], [0]),
    ...folded,
    "",
    `${trace.pushes} frames pushed, ${plural(trace.tailCalls, "tail call")}, ${trace.missedTailCalls} missed`,
    ...trace.missed.map(missedText),
    "deepest:",
    ...indent(momentText(trace.deepest)),
  ];
}

function stepWords(step: TraceStep): string {
  const { kind, subprogram, depth, replaced, map, index, count, r0, callback } = step;
  const inset = "  ".repeat(Math.max(0, kind === "push" ? depth : depth - 1));
  if (kind === "push") return `${inset}push ${subprogram}${callback === true ? " (callback)" : ""}`;
  if (kind === "pop") return `${inset}pop ${subprogram}, r0 = ${r0}`;
  if (kind === "replace")
    return `${inset}replace ${replaced!.subprogram} by ${subprogram}, ${map}[${index}], count ${count}`;
  return `${inset}${missedText(step)}`;
}

/** `missed: main, slot 7 (lb.c:34), jumps[3]: the slot is empty`. */
export function missedText({ program, subprogram, slot, source, map, index, reason }: TraceStep): string {
  const where = program === subprogram ? program : `${program}, ${subprogram}`;
  const why = { index: "the index is past the end", count: "the count is used up", empty: "the slot is empty" }[
    reason!
  ];
  return `missed: ${where}, slot ${slot}${source === undefined ? "" : ` (${source})`}, ${map}[${index}]: ${why}`;
}
