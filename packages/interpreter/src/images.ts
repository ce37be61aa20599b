import {
  type HelperImplementation,
  isProgramArray,
  type LinkSet,
  type MapStorage,
  type Program,
  type ProgramArray,
  type ProgramId,
  programId,
} from "@bpfkit/core";
import { InterpreterError } from "./error.js";
import { Numbered } from "./numbered.js";
import { prepare } from "./prepare.js";

/** A program's place in the set's code. */
export interface Image {
  readonly program: Program;
  /** Word index of its first slot. */
  readonly base: number;
  /** Word index behind its last. */
  readonly end: number;
}

/** A helper that is called, unlike those the engine does itself. */
export type CalledHelper = Exclude<HelperImplementation, { kind: "intrinsic" }>;

/** A program array as the engine jumps through it. */
export interface JumpTable {
  readonly array: ProgramArray;
  /** The entry of a slot's program, as the array is now; undefined for an empty slot. */
  entryAt(index: number): number | undefined;
}

/**
 * All prepared code of a link set in one array, so that calls, tail calls and returns need no more than a word index.
 * Programs that a change of a program array brings in are appended; what is there keeps its place.
 */
export class Images {
  code: Int32Array = new Int32Array(0);
  /** Entry points of functions whose addresses programs took; a function's guest value holds its number. */
  readonly functions: Numbered<number> = new Numbered();
  /** Why instructions cannot be carried out. */
  readonly reasons: Numbered<string> = new Numbered();
  readonly helpers: Numbered<CalledHelper> = new Numbered();
  readonly #set: LinkSet;
  readonly #images: Image[] = [];
  readonly #ids = new Map<Program, ProgramId>();
  /** By header. The set may get more maps while it is linked: an object added to a VM. */
  readonly #maps = new Map<number, MapStorage>();
  readonly #tables = new Map<number, JumpTable>();
  readonly #subscriptions: (() => void)[] = [];
  #end = 0;

  /** @throws {InterpreterError} as `prepare`. */
  constructor(set: LinkSet) {
    this.#set = set;
    try {
      for (const program of set.programs) this.add(program);
      this.#takeMaps();
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** Prepares a program and appends it, once. @throws {InterpreterError} as `prepare`. */
  add(program: Program): ProgramId {
    const known = this.#ids.get(program);
    if (known !== undefined) return known;
    const base = this.#end;
    const { maps, helpers, helperName = () => undefined, memory } = this.#set;
    const words = prepare(program, {
      maps,
      helpers,
      helperName,
      shared: memory.views.i64 !== undefined,
      base,
      functionNumber: (pc) => this.functions.numberOf(pc),
      helperNumber: (helper) => this.helpers.numberOf(helper),
      reasonNumber: (text) => this.reasons.numberOf(text),
    });
    this.#append(words);
    const id = programId(this.#images.length);
    this.#images.push({ program, base, end: this.#end });
    this.#ids.set(program, id);
    return id;
  }

  /** A run under way keeps the array it has, in which all it has come to so far is at the same place. */
  #append(words: Int32Array): void {
    const base = this.#end;
    this.#end += words.length;
    if (this.#end > this.code.length) {
      const longer = new Int32Array(Math.max(this.#end, 2 * this.code.length));
      longer.set(this.code);
      this.code = longer;
    }
    this.code.set(words, base);
  }

  idOf(program: Program): ProgramId | undefined {
    return this.#ids.get(program);
  }

  /** @throws {InterpreterError} `NO_SUCH_PROGRAM`. */
  image(id: ProgramId): Image {
    const image = this.#images[id];
    if (image === undefined)
      throw new InterpreterError("NO_SUCH_PROGRAM", `the set has ${this.#images.length} programs, none with id ${id}`);
    return image;
  }

  /** The image that holds a word index. */
  imageAt(pc: number): Image {
    return this.#images.find(({ end }) => pc < end)!;
  }

  /** The map of the set with a header at an address. @throws {InterpreterError} as `tableAt`. */
  mapAt(header: number): MapStorage | undefined {
    if (!this.#maps.has(header)) this.#takeMaps();
    return this.#maps.get(header);
  }

  /** The table of a program array of the set. @throws {InterpreterError} as `prepare`, for a program in one that is new. */
  tableAt(header: number): JumpTable | undefined {
    if (!this.#tables.has(header)) this.#takeMaps();
    return this.#tables.get(header);
  }

  /** Takes in maps the set has now. */
  #takeMaps(): void {
    for (const map of this.#set.maps.values()) {
      if (this.#maps.has(map.header)) continue;
      if (isProgramArray(map)) this.#follow(map);
      this.#maps.set(map.header, map);
    }
  }

  #entryOf(program: Program): number {
    return this.image(this.add(program)).base;
  }

  /** Follows what a program array holds: the entry of each slot's program. */
  #follow(array: ProgramArray): void {
    const { sharedSlots } = array;
    if (sharedSlots === undefined) this.#followChanges(array);
    else {
      const { cells, programs } = sharedSlots;
      const entries = programs.map((program) => this.#entryOf(program));
      this.#tables.set(array.header, { array, entryAt: (index) => entries[Atomics.load(cells, index) - 1] });
    }
  }

  #followChanges(array: ProgramArray): void {
    const entries = new Map(array.programs().map(([index, program]) => [index, this.#entryOf(program)]));
    this.#tables.set(array.header, { array, entryAt: (index) => entries.get(index) });
    const stop = array.onChange((index, program) => {
      if (program === undefined) entries.delete(index);
      else entries.set(index, this.#entryOf(program));
    });
    this.#subscriptions.push(stop);
  }

  dispose(): void {
    for (const stop of this.#subscriptions) stop();
  }
}
