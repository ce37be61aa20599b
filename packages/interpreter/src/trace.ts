import type { FrameInfo, RunOptions } from "@bpfkit/core";
import { currentFrame } from "./fault.js";
import { CALLBACK, FRAME_WORDS } from "./layout.js";
import { getRegister, type Machine } from "./machine.js";
import { EXITED, FAULTED } from "./status.js";

/** r0–r10 of a machine, unsigned. */
export function registersOf(machine: Machine): bigint[] {
  return Array.from({ length: 11 }, (_, index) => getRegister(machine.registers, index));
}

/** What the tracer keeps of the machine while an instruction runs. */
interface Before {
  readonly frame: FrameInfo;
  readonly fp: number;
  readonly tailCalls: number;
  readonly missed: number;
  readonly callbacks: number;
  /** The helper's own result may take its place when a callback ends. */
  readonly r0: bigint;
}

/**
 * Tells hooks what each instruction did to the frames, by comparing the machine before and after it. The dispatch loop
 * knows nothing of this: a traced run is one that gets its fuel by ones. A fault ends it without pops.
 */
export class Tracer {
  readonly #machine: Machine;
  readonly #onFrame: RunOptions["onFrame"];
  readonly #onInstruction: RunOptions["onInstruction"];
  #before: Before;

  constructor(machine: Machine, { onFrame, onInstruction }: RunOptions) {
    this.#machine = machine;
    this.#onFrame = onFrame;
    this.#onInstruction = onInstruction;
    this.#before = this.#state();
  }

  #state(): Before {
    const { fp, tailCalls, missedTailCalls: missed, callbacks } = this.#machine;
    const r0 = getRegister(this.#machine.registers, 0);
    return { frame: currentFrame(this.#machine), fp, tailCalls, missed, callbacks, r0 };
  }

  /** The entry's frame. */
  begin(): void {
    this.#onFrame?.({ kind: "push", frame: currentFrame(this.#machine), depth: 1, callback: false });
  }

  before(): void {
    this.#before = this.#state();
    const { program, slot } = this.#before.frame;
    this.#onInstruction?.({ kind: "instruction", program, slot, registers: registersOf(this.#machine) });
  }

  after(status: number): void {
    const { frame, fp, tailCalls, missed, callbacks } = this.#before;
    const machine = this.#machine;
    const depth = fp / FRAME_WORDS + 1;
    if (status === FAULTED) return;
    if (status === EXITED) this.#pop(frame, depth);
    else if (machine.tailCalls > tailCalls) this.#tailCall(frame, depth);
    else if (machine.missedTailCalls > missed) this.#missed(frame);
    else if (machine.fp < fp) this.#pop(frame, depth);
    else if (machine.fp > fp) this.#push(depth + 1);
    else if (machine.callbacks > callbacks) {
      this.#pop(frame, depth);
      this.#push(depth);
    }
  }

  #push(depth: number): void {
    const machine = this.#machine;
    const callback = machine.frames[machine.fp] === CALLBACK;
    this.#onFrame?.({ kind: "push", frame: currentFrame(machine), depth, callback });
  }

  #pop(frame: FrameInfo, depth: number): void {
    this.#onFrame?.({ kind: "pop", frame, depth, r0: this.#before.r0 });
  }

  #tailCall(from: FrameInfo, depth: number): void {
    const machine = this.#machine;
    const { map, index } = machine.lastTailCall;
    const to = currentFrame(machine);
    this.#onFrame?.({ kind: "tail-call", from, to, depth, map, index, count: machine.tailCallCount });
  }

  #missed(frame: FrameInfo): void {
    const { map, index, missed } = this.#machine.lastTailCall;
    if (missed !== undefined) this.#onFrame?.({ kind: "missed-tail-call", frame, map, index, reason: missed });
  }
}
