import { type LiveFrame, type Moment, momentBytes } from "../moment.js";
import type { ProgramReport, TailCallReport } from "../report.js";
import type { FrameTrace, TailCallMoment } from "../trace.js";

/** One box of a stack: a frame, or some that are folded. */
export interface PanelBlock {
  readonly label: string;
  readonly detail: string;
  /** Rounded bytes it takes. */
  readonly bytes: number;
  /** `stays`: below the frame in question. `replaced`: a tail call takes its place. `runs`: the innermost. `folded`: several. */
  readonly kind: "stays" | "replaced" | "runs" | "folded";
  /** A tail call put it there: a program begins here. */
  readonly begins: boolean;
}

/** One stack, the entry at its top as the kernel's grows down. */
export interface Panel {
  readonly title: string;
  /** Two lines below it. */
  readonly subtitles: readonly [string, string];
  /** Its bytes are more than the kernel takes. */
  readonly refused: boolean;
  readonly blocks: readonly PanelBlock[];
  /** Lines across the stack, in bytes from its top. */
  readonly limits: readonly { readonly bytes: number; readonly label: string }[];
}

/** Tail calls with a panel of their own. */
const MOST_PANELS = 11;
/** Programs on one stack that are all drawn. */
const MOST_PROGRAMS = 5;

/** The worst moment of a program and the stack at each of its tail calls, the heaviest first; the rest is folded in words. */
export function panelsOf(report: ProgramReport): {
  readonly panels: readonly Panel[];
  readonly folded: string | undefined;
} {
  const tailCalls = [...report.tailCalls].sort((a, b) => b.kept - a.kept);
  const shown = tailCalls.slice(0, MOST_PANELS);
  const rest = tailCalls.slice(MOST_PANELS);
  const folded =
    rest.length === 0
      ? undefined
      : `${rest.length} more tail calls are not drawn; each keeps ${rest[0]!.kept} bytes or less`;
  return { panels: [worstPanel(report), ...shown.map((tailCall) => tailCallPanel(report, tailCall))], folded };
}

function worstPanel({ worst, limit, program }: ProgramReport): Panel {
  const alone = worst.frames.every((frame) => frame.program === program && frame.how !== "tail-call");
  return {
    title: program,
    subtitles: [
      `worst moment: ${worst.certainty === "exact" ? "" : "at most "}${worst.bytes} bytes`,
      `${certaintyWord(worst.certainty)}, after ${plural(worst.tailCalls, "tail call")}`,
    ],
    refused: alone && worst.bytes > limit,
    blocks: momentBlocks(worst.frames, "runs"),
    limits: alone ? [{ bytes: limit, label: `limit ${limit}` }] : limitsOfLast(worst.frames, limit),
  };
}

/** The limit of a program's own chain, where its part of the stack begins. */
function limitsOfLast(frames: Moment, limit: number): Panel["limits"] {
  const last = frames.findLastIndex(({ how }) => how === "tail-call" || how === "entry");
  const base = momentBytes(frames.slice(0, Math.max(last, 0)));
  return [{ bytes: base + limit, label: `+${limit} limit` }];
}

function tailCallPanel({ program, limit, limitBeforeTailCall }: ProgramReport, tailCall: TailCallReport): Panel {
  const { chain, kept, subprogram, slot, source } = tailCall;
  const tooMany = limitBeforeTailCall !== undefined && chain.length > 1 && kept >= limitBeforeTailCall;
  const limits = [{ bytes: limit, label: `limit ${limit}` }];
  if (limitBeforeTailCall !== undefined && chain.length > 1) {
    limits.unshift({ bytes: limitBeforeTailCall, label: `below ${limitBeforeTailCall}` });
  }
  return {
    title: program === subprogram ? program : `${program}: ${subprogram}`,
    subtitles: [
      `slot ${slot} → ${targetWords(tailCall)}`,
      `keeps ${kept} bytes${tooMany ? ", too many" : ""}${source === undefined ? "" : ` (${source})`}`,
    ],
    refused: tooMany,
    blocks: momentBlocks(chain, "replaced"),
    limits,
  };
}

/** The stack of a run when it was deepest, and at the first tail call from each place in the code. */
export function tracePanels({ deepest, tailCalls, missedTailCalls, tailCallMoments }: FrameTrace): Panel[] {
  const worst: Panel = {
    title: "deepest moment of the run",
    subtitles: [`${momentBytes(deepest)} bytes`, `${plural(tailCalls, "tail call")} made, ${missedTailCalls} missed`],
    refused: false,
    blocks: momentBlocks(deepest, "runs"),
    limits: [],
  };
  return [worst, ...tailCallMoments.map(tracedTailCall)];
}

function tracedTailCall({ step, frames }: TailCallMoment): Panel {
  const { replaced, program, slot, source, map, index, count } = step;
  return {
    title:
      replaced!.program === replaced!.subprogram ? replaced!.program : `${replaced!.program}: ${replaced!.subprogram}`,
    subtitles: [
      `slot ${slot} → ${map}[${index}] = ${program}, count ${count}`,
      `keeps ${momentBytes(frames.slice(0, -1))} bytes${source === undefined ? "" : ` (${source})`}`,
    ],
    refused: false,
    blocks: momentBlocks(frames, "replaced"),
    limits: [],
  };
}

export function certaintyWord(certainty: "exact" | "open" | "bound"): string {
  return { exact: "exact", open: "at most, branches open", bound: "at most, a bound" }[certainty];
}

export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** `jumps[3]`, `jumps[0..3]`, `jumps[?]`. */
export function targetWords({ maps, index }: Pick<TailCallReport, "maps" | "index">): string {
  const at = index === undefined ? "?" : index.min === index.max ? `${index.min}` : `${index.min}..${index.max}`;
  return `${maps.length === 0 ? "an unknown array" : maps.join(" or ")}[${at}]`;
}

/** Blocks of a moment; where many programs lie on each other, those in the middle as one. */
function momentBlocks(moment: Moment, last: "runs" | "replaced"): PanelBlock[] {
  const programs = splitPrograms(moment);
  if (programs.length <= MOST_PROGRAMS)
    return moment.map((frame, at) => block(frame, at === moment.length - 1 ? last : "stays"));
  const first = programs.slice(0, 2).flat();
  const end = programs.slice(-2).flat();
  return [
    ...first.map((frame) => block(frame, "stays")),
    foldedBlock(programs.slice(2, -2)),
    ...end.map((frame, at) => block(frame, at === end.length - 1 ? last : "stays")),
  ];
}

function splitPrograms(moment: Moment): LiveFrame[][] {
  const programs: LiveFrame[][] = [];
  for (const frame of moment) {
    if (programs.length === 0 || frame.how === "tail-call") programs.push([]);
    programs.at(-1)!.push(frame);
  }
  return programs;
}

function foldedBlock(programs: readonly LiveFrame[][]): PanelBlock {
  const words = new Set(programs.map((frames) => frames.map(({ subprogram }) => subprogram).join(" → ")));
  const [only] = words;
  return {
    label: words.size === 1 ? `${programs.length} × ${only}` : `${programs.length} programs folded`,
    detail: `${momentBytes(programs.flat())} bytes`,
    bytes: momentBytes(programs.flat()),
    kind: "folded",
    begins: true,
  };
}

function block(frame: LiveFrame, kind: "stays" | "runs" | "replaced"): PanelBlock {
  const { program, subprogram, bytes, rounded, how, replaced } = frame;
  const name = program === subprogram ? program : how === "tail-call" ? `${program}: ${subprogram}` : subprogram;
  const size = bytes === rounded ? `${bytes}` : `${bytes} → ${rounded}`;
  const place = replaced === undefined ? "" : `, in place of ${replaced.subprogram}`;
  return { label: name, detail: `${size}${place}`, bytes: rounded, kind, begins: how === "tail-call" };
}
