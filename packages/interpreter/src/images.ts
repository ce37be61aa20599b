import {
  isProgramArray,
  type LinkSet,
  type MapStorage,
  type Program,
  type ProgramArray,
  type ProgramId,
  programId,
} from "@bpfkit/core";
import { InterpreterError } from "./error.js";
import { EXIT_PC, STRIDE } from "./layout.js";
import { prepare } from "./prepare.js";

/** A program's place in the set's code. */
export interface Image {
  readonly program: Program;
  /** Word index of its first slot. */
  readonly base: number;
  /** Word index behind its last. */
  readonly end: number;
}

/** A program array as the engine jumps through it: the entry of each slot's program, kept up to date by the array. */
export interface JumpTable {
  readonly array: ProgramArray;
  /** By index; what is not there is an empty slot. */
  readonly entries: Map<number, number>;
}

/**
 * All prepared code of a link set in one array, so that calls, tail calls and returns need no more than a word index.
 * Programs that a change of a program array brings in are appended.
 */
export class Images {
  code: Int32Array = new Int32Array(STRIDE);
  /** Entry points of functions whose addresses programs took, by the index in their guest value. */
  readonly functions: number[] = [];
  readonly reasons: string[] = [];
  readonly headers: ReadonlyMap<number, MapStorage>;
  readonly tables: ReadonlyMap<number, JumpTable>;
  readonly #set: LinkSet;
  readonly #images: Image[] = [];
  readonly #ids = new Map<Program, ProgramId>();
  readonly #subscriptions: (() => void)[];

  constructor(set: LinkSet) {
    this.#set = set;
    this.code[EXIT_PC] = 0x95;
    this.headers = new Map([...set.maps.values()].map((map) => [map.header, map]));
    for (const program of set.programs) this.add(program);
    const arrays = [...set.maps.values()].filter(isProgramArray);
    this.tables = new Map(arrays.map((array) => [array.header, this.#tableOf(array)]));
    this.#subscriptions = [...this.tables.values()].map((table) => this.#follow(table));
  }

  /** Prepares a program and appends it, once. @throws {InterpreterError} as `prepare`. */
  add(program: Program): ProgramId {
    const known = this.#ids.get(program);
    if (known !== undefined) return known;
    const base = this.code.length;
    const { maps, helpers, helperName = () => undefined } = this.#set;
    const words = prepare(program, {
      maps,
      helpers,
      helperName,
      base,
      functionIndex: (pc) => indexIn(this.functions, pc),
      reason: (text) => indexIn(this.reasons, text),
    });
    const grown = new Int32Array(base + words.length);
    grown.set(this.code);
    grown.set(words, base);
    this.code = grown;
    const id = programId(this.#images.length);
    this.#images.push({ program, base, end: grown.length });
    this.#ids.set(program, id);
    return id;
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

  /** The image that holds a word index; the first one for the code before it. */
  imageAt(pc: number): Image {
    return this.#images.find(({ end }) => pc < end) ?? this.#images[0]!;
  }

  #tableOf(array: ProgramArray): JumpTable {
    return { array, entries: new Map(array.programs().map(([index, program]) => [index, this.#entryOf(program)])) };
  }

  #entryOf(program: Program): number {
    return this.image(this.add(program)).base;
  }

  #follow({ array, entries }: JumpTable): () => void {
    return array.onChange((index, program) => {
      if (program === undefined) entries.delete(index);
      else entries.set(index, this.#entryOf(program));
    });
  }

  dispose(): void {
    for (const stop of this.#subscriptions) stop();
  }
}

function indexIn<T>(list: T[], item: T): number {
  const index = list.indexOf(item);
  return index >= 0 ? index : list.push(item) - 1;
}
