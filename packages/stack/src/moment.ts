import type { CallChain } from "./call-graph.js";
import { counted, type Frame } from "./frames.js";

/** A frame that lies on the stack at some moment. */
export interface LiveFrame {
  readonly program: string;
  readonly subprogram: string;
  /** How it came to be there. */
  readonly how: "entry" | "call" | "callback" | "tail-call";
  /** The slot of the call that made it, in the frame below; of the tail call, in the frame it replaced. */
  readonly slot?: number;
  /** As the code uses them. */
  readonly bytes: number;
  /** As they count. */
  readonly rounded: number;
  /** The frame a tail call replaced to make room for this one. */
  readonly replaced?: ReplacedFrame;
}

/** A frame that made room for another. */
export interface ReplacedFrame {
  readonly program: string;
  readonly subprogram: string;
  /** Bytes, as they counted. */
  readonly rounded: number;
  /** Tail calls one after the other in its place, up to the one that replaced it. */
  readonly hops: number;
}

/** The stack at one moment, the entry's frame first. */
export type Moment = readonly LiveFrame[];

/** Bytes of a moment. */
export function momentBytes(moment: Moment): number {
  return moment.reduce((sum, frame) => sum + frame.rounded, 0);
}

/** Tail calls that led to a moment. */
export function momentTailCalls(moment: Moment): number {
  return moment.reduce((sum, { replaced }) => sum + (replaced?.hops ?? 0), 0);
}

/** A frame as it lies on the stack. */
export function liveFrame(
  program: string,
  frame: Frame,
  how: LiveFrame["how"],
  slot?: number,
  replaced?: LiveFrame["replaced"],
): LiveFrame {
  return {
    program,
    subprogram: frame.subprogram,
    how,
    ...(slot === undefined ? {} : { slot }),
    bytes: frame.bytes,
    rounded: counted(frame),
    ...(replaced === undefined ? {} : { replaced }),
  };
}

/** The frames of a call chain, its entry as given. */
export function chainMoment(
  program: string,
  frames: readonly Frame[],
  chain: CallChain,
  entry?: LiveFrame,
): LiveFrame[] {
  return chain.subprograms.map((index, at) =>
    at === 0 && entry !== undefined
      ? entry
      : liveFrame(program, frames[index]!, at === 0 ? "entry" : "call", chain.slots[at]),
  );
}
