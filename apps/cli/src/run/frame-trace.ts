import { type FrameInfo, formatPlace, sourceLineAt } from "@bpfkit/core";
import type { Vm } from "@bpfkit/vm";
import type { Output } from "../output.js";
import type { FrameEvent } from "./trace.js";

const REASONS = {
  index: "the index is past the end",
  count: "too many tail calls",
  empty: "the slot is empty",
} as const;

/** Prints frames as they come, go and are replaced, indented by their depth, each with its line of C. */
export class FrameTrace {
  readonly #vm: Vm;
  readonly #output: Output;
  #depth = 0;

  constructor(vm: Vm, output: Output) {
    this.#vm = vm;
    this.#output = output;
  }

  take(event: FrameEvent): void {
    if (event.kind !== "missed-tail-call") this.#depth = event.depth;
    if (this.#output.json) {
      const { kind, ...rest } = event;
      this.#output.object({ trace: kind, ...rest });
    } else this.#output.line(`${"  ".repeat(this.#depth - 1)}${this.#words(event)}`);
    if (event.kind === "pop") this.#depth--;
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
        const what = `⇏ ${nameOf(frame)} goes on: no tail call through ${map}[${index}], ${REASONS[reason]}`;
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

function nameOf({ program, subprogram }: FrameInfo): string {
  return program === subprogram ? program : `${program}/${subprogram}`;
}
