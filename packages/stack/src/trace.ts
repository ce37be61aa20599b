import { type Program, subprogramAt, type TraceEvent } from "@bpfkit/core";
import { sourceText } from "./code.js";
import { type LiveFrame, type Moment, momentBytes } from "./moment.js";

/** Bytes of a frame: as the code uses them, and as they count. */
export interface FrameBytes {
  readonly bytes: number;
  readonly rounded: number;
}

/** One thing that happened to the frames. */
export interface TraceStep {
  readonly kind: "push" | "replace" | "pop" | "missed";
  readonly program: string;
  readonly subprogram: string;
  /** Frames on the stack before it, of all programs. */
  readonly depth: number;
  /** Bytes on the stack after it. */
  readonly bytes: number;
  /** The slot of the tail call that replaced the frame, or missed. */
  readonly slot?: number;
  /** `file.c:12` of that slot, where its program carries lines. */
  readonly source?: string;
  /** The frame that was replaced. */
  readonly replaced?: { readonly program: string; readonly subprogram: string };
  readonly map?: string;
  readonly index?: number;
  /** Tail calls made so far, this one included. */
  readonly count?: number;
  /** Why it missed: the index is past the end, the count is used up, the slot is empty. */
  readonly reason?: "index" | "count" | "empty";
  readonly callback?: boolean;
  /** Unsigned 64 bits, of a pop. */
  readonly r0?: bigint;
}

/** The stack when a tail call was made, its last frame the one that was replaced. */
export interface TailCallMoment {
  readonly step: TraceStep;
  readonly frames: Moment;
}

/** What a run did with its frames. */
export interface FrameTrace {
  /** In order; only the first ones of a long run. */
  readonly steps: readonly TraceStep[];
  /** Steps that followed. */
  readonly folded: number;
  readonly pushes: number;
  readonly tailCalls: number;
  readonly missedTailCalls: number;
  /** In order; only the first ones of very many. */
  readonly missed: readonly TraceStep[];
  /** The stack at the first tail calls, one for each place in the code. */
  readonly tailCallMoments: readonly TailCallMoment[];
  /** The stack when it was deepest, for the first time. */
  readonly deepest: Moment;
}

/** What to know of the programs that run. */
export interface TraceOptions {
  readonly programs: readonly Program[];
  /** Bytes of a subprogram's frame; undefined where nobody knows, which counts nothing. */
  readonly frameBytes: (program: string, subprogram: string) => FrameBytes | undefined;
  /** Steps to keep; 2,000 unless said. */
  readonly keep?: number;
}

/** Places in the code whose first tail call is kept. */
const MOST_MOMENTS = 11;

/** Collects the frame events of a run (`RunOptions.onFrame` of any engine that traces); ask for the trace after it. */
export class FrameTracer {
  readonly #options: TraceOptions;
  readonly #programs: ReadonlyMap<string, Program>;
  readonly #keep: number;
  readonly #live: LiveFrame[] = [];
  readonly #steps: TraceStep[] = [];
  readonly #missed: TraceStep[] = [];
  readonly #moments = new Map<string, TailCallMoment>();
  readonly #counts = { steps: 0, pushes: 0, tailCalls: 0, missed: 0 };
  #bytes = 0;
  #deepestBytes = -1;
  #deepest: Moment = [];

  constructor(options: TraceOptions) {
    this.#options = options;
    this.#programs = new Map(options.programs.map((program) => [program.name, program]));
    this.#keep = options.keep ?? 2000;
  }

  /** Give this to the engine; it is bound. Instruction events are ignored. */
  readonly onFrame = (event: TraceEvent): void => {
    if (event.kind === "push") this.#push(event);
    else if (event.kind === "pop") this.#pop(event);
    else if (event.kind === "tail-call") this.#replace(event);
    else if (event.kind === "missed-tail-call") this.#miss(event);
  };

  /** Bytes on the stack now. */
  get bytes(): number {
    return this.#bytes;
  }

  trace(): FrameTrace {
    const { steps, pushes, tailCalls, missed } = this.#counts;
    return {
      steps: this.#steps,
      folded: steps - this.#steps.length,
      pushes,
      tailCalls,
      missedTailCalls: missed,
      missed: this.#missed,
      tailCallMoments: [...this.#moments.values()],
      deepest: this.#deepest,
    };
  }

  #frame(program: string, subprogram: string): Pick<LiveFrame, "program" | "subprogram" | "bytes" | "rounded"> {
    const { bytes, rounded } = this.#options.frameBytes(program, subprogram) ?? { bytes: 0, rounded: 0 };
    return { program, subprogram, bytes, rounded };
  }

  #push({ frame: { program, subprogram }, callback }: TraceEvent & { kind: "push" }): void {
    const how = this.#live.length === 0 ? "entry" : callback ? "callback" : "call";
    this.#counts.pushes++;
    this.#live.push({ ...this.#frame(program, subprogram), how });
    this.#settle();
    this.#note({ kind: "push", program, subprogram, depth: this.#live.length - 1, callback });
  }

  #pop({ frame: { program, subprogram }, r0 }: TraceEvent & { kind: "pop" }): void {
    this.#live.pop();
    this.#settle();
    this.#note({ kind: "pop", program, subprogram, depth: this.#live.length + 1, r0 });
  }

  #replace({ from, to, map, index, count }: TraceEvent & { kind: "tail-call" }): void {
    const before = [...this.#live];
    const gone = this.#live.pop();
    const { program, subprogram, slot } = from;
    const hops = (gone?.replaced?.hops ?? 0) + 1;
    const replaced = { program, subprogram, rounded: gone?.rounded ?? 0, hops };
    this.#counts.tailCalls++;
    this.#live.push({ ...this.#frame(to.program, to.subprogram), how: "tail-call", slot, replaced });
    this.#settle();
    const step = {
      kind: "replace",
      program: to.program,
      subprogram: to.subprogram,
      depth: this.#live.length,
      replaced: { program, subprogram },
      map,
      index,
      count,
      ...this.#place(program, slot),
    } as const;
    this.#note(step);
    const place = `${program} ${slot}`;
    if (this.#moments.size >= MOST_MOMENTS || this.#moments.has(place)) return;
    this.#moments.set(place, { step: { ...step, bytes: this.#bytes }, frames: before });
  }

  #miss({ frame, map, index, reason }: TraceEvent & { kind: "missed-tail-call" }): void {
    const { program, slot } = frame;
    const subprogram = this.#subprogram(program, slot) ?? frame.subprogram;
    this.#counts.missed++;
    const depth = this.#live.length;
    const step = {
      kind: "missed",
      program,
      subprogram,
      depth,
      map,
      index,
      reason,
      ...this.#place(program, slot),
    } as const;
    if (this.#missed.length < this.#keep) this.#missed.push({ ...step, bytes: this.#bytes });
    this.#note(step);
  }

  #subprogram(name: string, slot: number): string | undefined {
    const program = this.#programs.get(name);
    return program === undefined ? undefined : subprogramAt(program, slot)?.name;
  }

  #place(name: string, slot: number): { readonly slot: number; readonly source?: string } {
    const program = this.#programs.get(name);
    const source = program === undefined ? undefined : sourceText(program, slot);
    return source === undefined ? { slot } : { slot, source };
  }

  /** Counts the stack anew and remembers it where it is the deepest. */
  #settle(): void {
    this.#bytes = momentBytes(this.#live);
    if (this.#bytes <= this.#deepestBytes) return;
    this.#deepestBytes = this.#bytes;
    this.#deepest = [...this.#live];
  }

  #note(step: Omit<TraceStep, "bytes">): void {
    this.#counts.steps++;
    if (this.#steps.length < this.#keep) this.#steps.push({ ...step, bytes: this.#bytes });
  }
}
