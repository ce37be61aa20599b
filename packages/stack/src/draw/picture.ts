import type { ProgramReport } from "../report.js";
import type { FrameTrace } from "../trace.js";
import { panelsOf, tracePanels } from "./panels.js";
import { drawSvg, type Picture } from "./svg.js";
import { missedText, programText, traceText } from "./text.js";

/** Each program's worst moment and the stack at each of its tail calls. */
export function reportPicture(reports: readonly ProgramReport[]): Picture {
  const parts = reports.map(panelsOf);
  const notes = parts.flatMap(({ folded }) => folded ?? []);
  return {
    title: reports.length === 1 ? verdictWords(reports[0]!) : countVerdicts(reports),
    description: reports.flatMap(programText).join("\n"),
    panels: parts.flatMap(({ panels }) => panels),
    note: notes.length === 0 ? undefined : notes.join("; "),
  };
}

function verdictWords({ program, profile, verdict, message }: ProgramReport): string {
  return `${program}, Linux ${profile.version} on ${profile.arch}: ${message === undefined ? verdict : `${verdict}: ${message}`}`;
}

function countVerdicts(reports: readonly ProgramReport[]): string {
  const rejected = reports.filter(({ verdict }) => verdict === "reject").map(({ program }) => program);
  const profiles = new Set(reports.map(({ profile }) => `Linux ${profile.version} on ${profile.arch}`));
  const says = rejected.length === 0 ? "all accepted" : `${rejected.length} rejected (${rejected.join(", ")})`;
  return `${reports.length} programs, ${[...profiles].join(", ")}: ${says}`;
}

/** A run's stack when it was deepest and at its first tail calls. */
function tracePicture(trace: FrameTrace, program: string): Picture {
  const [first] = trace.missed;
  return {
    title: `${program} as it ran`,
    description: traceText(trace).join("\n"),
    panels: tracePanels(trace),
    note: first === undefined ? undefined : `${missedText(first)}; ${trace.missedTailCalls} missed in all`,
  };
}

/** Draws programs' reports as a standalone SVG, in the colours the reader prefers; `width` from 600 to 1,600 pixels. */
export function drawReport(reports: readonly ProgramReport[], width?: number): string {
  return drawSvg(reportPicture(reports), width);
}

/** Draws a run's trace as a standalone SVG. */
export function drawTrace(trace: FrameTrace, program: string, width?: number): string {
  return drawSvg(tracePicture(trace, program), width);
}
