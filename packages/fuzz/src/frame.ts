import type { InstructionName } from "@bpfkit/isa";
import { type Label, type Mark, type Operands, type Step, step } from "./code.js";
import type { Random } from "./random.js";

/**
 * What a register or a byte of stack holds. `safe`: a number that is the same on every engine. `tainted`: a number made
 * from an address, the clock or the like, which must reach no result, map, packet or branch. `pointer`: an address.
 * `none`: nothing that may be read.
 */
export type Content = "none" | "safe" | "tainted" | "pointer";

/** Memory that statements may load from and store to: `size` bytes at `register + offset`. */
export interface Window {
  readonly register: number;
  readonly offset: number;
  readonly size: number;
  /** Atomic operations are refused on packets. */
  readonly atomics: boolean;
  readonly writable: boolean;
  /** Of a packet: where the context has its end. */
  readonly packetEnd?: number;
}

/** What is known at one point of a function. */
export interface Knowledge {
  registers: Content[];
  /** By distance below the frame's top: byte `k` is at r10 - 1 - k. */
  stack: Content[];
}

/** Numbers by which programs differ most: boundaries of every width, and small ones. */
const EDGES = [
  0, 1, -1, 2, 7, 8, 31, 32, 63, 64, 127, 128, 255, 256, 0x7fff, 0x8000, -0x8000, 0xffff, 0x7fffffff, -0x80000000,
];

/** r0 to r9; r10 is read-only. */
const GENERAL = 10;

/**
 * One function under construction: its code so far, and what its registers and stack hold there. It is state, and the
 * statements are functions over it.
 */
export class Frame {
  readonly random: Random;
  /** Bytes of stack this function may use; a multiple of 8. */
  readonly stackBytes: number;
  readonly items: (Step | Mark)[] = [];
  readonly #labels: { next: Label };
  knowledge: Knowledge;
  /** Registers that statements must leave alone: pointers in use, loop counters, the context. */
  readonly locked: Set<number> = new Set();
  /** Locked registers that hold numbers: those that count loops. */
  readonly counters: number[] = [];
  /** Memory beside the stack that is there right now. */
  readonly windows: Window[] = [];
  /** Instructions that may still be added, roughly. */
  budget: number;
  loops = 0;
  /** Blocks that hold pointers a call would take away. */
  held = 0;

  constructor(random: Random, labels: { next: Label }, stackBytes: number, budget: number) {
    this.random = random;
    this.#labels = labels;
    this.stackBytes = stackBytes;
    this.budget = budget;
    const registers = Array.from({ length: GENERAL + 1 }, (): Content => "none");
    registers[10] = "pointer";
    this.knowledge = { registers, stack: Array.from({ length: stackBytes }, (): Content => "none") };
  }

  emit(name: InstructionName, operands: Operands = {}): void {
    this.items.push(step(name, operands));
    this.budget--;
  }

  label(): Label {
    return this.#labels.next++;
  }

  place(label: Label): void {
    this.items.push({ label });
  }

  content(register: number): Content {
    return this.knowledge.registers[register]!;
  }

  set(register: number, content: Content): void {
    this.knowledge.registers[register] = content;
  }

  /** A register holding a safe number; makes one if there is none. */
  safe(except: readonly number[] = []): number {
    const found = this.#with("safe", except);
    return found.length > 0 ? this.random.pick(found) : this.fresh(except);
  }

  /** Every register that holds a safe number and is not locked. */
  safeRegisters(): number[] {
    return this.#with("safe", []);
  }

  /** A register holding any number. */
  scalar(except: readonly number[] = []): number {
    const tainted = this.#with("tainted", except);
    return tainted.length > 0 && this.random.chance(0.15) ? this.random.pick(tainted) : this.safe(except);
  }

  /** A register that may be overwritten. */
  free(except: readonly number[] = []): number {
    return this.random.pick(this.#general().filter((register) => !except.includes(register)));
  }

  /** A register that survives calls and may be overwritten; undefined where all are in use. */
  freeSaved(): number | undefined {
    const saved = [6, 7, 8, 9].filter((register) => !this.locked.has(register));
    return saved.length === 0 ? undefined : this.random.pick(saved);
  }

  /** A register set to a new safe number. */
  fresh(except: readonly number[] = []): number {
    const register = this.free(except);
    this.emit("mov64Imm", { dst: register, imm: this.number() });
    this.set(register, "safe");
    return register;
  }

  /** A 32-bit number, often one at a boundary. */
  number(): number {
    return this.random.chance(0.6) ? this.random.pick(EDGES) : this.random.word() | 0;
  }

  /** Calls leave r0 set and r1 to r5 unreadable. */
  afterCall(result: Content): void {
    for (let register = 1; register <= 5; register++) this.set(register, "none");
    this.set(0, result);
  }

  /** What `size` bytes from r10 - `below` on hold together. */
  stackContent(below: number, size: number): Content {
    const bytes = this.knowledge.stack.slice(below - size, below);
    return bytes.reduce((a, b) => join(a, b), "safe" as Content);
  }

  setStack(below: number, size: number, content: Content): void {
    this.knowledge.stack.fill(content, below - size, below);
  }

  /** A place for `size` bytes on the stack, aligned to it: how far below r10 it begins. */
  stackPlace(size: number): number {
    return size * this.random.integer(1, Math.floor(this.stackBytes / size));
  }

  snapshot(): Knowledge {
    return { registers: [...this.knowledge.registers], stack: [...this.knowledge.stack] };
  }

  /** What is known where two ways meet. */
  meet(other: Knowledge): void {
    const { registers, stack } = this.knowledge;
    this.knowledge = {
      registers: registers.map((content, i) => (i === 10 ? content : join(content, other.registers[i]!))),
      stack: stack.map((content, i) => join(content, other.stack[i]!)),
    };
    // A register that holds the same pointer on both ways is locked, and keeps it.
    for (const register of this.locked) this.set(register, other.registers[register]!);
  }

  #general(): number[] {
    return Array.from({ length: GENERAL }, (_, i) => i).filter((register) => !this.locked.has(register));
  }

  #with(content: Content, except: readonly number[]): number[] {
    return this.#general().filter((r) => this.content(r) === content && !except.includes(r));
  }
}

function join(a: Content, b: Content): Content {
  if (a === b) return a;
  if (a === "none" || b === "none" || a === "pointer" || b === "pointer") return "none";
  return "tainted";
}
