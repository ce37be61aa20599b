import { FRAME_BYTES, type GuestMemory } from "@bpfkit/core";
import { InterpreterError } from "./error.js";
import { MAX_RUNS, STACK_FRAMES, STACK_STRIDE } from "./layout.js";

/** A stack in guest memory. Frames grow down from its top; those not yet called into are invalid. */
export class Stack {
  readonly #memory: GuestMemory;
  /** One past the first frame. */
  readonly #top: number;
  #open = 0;

  constructor(memory: GuestMemory) {
    const { start, size } = memory.reserve("the stack", STACK_FRAMES * STACK_STRIDE, "none");
    this.#memory = memory;
    this.#top = start + size;
    memory.describe(this.#top - FRAME_BYTES, "the stack frame", FRAME_BYTES, -STACK_STRIDE, STACK_FRAMES);
  }

  /** Frames that are valid. */
  get open(): number {
    return this.#open;
  }

  /** One past the bytes of a frame: its r10. */
  pointerOf(frame: number): number {
    return this.#top - frame * STACK_STRIDE;
  }

  /** Makes the next frame valid; false where there is none. */
  openFrame(): boolean {
    if (this.#open === STACK_FRAMES) return false;
    this.#memory.permit(this.pointerOf(this.#open++) - FRAME_BYTES, FRAME_BYTES, "read-write");
    return true;
  }

  /** Leaves nothing of the frames from one on: no later run may see what was written there. */
  closeFrom(frame: number): void {
    const [low, high] = [this.pointerOf(this.#open), this.pointerOf(frame)];
    this.#memory.permit(low, high - low, "none");
    this.#memory.views.u8.fill(0, low, high);
    this.#open = frame;
  }
}

/** The stacks of one guest memory, which all sets linked in it share. */
export class Stacks {
  static readonly #all = new WeakMap<GuestMemory, Stacks>();
  readonly #memory: GuestMemory;
  readonly #stacks: Stack[] = [];
  /** What runs right now: a run that begins meanwhile does so in one of its helpers. */
  #current: Stack | undefined;
  #runs = 0;

  /** Reserves the first stack, so that runs need not. */
  private constructor(memory: GuestMemory) {
    this.#memory = memory;
    this.#stacks.push(new Stack(memory));
  }

  static of(memory: GuestMemory): Stacks {
    const known = Stacks.#all.get(memory);
    if (known !== undefined) return known;
    const made = new Stacks(memory);
    Stacks.#all.set(memory, made);
    return made;
  }

  /**
   * Gives a new run the first stack that is free, so that addresses do not depend on what ran before; or, where it ends
   * before the run in whose helper it begins goes on, what that one has not used of its own.
   * @throws {InterpreterError} `TOO_MANY_RUNS`; what guest memory throws where it has no room for one more.
   */
  take(lifetime: "nested" | "free"): Stack {
    if (this.#runs === MAX_RUNS) throw new InterpreterError("TOO_MANY_RUNS", `more than ${MAX_RUNS} runs at one time`);
    const shared = lifetime === "nested" ? this.#current : undefined;
    const stack = shared ?? this.#stacks.find(({ open }) => open === 0) ?? this.#add();
    this.#runs++;
    return stack;
  }

  #add(): Stack {
    const stack = new Stack(this.#memory);
    this.#stacks.push(stack);
    return stack;
  }

  /** Takes the frames of a run that ended back. */
  give(stack: Stack, firstFrame: number): void {
    stack.closeFrom(firstFrame);
    this.#runs--;
  }

  /** Carries out a part of a run on its stack. */
  on<T>(stack: Stack, part: () => T): T {
    const previous = this.#current;
    this.#current = stack;
    this.#memory.enterRun();
    try {
      return part();
    } finally {
      this.#memory.leaveRun();
      this.#current = previous;
    }
  }
}
