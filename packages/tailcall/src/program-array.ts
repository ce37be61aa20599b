import type { GuestMemory, MapId, MapSpec, Program, ProgramArray, Region, SharedMap } from "@bpfkit/core";
import { encodeMapHeader, MAP_HEADER_BYTES } from "@bpfkit/core";
import { wordOf } from "./attached-array.js";
import { TailcallError, type TailcallErrorCode } from "./error.js";
import { type Owner, ownerMismatch, ownerOf } from "./owner.js";

/** `BPF_MAP_TYPE_PROG_ARRAY`. */
const PROG_ARRAY = 3;
const BPF_F_NUMA_NODE = 1 << 2;
const BPF_F_RDONLY = 1 << 3;
const BPF_F_WRONLY = 1 << 4;

/** Most slots of an array that other threads see: they lie side by side, filled or not. */
const MAX_SHARED_SLOTS = 1 << 20;

/** What a program array needs of its surroundings. */
export interface ProgramArrayOptions {
  readonly id: MapId;
  /** Its header is reserved here. */
  readonly memory: GuestMemory;
  /** A program's id as a lookup from user space gives it: unsigned 32 bits, not 0. */
  readonly programId: (program: Program) => number;
}

type Listener = (index: number, program: Program | undefined) => void;

/**
 * Makes an empty program array.
 * @throws {TailcallError} `EINVAL` unless key and value are 4 bytes, there is an entry, and the flags are ones it may have.
 */
export function createProgramArray(spec: MapSpec, options: ProgramArrayOptions): ProgramArray {
  checkSpec(spec);
  return new LocalProgramArray(spec, options);
}

function checkSpec({ name, type, keySize, valueSize, maxEntries, flags }: MapSpec): void {
  const refuse = (what: string): never => {
    throw new TailcallError("EINVAL", `map ${name}: ${what}`);
  };
  if (type !== "prog_array") refuse(`a program array is of type prog_array, not ${type}`);
  if (keySize !== 4) refuse(`a program array's keys have 4 bytes, not ${keySize}`);
  if (valueSize !== 4) refuse(`a program array's values have 4 bytes, not ${valueSize}`);
  if (!Number.isInteger(maxEntries) || maxEntries < 1 || maxEntries > 2 ** 32 - 1)
    refuse(`a program array has 1 to 4294967295 entries, not ${maxEntries}`);
  const known = (flags & ~(BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY)) === 0;
  const readAndWriteOnly = (flags & BPF_F_RDONLY) !== 0 && (flags & BPF_F_WRONLY) !== 0;
  if (!known || readAndWriteOnly) refuse(`a program array takes no flags 0x${(flags >>> 0).toString(16)}`);
}

class LocalProgramArray implements ProgramArray {
  readonly spec: MapSpec;
  readonly id: MapId;
  readonly header: Region["start"];
  readonly #options: ProgramArrayOptions;
  readonly #region: Region;
  /** By index; most arrays are sparse, and an array says how large it may get, not how large it is. */
  readonly #slots = new Map<number, Program>();
  readonly #listeners = new Set<Listener>();
  #owner: Owner | undefined;
  /** What other threads see, once it is shared. */
  #shared: { readonly cells: Int32Array; readonly numbers: ReadonlyMap<Program, number> } | undefined;

  constructor(spec: MapSpec, options: ProgramArrayOptions) {
    const { memory, id } = options;
    this.spec = spec;
    this.id = id;
    this.#options = options;
    this.#region = memory.reserve(`the header of map \`${spec.name}\``, MAP_HEADER_BYTES, "read");
    this.header = this.#region.start;
    memory.views.u8.set(encodeMapHeader(PROG_ARRAY, spec, id), this.header);
  }

  programAt(index: number): Program | undefined {
    return this.#slots.get(index);
  }

  programs(): readonly (readonly [index: number, program: Program])[] {
    return [...this.#slots].sort(([one], [other]) => one - other);
  }

  setProgram(index: number, program: Program, flags = 0): void {
    this.#refuseIf(BPF_F_RDONLY, "BPF_F_RDONLY");
    if (flags !== 0) throw this.#error("EINVAL", `a slot is set with flags 0 (BPF_ANY), not ${flags}`);
    this.#checkIndex(index);
    this.bindOwner(program);
    this.#change(index, program);
  }

  deleteProgram(index: number): void {
    this.#refuseIf(BPF_F_RDONLY, "BPF_F_RDONLY");
    this.#checkIndex(index);
    if (!this.#slots.has(index)) throw this.#error("ENOENT", `slot ${index} is empty`);
    this.#change(index, undefined);
  }

  bindOwner(program: Program): void {
    const mismatch = this.#owner === undefined ? undefined : ownerMismatch(this.#owner, program);
    if (mismatch !== undefined)
      throw this.#error("EINVAL", `program ${program.name} does not belong in it: ${mismatch}`);
    this.#owner ??= ownerOf(program);
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The program's id in 4 bytes, little endian; undefined for an empty slot and past the end. */
  get(key: Uint8Array): Uint8Array | undefined {
    this.#refuseIf(BPF_F_WRONLY, "BPF_F_WRONLY");
    const program = this.#slots.get(this.#indexOf(key));
    if (program === undefined) return undefined;
    return wordOf(this.#options.programId(program));
  }

  /** Always refused: the kernel takes a file descriptor here, for which there is no such thing; `setProgram` is the way. */
  set(): never {
    throw this.#error("EINVAL", "bytes name no program; use setProgram");
  }

  delete(key: Uint8Array): void {
    this.deleteProgram(this.#indexOf(key));
  }

  /** Every index, filled or not, as the kernel walks it. */
  *keys(): Iterable<Uint8Array> {
    for (let index = 0; index < this.spec.maxEntries; index++) yield wordOf(index);
  }

  /**
   * From now on it holds only programs of these, by their place. Other threads see a change with their next tail call.
   * @throws {TailcallError} `NOT_SHARED` for more than 1,048,576 slots, for a program it holds that is none of these, and where
   * it is shared already.
   */
  share(programs: readonly Program[]): SharedMap {
    const { spec, id } = this;
    if (spec.maxEntries > MAX_SHARED_SLOTS)
      throw this.#error("NOT_SHARED", `it has ${spec.maxEntries} slots; at most ${MAX_SHARED_SLOTS} can be shared`);
    if (this.#shared !== undefined) throw this.#error("NOT_SHARED", "it is shared already");
    const cells = new Int32Array(new SharedArrayBuffer(4 * spec.maxEntries));
    const shared = { cells, numbers: new Map(programs.map((program, place) => [program, place + 1])) };
    for (const [index, program] of this.#slots) cells[index] = this.#numberIn(shared.numbers, program);
    this.#shared = shared;
    return { spec, id, regions: [this.#region], slots: cells };
  }

  #numberIn(numbers: ReadonlyMap<Program, number>, program: Program): number {
    const number = numbers.get(program);
    if (number !== undefined) return number;
    throw this.#error("NOT_SHARED", `program ${program.name} is not among those that other threads share`);
  }

  dispose(): void {
    this.#listeners.clear();
    this.#slots.clear();
    this.#options.memory.release(this.#region);
  }

  /** A listener that throws refuses the change: the slot is as it was, also for listeners that were told already. */
  #change(index: number, program: Program | undefined): void {
    const before = this.#slots.get(index);
    if (program !== undefined && this.#shared !== undefined) this.#numberIn(this.#shared.numbers, program);
    this.#put(index, program);
    const told: Listener[] = [];
    try {
      for (const listener of this.#listeners) {
        told.push(listener);
        listener(index, program);
      }
    } catch (error) {
      this.#put(index, before);
      told.pop();
      for (const listener of told) listener(index, before);
      throw error;
    }
  }

  #put(index: number, program: Program | undefined): void {
    if (program === undefined) this.#slots.delete(index);
    else this.#slots.set(index, program);
    if (this.#shared === undefined) return;
    const { cells, numbers } = this.#shared;
    Atomics.store(cells, index, program === undefined ? 0 : this.#numberIn(numbers, program));
  }

  #refuseIf(flag: number, name: string): void {
    if ((this.spec.flags & flag) !== 0) throw this.#error("EPERM", `it was created with ${name}`);
  }

  #checkIndex(index: number): void {
    const { maxEntries } = this.spec;
    if (index >= maxEntries) throw this.#error("E2BIG", `index ${index} is past the last, ${maxEntries - 1}`);
    if (!Number.isInteger(index) || index < 0) throw this.#error("EINVAL", `${index} is no index`);
  }

  #indexOf(key: Uint8Array): number {
    if (key.length !== 4) throw this.#error("EINVAL", `a key has 4 bytes, not ${key.length}`);
    return new DataView(key.buffer, key.byteOffset, 4).getUint32(0, true);
  }

  #error(code: TailcallErrorCode, what: string): TailcallError {
    return new TailcallError(code, `map ${this.spec.name}: ${what}`);
  }
}
