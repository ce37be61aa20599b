import { type FrameInfo, formatPlace, sourceLineAt } from "@bpfkit/core";
import { analyseStack, drawTrace, FrameTracer, momentText, reportStack } from "@bpfkit/stack";
import type { Vm } from "@bpfkit/vm";
import { writeBytes } from "../files.js";
import type { Output } from "../output.js";
import { plural } from "./report.js";
import type { FrameEvent } from "./trace.js";

const REASONS = {
  index: "the index is past the end",
  count: "too many tail calls",
  empty: "the slot is empty",
} as const;

/** Prints frames as they come, go and are replaced, with the bytes then on the stack, and at the end the deepest stack. */
export class FrameTrace {
  readonly #vm: Vm;
  readonly #output: Output;
  readonly #printed: boolean;
  readonly #frameBytes: FrameBytesOf;
  readonly #svg: string | undefined;
  #tracer: FrameTracer;
  #depth = 0;

  /** `svg`: a file for the picture of the deepest stack of the last run; `printed`: whether there is text, too. */
  constructor(vm: Vm, output: Output, svg: string | undefined, printed: boolean) {
    this.#vm = vm;
    this.#output = output;
    this.#svg = svg;
    this.#printed = printed;
    this.#frameBytes = frameBytesOf(vm);
    this.#tracer = this.#newTracer();
  }

  #newTracer(): FrameTracer {
    return new FrameTracer({ programs: this.#vm.programs, frameBytes: this.#frameBytes, keep: 1000 });
  }

  take(event: FrameEvent): void {
    this.#tracer.onFrame(event);
    if (!this.#printed) return;
    const { bytes } = this.#tracer;
    if (event.kind !== "missed-tail-call") this.#depth = event.depth;
    if (this.#output.json) {
      const { kind, ...rest } = event;
      this.#output.object({ trace: kind, ...rest, bytes });
    } else this.#output.line(`${`${bytes}`.padStart(6)} ${"  ".repeat(this.#depth - 1)}${this.#words(event)}`);
    if (event.kind === "pop") this.#depth--;
  }

  /** Prints the stack of the run that ended when it was deepest, and makes ready for the next. */
  end(): void {
    const { steps: _, folded: __, ...trace } = this.#tracer.trace();
    if (this.#svg !== undefined) this.#draw(this.#svg);
    this.#tracer = this.#newTracer();
    if (!this.#printed) return;
    if (this.#output.json) {
      this.#output.object({ trace: "frames", ...trace });
      return;
    }
    const { pushes, tailCalls, missedTailCalls, missed, deepest } = trace;
    this.#output.line(
      `${plural(pushes, "frame")} pushed, ${plural(tailCalls, "tail call")} made, ${missedTailCalls} missed`,
    );
    if (missedTailCalls > missed.length) this.#output.line(`only the first ${missed.length} missed ones are kept`);
    this.#output.line("the stack when it was deepest (frame sizes estimated from the code):");
    for (const line of momentText(deepest)) this.#output.line(`  ${line}`);
  }

  #draw(file: string): void {
    const trace = this.#tracer.trace();
    const svg = drawTrace(trace, trace.deepest[0]?.program ?? "nothing");
    writeBytes(file, new TextEncoder().encode(svg));
  }

  #words(event: FrameEvent): string {
    switch (event.kind) {
      case "push":
        return `→ ${nameOf(event.frame)}${event.callback ? " (callback)" : ""}`;
      case "pop":
        return `← ${nameOf(event.frame)} returns ${event.r0}${this.#source(event.frame)}`;
      case "tail-call": {
        const { from, to, map, index, count } = event;
        const what = `⇒ ${nameOf(from)} becomes ${nameOf(to)}: ${map}[${index}], tail call ${count}`;
        return this.#output.style("note", what) + this.#source(from);
      }
      case "missed-tail-call": {
        const { frame, map, index, reason } = event;
        const what = `⇏ ${nameOf(frame)} goes on at slot ${frame.slot}: no tail call through ${map}[${index}], ${REASONS[reason]}`;
        return this.#output.style("bad", what) + this.#source(frame);
      }
    }
  }

  #source({ program: name, slot }: FrameInfo): string {
    const program = this.#vm.programs.find((one) => one.name === name);
    const source = program && sourceLineAt(program, slot);
    return source === undefined
      ? ""
      : this.#output.style("faint", `  ${formatPlace({ source }).trim()} ${source.text}`);
  }
}

type FrameBytesOf = ConstructorParameters<typeof FrameTracer>[0]["frameBytes"];

/** Frames as the stack analysis estimates them, under the rules the VM runs by. */
function frameBytesOf(vm: Vm): FrameBytesOf {
  const maps = [...vm.maps.values()].map(({ spec: { slots: _, ...spec } }) => spec);
  const { programs } = reportStack(analyseStack({ programs: vm.programs, maps }), vm.profile);
  const frames = new Map(programs.map((report) => [report.program, report.frames]));
  return (program, subprogram) => frames.get(program)?.find((frame) => frame.subprogram === subprogram);
}

function nameOf({ program, subprogram }: FrameInfo): string {
  return program === subprogram ? program : `${program}/${subprogram}`;
}
