import type { MapId, MapSpec, Program, ProgramArray } from "@bpfkit/core";
import { KernelError } from "./error.js";
import { KernelMap } from "./map.js";

/** What a program array needs of its set: programs are put into slots by their descriptors. */
export interface ProgramLoader {
  /** The descriptor of a program, loading it at the first question. */
  descriptorOf(program: Program): number;
}

type Listener = (index: number, program: Program | undefined) => void;

/** A program array of the running kernel. Its owner rules are the kernel's own answers. */
export class KernelProgramArray extends KernelMap implements ProgramArray {
  readonly #loader: ProgramLoader;
  readonly #programs: Map<number, Program> = new Map();
  readonly #listeners: Set<Listener> = new Set();

  constructor(spec: MapSpec, id: MapId, descriptor: number, closed: () => void, loader: ProgramLoader) {
    super(spec, id, descriptor, closed);
    this.#loader = loader;
  }

  programAt(index: number): Program | undefined {
    return this.#programs.get(index);
  }

  programs(): readonly (readonly [index: number, program: Program])[] {
    return [...this.#programs].sort(([one], [other]) => one - other);
  }

  setProgram(index: number, program: Program, flags = 0): void {
    const descriptor = this.#loader.descriptorOf(program);
    super.set(word(index), word(descriptor), flags);
    this.#programs.set(index, program);
    this.#tell(index, program);
  }

  deleteProgram(index: number): void {
    super.delete(word(index));
    this.#programs.delete(index);
    this.#tell(index, undefined);
  }

  /** Loads the program, at which the kernel sets or checks the owner. What its verifier says is another question. */
  bindOwner(program: Program): void {
    try {
      this.#loader.descriptorOf(program);
    } catch (error) {
      if (!(error instanceof KernelError && error.code === "REJECTED")) throw error;
    }
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  override delete(key: Uint8Array): void {
    this.deleteProgram(new DataView(key.buffer, key.byteOffset).getUint32(0, true));
  }

  #tell(index: number, program: Program | undefined): void {
    for (const listener of this.#listeners) listener(index, program);
  }
}

/** @throws {KernelError} `E2BIG` for what is no 32-bit index. */
function word(value: number): Uint8Array {
  if (value !== value >>> 0) throw new KernelError("E2BIG", `an index has 32 bits and no sign; ${value} does not fit`);
  return new Uint8Array(Uint32Array.of(value).buffer);
}
