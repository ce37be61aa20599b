import { profileFor } from "@bpfkit/abi";
import type { Engine, Profile, RunOptions } from "@bpfkit/core";
import { interpreter } from "@bpfkit/interpreter";
import type { VmProgram } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { type AssembledOptions, tail, vmOf, withHelper } from "../src/assembled.js";
import { jitAt, jitAvailable, LEVELS, skipReason } from "../src/jit.js";

/** Programs a compiler would not write, each with what its tail calls lead to. */
interface Strange {
  readonly main: string;
  readonly slots?: Readonly<Record<number, string>>;
  readonly options?: AssembledOptions;
}

const own = withHelper(({ args }) => args[0]! * 3 + args[2]!);

const registers = [0, 2, 3, 4, 5, 6, 7, 8];
const bytes = registers.map((register, at) => `r${register} = *(u8 *)(r1 + ${at});`).join(" ");
const wipe = "r2 = 0; r3 = 0; r4 = 0; r5 = 0; r6 = 0; r7 = 0; r8 = 0; exit";
const halves = `${bytes} r2 <<= 8; r3 <<= 16; r4 <<= 24; r5 <<= 32; r6 <<= 40; r7 <<= 48; r8 <<= 56;
  r0 |= r2; r0 |= r3; r0 |= r4; r5 |= r6; r5 |= r7; r5 |= r8;`;
const keep = "*(u64 *)(r10 - 8) = r6; *(u64 *)(r10 - 256) = r7;";
const sum = "r0 += r6; r0 += r7; r0 += r8; r0 += r9;";
const set = "r6 = 6; r7 = 70; r8 = 800; r9 = 9000;";

const STRANGE: Readonly<Record<string, Strange>> = {
  "bytes joined to 64 bits": { main: `${halves} r0 |= r5; ${wipe}` },
  "bytes joined to 64 bits by an operation of 32": { main: `${halves} w0 |= w5; ${wipe}` },
  "a half joined by an operation of 32": { main: `${halves} w5 |= w8; r0 |= r5; ${wipe}` },
  "one byte twice": { main: `r0 = *(u8 *)(r1 + 3); r2 = *(u8 *)(r1 + 3); r2 <<= 8; r0 |= r2; ${wipe}` },
  "bytes joined with themselves": { main: `r0 = *(u8 *)(r1 + 3); r0 |= r0; ${wipe}` },
  "a rotation whose halves are of two widths": {
    main: `r0 = *(u64 *)(r1 + 0); r2 = r0; r2 >>= 5; w0 <<= 27; r0 |= r2; ${wipe}`,
  },
  "32-bit jumps over the upper half": {
    main: `r2 = -1; r3 = 0xffffffff ll; r0 = 0; if w2 == w3 goto +1; exit; if r2 == r3 goto +5; r0 += 1;
      if w2 s< 0 goto +1; exit; r0 += 2; if w2 > 0x7fffffff goto +1; exit; r0 += 4; if w3 == -1 goto +1; exit;
      r0 += 8; if r3 == -1 goto +1; r0 += 16; if w3 & 0x80000000 goto +1; exit; r0 += 32; exit`,
  },
  "gotol forward and back": { main: "r0 = 0; gotol a; b: r0 += 1; gotol c; a: r0 += 10; gotol b; c: r0 += 100; exit" },
  "may_goto to itself's next, and far": {
    main: "r0 = 0; may_goto +0; l: may_goto +2; r0 += 1; if r0 < 77 goto l; exit",
  },
  "a call of the entry": {
    main: "r0 = *(u8 *)(r1 + 0); if r0 == 1 goto end; *(u8 *)(r1 + 0) = 1; r6 = r1; call main2; main2: r0 += 1; end: exit",
  },
  "recursion that ends": {
    main: "r6 = r1; f: r6 += 1; if r6 > 5 goto end; r1 = r6; call g; end: r0 = r6; exit; g: r6 = r1; r6 += 1; r0 = r6; exit",
  },
  "seven frames, each with all it may save": {
    main: `${set} call a; ${sum} exit; a: ${set} call b; ${sum} exit; b: ${set} ${keep} call c; ${sum} exit;
      c: r6 = 1; call d; r0 += r6; exit; d: ${keep.replaceAll("r6", "r1").replaceAll("r7", "r2")} call e; exit; e: ${set} call f; ${sum} exit; f: r0 = 1; exit`,
  },
  "a tail call from a frame without saves into one with all": {
    main: `${set} call f; ${sum} exit; f: ${tail(1)} r0 = 7; exit`,
    slots: { 1: `${set} ${keep} call g; r0 += r6; exit; g: ${set} ${keep} r0 = 5; exit` },
  },
  "tail calls between frames of all sizes, to the limit": {
    main: `${set} call f; ${sum} exit; f: ${keep} ${tail(1)} r0 = 1; exit`,
    slots: {
      1: `${set} *(u64 *)(r10 - 512) = r6; ${tail(2)} r0 = 2; exit`,
      2: `${tail(3)} r0 = 3; exit`,
      3: `r6 = 3; call f; r0 += r6; exit; f: r7 = 2; *(u64 *)(r10 - 16) = r7; ${tail(1)} r0 = *(u64 *)(r10 - 16); exit`,
    },
  },
  "tail calls with an index nobody knows": {
    main: `r6 = *(u8 *)(r1 + 0); r7 = 0; l: ${tail("r6")} r6 += 1; r7 += 1; if r7 < 9 goto l; r0 = r7; exit`,
    slots: { 2: "r0 = 42; exit" },
  },
  "a tail call in a callback": {
    main: `r1 = 3; r2 = func f; r3 = 0; r4 = 0; call loop; r0 += 100; exit; f: ${tail(1)} r0 = 1; exit`,
    slots: { 1: "r0 = 0; exit" },
  },
  "callbacks in callbacks": {
    main: `${set} r3 = r10; r3 += -8; *(u64 *)(r10 - 8) = 0; r1 = 4; r2 = func f; r4 = 0; call loop; r0 = *(u64 *)(r10 - 8); ${sum} exit;
      f: r6 = r2; r1 = 3; r2 = func g; r3 = r6; r4 = 0; call loop; r1 = *(u64 *)(r6 + 0); r1 += r0; *(u64 *)(r6 + 0) = r1; r0 = 0; exit;
      g: r3 = *(u64 *)(r2 + 0); r3 += 5; *(u64 *)(r2 + 0) = r3; r0 = 0; if r1 == 1 goto +1; exit; r0 = 1; exit`,
  },
  "a callback that is called, too": {
    main: "r1 = 2; r2 = func f; r3 = 9; r4 = 0; call loop; r6 = r0; r1 = 5; r2 = 6; call f; r0 += r6; exit; f: r0 = r1; r0 ^= r1; r6 = 4; exit",
  },
  "a helper of one's own in a loop": {
    main: "r6 = 0; r7 = 0; l: r1 = r6; r2 = r7; call 9999; r7 = r0; r6 += 1; if r6 < 9 goto l; r0 = r7; exit",
    options: own,
  },
  "r0 as source and address of atomics": {
    main: `r0 = r10; r0 += -8; *(u64 *)(r10 - 8) = 5; lock *(u64 *)(r0 + 0) += r0; r2 = 3; r3 = r0;
      r0 = 1; r0 = atomic_fetch_xor((u64 *)(r3 + 0), r0); r2 = r0; r2 &= 1; r0 = 7; *(u64 *)(r3 + 0) = 9;
      r0 = atomic_fetch_and((u64 *)(r3 + 0), r0); r4 = *(u64 *)(r3 + 0); r0 <<= 8; r0 |= r4;
      r0 = cmpxchg_64(r3 + 0, r0, r0); r0 += r2; exit`,
  },
  "32-bit atomics leave no upper half": {
    main: `*(u64 *)(r10 - 8) = -1; r1 = -1; r2 = -2; r0 = -1; w1 = atomic_fetch_or((u32 *)(r10 - 8), w1); w2 = xchg32_32(r10 - 8, w2);
      w0 = cmpxchg32_32(r10 - 8, w0, w1); r0 += r1; r0 += r2; r3 = *(u64 *)(r10 - 8); r0 ^= r3; exit`,
  },
  "writing r10": { main: "r0 = 1; r10 += 8; r0 = *(u64 *)(r10 - 8); exit" },
  "writing r10 behind a move": { main: "r0 = 5; r2 = r10; r2 >>= 5; r10 <<= 59; r10 |= r2; exit" },
  "writing r10 where nothing comes": { main: "r0 = 5; goto end; r10 = 0; end: exit" },
  "an unreadable byte behind a readable one": { main: `${bytes} r0 = *(u32 *)(r1 + 62); exit` },
};

const data = Uint8Array.from({ length: 64 }, (_, at) => 0x81 + at * 7);
const PROFILES = [profileFor(), profileFor("6.6")];

/** All of runs one after the other, so that what one leaves behind would show; but where the stack lies, which is each engine's own. */
function outcomes(
  engine: Engine,
  { main, slots = {}, options }: Strange,
  profile: Profile,
  runs: readonly RunOptions[],
): Told[] {
  const others = Object.entries(slots).map(([slot, text]) => [`p${slot}`, text]);
  const filled = Object.fromEntries(Object.keys(slots).map((slot) => [slot, `p${slot}`]));
  const vm = vmOf({ main, ...Object.fromEntries(others) }, filled, { ...options, profile, engine });
  const program = vm.program("main");
  const results = runs.map((run) => {
    const { engine: _, fault, ...result } = program.run({ data }, run);
    if (fault === undefined) return result;
    return { ...result, fault: { ...fault, frames: fault.frames.map((frame) => ({ ...frame, stack: 0 })) } };
  });
  vm.dispose();
  return results;
}

type Told = Omit<ReturnType<VmProgram["run"]>, "engine">;

const BUDGETS = [20_000_000, ...Array.from({ length: 160 }, (_, at) => at + 1), 20_000_000];

describe.skipIf(!jitAvailable)(`strange programs${skipReason()}`, () => {
  describe.each(PROFILES)("tail calls counted as in Linux $version", (profile) => {
    test.each(Object.entries(STRANGE))("%s: checked as the interpreter, at every budget", (_, strange) => {
      const runs = BUDGETS.map((budget) => ({ budget }));
      const wanted = outcomes(interpreter, strange, profile, runs);
      expect(outcomes(jitAt("checked"), strange, profile, runs)).toEqual(wanted);
    });

    describe.each(LEVELS.slice(1))("%s", (safety) => {
      test.each(Object.entries(STRANGE))("%s: what ends well ends the same", (_, strange) => {
        const wanted = outcomes(interpreter, strange, profile, [{}, {}]);
        if (wanted.some(({ fault }) => fault !== undefined)) {
          expect(wanted[0]!.fault?.kind).not.toBe("budget");
          return;
        }
        const uncounted = wanted.map(({ instructions: __, ...result }) => result);
        expect(outcomes(jitAt(safety), strange, profile, [{}, {}])).toEqual(uncounted);
      });
    });
  });

  test.each(LEVELS)("%s: each run of a loop may go on as often as a run of its own", (safety) => {
    const engine = jitAt(safety);
    const vm = vmOf({ main: "r0 = 0; l: may_goto +2; r0 += 1; if r0 < 3000000 goto l; exit" }, {}, { engine });
    expect(vm.program("main").run({}, { repeat: 5 }).r0).toBe(3_000_000n);
    vm.dispose();
  });
});
