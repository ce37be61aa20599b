import {
  type CodePages,
  type ExecutableMemory,
  isProgramArray,
  type LinkSet,
  type MapStorage,
  type Program,
  type ProgramArray,
  type ProgramId,
  programId,
  type SharedCode,
} from "@bpfkit/core";
import { type CompiledProgram, compileProgram, type PlacedImage } from "./compile.js";
import { JitError } from "./error.js";
import { Sites, type SitesData } from "./sites.js";
import type { Safety } from "./unit.js";

type NativeEntry = (context: bigint, target: bigint) => unknown;

/** A compiled program in executable pages. */
export interface Unit {
  readonly id: ProgramId;
  readonly compiled: CompiledProgram;
  readonly address: number;
  /** Address of the entry's image. */
  readonly main: bigint;
  readonly pages: CodePages;
  readonly entry: NativeEntry;
  readonly loop: NativeEntry;
}

/** Where a call returns to, or a run's frames end. */
export type ReturnPlace =
  | { readonly unit: Unit; readonly image: PlacedImage; readonly call: PlacedImage["callSites"][number] }
  | "entry";

/** A compiled program in pages of the process, as plain data. */
interface SharedUnit {
  readonly compiled: Omit<CompiledProgram, "program" | "sites">;
  readonly sites: SitesData;
  readonly address: bigint;
  /** Bytes of the pages. */
  readonly size: number;
}

/** The code of a link set for other threads: what `JitLinked.share` gives. */
export interface SharedJitCode extends SharedCode {
  readonly safety: Safety;
  /** 1 while it can be attached to. */
  readonly open: Int32Array;
  /** By the programs' ids. */
  readonly units: readonly SharedUnit[];
  readonly functions: Units["functions"];
  /** By the program array's header: the address of each slot's program. */
  readonly jumpSlots: ReadonlyMap<number, BigUint64Array>;
}

/** A program array as machine code jumps through it: the address of each slot's program, 0 where it is empty. */
interface JumpSlots {
  readonly slots: BigUint64Array;
  readonly address: bigint;
}

/** Larger program arrays are looked up by JavaScript: they are sparse, and a slot takes 8 bytes. */
const MAX_JUMP_SLOTS = 1 << 20;

/** The address of the program in a slot of a program array; 0n where there is none. */
type TargetAt = (index: number) => bigint;

/** How a set is compiled, whichever of its programs. */
export interface UnitOptions {
  readonly safety: Safety;
  readonly bmi2: boolean;
  /** Called for each new memory. @throws {JitError} `NOT_AVAILABLE` where its guards are not what the level needs. */
  prove(): void;
  /** @throws {JitError} `UNVERIFIED` unless the level of safety is allowed for the program. */
  licence(program: Program): void;
}

/** All machine code of a link set. Programs that a change of a program array brings in are compiled then. */
export class Units {
  readonly headers: ReadonlyMap<number, MapStorage>;
  /** Functions whose addresses programs took, by the index in their guest value. */
  readonly functions: { readonly id: number; readonly start: number }[] = [];
  readonly #functionIndices = new Map<string, number>();
  /** The most frames any program of the set may have, as its calls tell. */
  maxDepth = 1;
  readonly #set: LinkSet;
  readonly #native: ExecutableMemory;
  readonly #options: UnitOptions;
  readonly #units: Unit[] = [];
  readonly #ids = new Map<Program, ProgramId>();
  /** By header: the address of each filled slot's program, for machine code and for JavaScript. */
  readonly #jumpSlots = new Map<number, JumpSlots>();
  readonly #targets = new Map<number, TargetAt>();
  readonly #returns = new Map<number, ReturnPlace>();
  readonly #subscriptions: (() => void)[] = [];

  /** `code`: what another thread compiled of the same set. */
  constructor(set: LinkSet, native: ExecutableMemory, options: UnitOptions, code?: SharedJitCode) {
    this.#set = set;
    this.#native = native;
    this.#options = options;
    this.headers = new Map([...set.maps.values()].map((map) => [map.header as number, map]));
    if (code !== undefined) {
      this.#attach(code);
      return;
    }
    try {
      for (const program of set.programs) this.add(program);
      for (const map of set.maps.values()) if (isProgramArray(map)) this.#follow(map);
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  #attach({ units, functions, jumpSlots }: SharedJitCode): void {
    this.functions.push(...functions);
    for (const [number, { compiled, sites, address, size }] of units.entries()) {
      const program = this.#set.programs[number]!;
      const whole = { ...compiled, program, sites: new Sites(sites) };
      this.#take(programId(number), program, whole, this.#native.attach(address, size));
    }
    for (const [header, slots] of jumpSlots) this.#targets.set(header, targetAtSlots(slots));
  }

  /** What other threads need to run the same code. @throws {JitError} `NOT_SHARED` for a program array that is too large. */
  share(): Pick<SharedJitCode, "units" | "functions" | "jumpSlots"> {
    const jumpSlots = new Map([...this.#jumpSlots].map(([header, { slots }]) => [header, slots]));
    for (const header of this.#targets.keys()) {
      if (jumpSlots.has(header)) continue;
      const { name } = this.headers.get(header)!.spec;
      throw new JitError("NOT_SHARED", `map ${name}: a program array of over ${MAX_JUMP_SLOTS} slots cannot be shared`);
    }
    const units = this.#units.map(({ compiled, pages: { address, size } }) => {
      const { program: _, sites, ...plain } = compiled;
      return { compiled: plain, sites: sites.data(), address, size };
    });
    return { units, functions: this.functions, jumpSlots };
  }

  /** Compiles a program, once. @throws {JitError} as `compileProgram`, and `UNVERIFIED`. */
  add(program: Program): ProgramId {
    const known = this.#ids.get(program);
    if (known !== undefined) return known;
    this.#options.licence(program);
    const id = programId(this.#units.length);
    const compiled = compileProgram(program, {
      safety: this.#options.safety,
      bmi2: this.#options.bmi2,
      maps: this.#set.maps,
      helpers: this.#set.helpers,
      helperName: this.#set.helperName,
      profile: this.#set.profile,
      cells: this.#set.effects.cells,
      sharedMemory: this.#set.memory.views.i64 !== undefined,
      id,
      jumpSlots: (array) => this.#slotsOf(array)?.address,
      functionIndex: (start) => this.#functionIndex(id, start),
    });
    const pages = this.#native.reserve(compiled.bytes.length);
    pages.seal(compiled.bytes);
    this.#take(id, program, compiled, pages);
    return id;
  }

  #take(id: ProgramId, program: Program, compiled: CompiledProgram, pages: CodePages): void {
    this.#units.push(this.#unit(id, compiled, pages));
    this.#ids.set(program, id);
    this.maxDepth = Math.max(this.maxDepth, compiled.images[0]!.plan.depth);
  }

  #unit(id: ProgramId, compiled: CompiledProgram, pages: CodePages): Unit {
    const { stubs } = compiled;
    const unit: Unit = {
      id,
      compiled,
      address: Number(pages.address),
      main: pages.address + BigInt(compiled.images[0]!.at),
      pages,
      entry: pages.entry(stubs.entry, "i32"),
      loop: pages.entry(stubs.loop, "i32"),
    };
    for (const at of stubs.returns) this.#returns.set(unit.address + at, "entry");
    for (const image of compiled.images) {
      for (const call of image.callSites) this.#returns.set(unit.address + image.at + call.at, { unit, image, call });
    }
    return unit;
  }

  #functionIndex(id: ProgramId, start: number): number {
    const key = `${id}:${start}`;
    const known = this.#functionIndices.get(key);
    if (known !== undefined) return known;
    const index = this.functions.push({ id, start }) - 1;
    this.#functionIndices.set(key, index);
    return index;
  }

  #slotsOf(array: ProgramArray): JumpSlots | undefined {
    const known = this.#jumpSlots.get(array.header);
    if (known !== undefined || array.spec.maxEntries > MAX_JUMP_SLOTS) return known;
    // Shared memory, so that a store is one aligned 8-byte write whoever else may be jumping.
    const slots = new BigUint64Array(new SharedArrayBuffer(array.spec.maxEntries * 8));
    const made: JumpSlots = { slots, address: this.#native.addressOf(slots) };
    this.#jumpSlots.set(array.header, made);
    return made;
  }

  #follow(array: ProgramArray): void {
    const slots = this.#slotsOf(array)?.slots;
    const targets = new Map<number, bigint>();
    this.#targets.set(array.header, slots === undefined ? (index) => targets.get(index) ?? 0n : targetAtSlots(slots));
    const put = (index: number, program: Program | undefined): void => {
      const target = program === undefined ? 0n : this.#tailEntry(this.add(program));
      if (slots === undefined) targets.set(index, target);
      else Atomics.store(slots, index, target);
    };
    for (const [index, program] of array.programs()) put(index, program);
    this.#subscriptions.push(array.onChange(put));
  }

  /** Where a tail call enters a program: behind the prologue of its entry. */
  #tailEntry(id: ProgramId): bigint {
    const unit = this.unit(id);
    const image = imageAt(unit, 0);
    return BigInt(unit.address + image.at + image.afterPrologue);
  }

  /** What the program array behind a map header holds; undefined where there is none. */
  targetsAt(header: number): TargetAt | undefined {
    return this.#targets.get(header);
  }

  /** @throws {JitError} `NO_SUCH_PROGRAM`. */
  unit(id: number): Unit {
    const unit = this.#units[id];
    if (unit !== undefined) return unit;
    throw new JitError("NO_SUCH_PROGRAM", `the set has ${this.#units.length} programs, none with id ${id}`);
  }

  idOf(program: Program): ProgramId | undefined {
    return this.#ids.get(program);
  }

  returnAt(address: number): ReturnPlace | undefined {
    return this.#returns.get(address);
  }

  /** @throws {JitError} as `UnitOptions.prove`. */
  prove(): void {
    this.#options.prove();
  }

  addressOf(data: ArrayBufferView): bigint {
    return this.#native.addressOf(data);
  }

  dispose(): void {
    for (const stop of this.#subscriptions.splice(0)) stop();
    for (const { pages } of this.#units.splice(0)) pages.free();
  }
}

function targetAtSlots(slots: BigUint64Array): TargetAt {
  return (index) => (index < slots.length ? Atomics.load(slots, index) : 0n);
}

/** The image of a function by the slot it begins at. */
export function imageAt(unit: Unit, start: number): PlacedImage {
  return unit.compiled.images.find((image) => image.start === start)!;
}
