import { type MapSpec, type Profile, type Program, type Reference, slotIndex } from "@bpfkit/core";
import { build, encode, type Instruction, slotsOf } from "@bpfkit/isa";
import { programFromCode } from "@bpfkit/vm";
import fc from "fast-check";

/** What a generated subprogram does, in order. Numbers choose among what there is. */
type Action =
  /** Calls a later subprogram, `times` in a loop. */
  | { readonly kind: "call"; readonly callee: number; readonly times: number }
  /** Lets a later subprogram store `bytes` down this frame, through a pointer. */
  | { readonly kind: "lend"; readonly callee: number; readonly bytes: number }
  /** A tail call with a known index, or with a random one. */
  | { readonly kind: "tailCall"; readonly index: number | "random" }
  /** Skips the next action: never, always, or at random. */
  | { readonly kind: "skip"; readonly when: "never" | "always" | "random" };

interface GeneratedSubprogram {
  readonly bytes: number;
  readonly actions: readonly Action[];
}

/** A set of programs before it is code: each a list of subprograms, and the slots of one program array. */
export interface GeneratedSet {
  readonly programs: readonly (readonly GeneratedSubprogram[])[];
  readonly slots: readonly (number | undefined)[];
}

export const MAX_ENTRIES = 5;
const index = fc.integer({ min: 0, max: MAX_ENTRIES });
const bytes = fc.constantFrom(0, 1, 8, 16, 40, 64, 100, 128, 200, 240, 257, 512);

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("call" as const), callee: fc.nat(4), times: fc.constantFrom(1, 1, 1, 3) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("lend" as const), callee: fc.nat(4), bytes }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("tailCall" as const),
      index: fc.oneof(index, index, index, fc.constant("random" as const)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("skip" as const),
      when: fc.constantFrom("never" as const, "always" as const, "random" as const),
    }),
  },
);

const subprogram = fc.record({ bytes, actions: fc.array(action, { maxLength: 4 }) });

export const generatedSet: fc.Arbitrary<GeneratedSet> = fc.record({
  programs: fc.array(fc.array(subprogram, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
  slots: fc.array(fc.option(fc.nat(3), { nil: undefined, freq: 4 }), {
    minLength: MAX_ENTRIES,
    maxLength: MAX_ENTRIES,
  }),
});

/** A set as code, and what each frame really holds. */
export interface BuiltSet {
  readonly programs: readonly Program[];
  readonly maps: readonly MapSpec[];
  /** Bytes by program and subprogram. */
  readonly bytes: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

const GET_PRANDOM_U32 = 7;
const TAIL_CALL = 12;

/** Turns a set to code. */
export function buildSet({ programs, slots }: GeneratedSet): BuiltSet {
  const used = new Map<string, Map<string, number>>();
  const built = programs.map((subprograms, at) => {
    const name = `p${at}`;
    const sizes = subprograms.map((one) => one.bytes);
    const code = new Emitter(subprograms, sizes);
    const functions = code.starts.map((slot, number) => ({ slot, name: number === 0 ? name : `${name}_f${number}` }));
    used.set(name, new Map(functions.map((one, number) => [one.name, sizes[number]!])));
    return programFromCode(code.bytes(), { name, type: "xdp", functions, references: code.references });
  });
  const members = slots.flatMap((program, at) =>
    program === undefined ? [] : [{ index: at, of: "program" as const, name: `p${program % programs.length}` }],
  );
  const array = { name: "jumps", type: "prog_array", keySize: 4, valueSize: 4, maxEntries: MAX_ENTRIES, flags: 0 };
  return { programs: built, maps: [{ ...array, slots: members }], bytes: used };
}

/** Writes the subprograms of one program one after the other. */
class Emitter {
  readonly starts: number[] = [];
  readonly references: Reference[] = [];
  readonly #code: Instruction[] = [];
  readonly #calls: { readonly at: number; readonly slot: number; readonly callee: number }[] = [];
  #slot = 0;

  /** `sizes` is corrected where a callee stores further down a frame than its own code. */
  constructor(subprograms: readonly GeneratedSubprogram[], sizes: number[]) {
    for (const [index, one] of subprograms.entries()) this.#subprogram(index, one, subprograms.length, sizes);
    for (const { at, slot, callee } of this.#calls) {
      this.#code[at] = build.callLocal(this.starts[callee]! - slot - 1);
    }
  }

  bytes(): Uint8Array {
    return encode(this.#code);
  }

  #emit(...code: Instruction[]): void {
    for (const instruction of code) {
      this.#code.push(instruction);
      this.#slot += slotsOf(instruction);
    }
  }

  /** r6: whether r2 is a pointer a caller lent, to store through. */
  #subprogram(index: number, { bytes, actions }: GeneratedSubprogram, count: number, sizes: number[]): void {
    this.starts.push(this.#slot);
    if (index > 0) this.#emit(build.jeq.imm(1, 0, 1), build.st.u8(2, 0, 7));
    if (bytes > 0) this.#emit(build.st.u8(10, -bytes, 1));
    let skip: (Action & { kind: "skip" }) | undefined;
    for (const action of actions) {
      if (action.kind === "skip") {
        skip = action;
        continue;
      }
      this.#action(index, action, count, sizes, skip?.when);
      skip = undefined;
    }
    this.#emit(build.mov64.imm(0, 0), build.exit());
  }

  #action(
    index: number,
    action: Exclude<Action, { kind: "skip" }>,
    count: number,
    sizes: number[],
    skip: "never" | "always" | "random" | undefined,
  ): void {
    if (skip !== undefined) {
      this.#emit(skip === "random" ? build.call(GET_PRANDOM_U32) : build.mov64.imm(0, skip === "always" ? 0 : 1));
      if (skip === "random") this.#emit(build.and64.imm(0, 1));
    }
    const at = this.#code.length;
    const slot = this.#slot;
    if (skip !== undefined) this.#emit(build.jeq.imm(0, 0, 0));
    const callees = count - index - 1;
    if (action.kind === "tailCall") this.#tailCall(action.index);
    else if (callees > 0) this.#call(index, action, index + 1 + (action.callee % callees), sizes, skip === "always");
    if (skip !== undefined) this.#code[at] = build.jeq.imm(0, 0, this.#slot - slot - 1);
  }

  #tailCall(index: number | "random"): void {
    if (index === "random") this.#emit(build.call(GET_PRANDOM_U32), build.mov64.reg(3, 0), build.and64.imm(3, 7));
    else this.#emit(build.mov64.imm(3, index));
    this.references.push({ kind: "map", slot: slotIndex(this.#slot), map: "jumps" });
    this.#emit(build.lddwMap(2, 0), build.call(TAIL_CALL));
  }

  #call(
    index: number,
    action: Action & { kind: "call" | "lend" },
    callee: number,
    sizes: number[],
    dead: boolean,
  ): void {
    const times = action.kind === "call" ? action.times : 1;
    const lent = action.kind === "lend" && action.bytes > 0 ? action.bytes : 0;
    if (times > 1) this.#emit(build.mov64.imm(7, times));
    const loop = this.#slot;
    this.#emit(build.mov64.imm(1, lent > 0 ? 1 : 0), build.mov64.reg(2, 10), build.add64.imm(2, -Math.max(lent, 1)));
    if (lent > 0 && !dead) sizes[index] = Math.max(sizes[index]!, lent);
    this.#calls.push({ at: this.#code.length, slot: this.#slot, callee });
    this.#emit(build.callLocal(0));
    if (times > 1) this.#emit(build.sub64.imm(7, 1), build.jne.imm(7, 0, loop - this.#slot - 2));
  }
}

/** Profiles whose rules of count and rounding differ. */
export const VERSIONS: readonly Profile["version"][] = ["6.18", "6.6", "5.15"];
