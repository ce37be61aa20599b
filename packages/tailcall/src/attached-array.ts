import type { MapId, MapSpec, Program, ProgramArray, SharedMap, SharedSlots } from "@bpfkit/core";
import { TailcallError } from "./error.js";

/**
 * A program array that another thread made and shared: what it holds at any time, for reading. `programs`: those it was shared
 * with, in the same order; `programId` as in `createProgramArray`.
 */
export function attachProgramArray(
  shared: SharedMap,
  programs: readonly Program[],
  programId: (program: Program) => number,
): ProgramArray {
  return new AttachedProgramArray(shared, programs, programId);
}

class AttachedProgramArray implements ProgramArray {
  readonly spec: MapSpec;
  readonly id: MapId;
  readonly header: ProgramArray["header"];
  readonly sharedSlots: SharedSlots;
  readonly #programId: (program: Program) => number;

  constructor(
    { spec, id, regions, slots }: SharedMap,
    programs: readonly Program[],
    programId: (p: Program) => number,
  ) {
    this.spec = spec;
    this.id = id;
    this.header = regions[0]!.start;
    this.sharedSlots = { cells: slots!, programs };
    this.#programId = programId;
  }

  programAt(index: number): Program | undefined {
    const { cells, programs } = this.sharedSlots;
    return index >= 0 && index < cells.length ? programs[Atomics.load(cells, index) - 1] : undefined;
  }

  programs(): readonly (readonly [index: number, program: Program])[] {
    return Array.from(this.sharedSlots.cells, (_, index) => [index, this.programAt(index)] as const).filter(
      (slot): slot is readonly [number, Program] => slot[1] !== undefined,
    );
  }

  setProgram(): never {
    throw this.#readOnly();
  }

  deleteProgram(): never {
    throw this.#readOnly();
  }

  /** The thread that made the array bound its owner. */
  bindOwner(): void {}

  onChange(): () => void {
    return () => {};
  }

  get(key: Uint8Array): Uint8Array | undefined {
    if (key.length !== 4) throw this.#error("EINVAL", `a key has 4 bytes, not ${key.length}`);
    const program = this.programAt(new DataView(key.buffer, key.byteOffset, 4).getUint32(0, true));
    return program === undefined ? undefined : wordOf(this.#programId(program));
  }

  set(): never {
    throw this.#readOnly();
  }

  delete(): never {
    throw this.#readOnly();
  }

  *keys(): Iterable<Uint8Array> {
    for (let index = 0; index < this.spec.maxEntries; index++) yield wordOf(index);
  }

  #readOnly(): TailcallError {
    return this.#error("EPERM", "only the thread that made it may change it");
  }

  #error(code: "EINVAL" | "EPERM", what: string): TailcallError {
    return new TailcallError(code, `map ${this.spec.name}: ${what}`);
  }
}

/** 4 bytes, little endian. */
export function wordOf(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
