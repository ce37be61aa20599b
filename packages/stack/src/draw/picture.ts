import type { ProgramReport } from "../report.js";
import type { FrameTrace } from "../trace.js";
import { panelsOf, tracePanel } from "./panels.js";
import { drawSvg, type Picture } from "./svg.js";
import { programText, traceText } from "./text.js";

/** A program's worst moment and the stack at each of its tail calls. */
export function reportPicture(report: ProgramReport): Picture {
  const { program, profile, verdict, message } = report;
  const { panels, folded } = panelsOf(report);
  const says = message === undefined ? verdict : `${verdict}: ${message}`;
  return {
    title: `${program}, Linux ${profile.version} on ${profile.arch}: ${says}`,
    description: programText(report).join("\n"),
    panels,
    note: folded,
  };
}

/** A run's stack when it was deepest. */
export function tracePicture(trace: FrameTrace, program: string): Picture {
  return { title: `${program} as it ran`, description: traceText(trace).join("\n"), panels: [tracePanel(trace)] };
}

/** Draws a program's report as a standalone SVG, in the colours the reader prefers; `width` from 600 to 1,600 pixels. */
export function drawReport(report: ProgramReport, width?: number): string {
  return drawSvg(reportPicture(report), width);
}

/** Draws a run's trace as a standalone SVG. */
export function drawTrace(trace: FrameTrace, program: string, width?: number): string {
  return drawSvg(tracePicture(trace, program), width);
}
