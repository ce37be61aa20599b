import type { Vm } from "@bpfkit/vm";
import { disassemble } from "../disassembly.js";
import type { Output } from "../output.js";
import type { InstructionEvent } from "./trace.js";

/** Prints an instruction once the next one tells which registers it changed. */
export class InstructionTrace {
  readonly #vm: Vm;
  readonly #output: Output;
  /** Text by slot, of each program met so far. */
  readonly #texts = new Map<string, ReadonlyMap<number, string>>();
  #held: InstructionEvent | undefined;

  constructor(vm: Vm, output: Output) {
    this.#vm = vm;
    this.#output = output;
  }

  take(event: InstructionEvent): void {
    this.flush(event.registers);
    this.#held = event;
  }

  /** Prints the instruction held back, with the registers that are others `now`, as far as they are known. */
  flush(now: readonly bigint[] = []): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    const { program, slot, registers } = held;
    const text = this.#text(program, slot);
    const changed = now.flatMap((value, index) => (value === registers[index] ? [] : [[`r${index}`, value] as const]));
    if (this.#output.json) {
      this.#output.object({ trace: "instruction", program, slot, text, changed: Object.fromEntries(changed) });
      return;
    }
    const values = changed.map(([name, value]) => `${name}=0x${value.toString(16)}`).join(" ");
    const line = values === "" ? text : `${text.padEnd(40)} ${this.#output.style("name", values)}`;
    this.#output.line(`${`${program}:${slot}`.padEnd(20)} ${line}`);
  }

  #text(name: string, slot: number): string {
    let texts = this.#texts.get(name);
    if (texts === undefined) {
      const program = this.#vm.programs.find((one) => one.name === name);
      texts = new Map(program === undefined ? [] : disassemble(program).map((line) => [line.slot, line.text]));
      this.#texts.set(name, texts);
    }
    return texts.get(slot) ?? "?";
  }
}
