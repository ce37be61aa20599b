/** Call and tail-call chains of BPF programs and the stack they keep: analysed, traced, drawn. */

export type { StackFacts, StackInput } from "./analyse.js";
export { analyseStack } from "./analyse.js";
export type { ArrayFacts, Member } from "./arrays.js";
export type { Change } from "./change.js";
export { drawDot, drawMermaid } from "./draw/graph.js";
export { drawHtml } from "./draw/html.js";
export { drawReport, drawTrace } from "./draw/picture.js";
export { momentText, programText, setText, traceText, verdictTable } from "./draw/text.js";
export { StackError } from "./error.js";
export type { Frame, ProgramFacts } from "./frames.js";
export { roundFrame } from "./frames.js";
export type { LiveFrame, Moment } from "./moment.js";
export { momentBytes } from "./moment.js";
export type {
  Certainty,
  ChainReport,
  ProgramReport,
  StackReport,
  TailCallReport,
  WorstMoment,
} from "./report.js";
export { reportStack } from "./report.js";
export type { FrameBytes, FrameTrace, TailCallMoment, TraceOptions, TraceStep } from "./trace.js";
export { FrameTracer } from "./trace.js";
