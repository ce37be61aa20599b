import type { Effects, HelperTable, MapStorage, Profile, ProgramArray } from "@bpfkit/core";

/**
 * What native code checks itself. `checked`: every access against the shadow, the budget, the depth of calls; needs no
 * verdict. `confined`: addresses are cut to 32 bits unless they cannot leave guest memory and its guards. `unchecked`:
 * nothing.
 */
export type Safety = "checked" | "confined" | "unchecked";

/** What a compile needs of the set its program is linked into. It reads, and calls nothing that runs. */
export interface CompileContext {
  readonly safety: Safety;
  readonly maps: ReadonlyMap<string, MapStorage>;
  readonly helpers: HelperTable;
  /** The kernel's name of a helper, for messages. */
  readonly helperName?: ((id: number) => string | undefined) | undefined;
  /** The rules that machine code carries out. */
  readonly profile: Pick<Profile, "tailCallLimit" | "tailCallCount" | "maxFrames">;
  readonly cells: Effects["cells"];
  /** Other threads may run the code, too: where there is no cell, the CPU's number is in the run context. */
  readonly sharedMemory?: boolean;
  /** Number of the program in its set, which stubs report with a fault. */
  readonly id: number;
  /** Keep every machine instruction as text, for a listing. */
  readonly keepText?: boolean;
  /** BMI2 instructions may be used. */
  readonly bmi2: boolean;
  /** Address of the jump slots of a program array: 8 bytes each, 0 where empty. Undefined where JavaScript must look. */
  jumpSlots(array: ProgramArray): bigint | undefined;
  /** Gives the function at a slot of the program a number for its guest value. */
  functionIndex(start: number): number;
}

/** Stubs of a program that its images jump to or call, as fixup targets below all functions. */
export const STUBS = {
  /** Calls JavaScript for the site in the second scratch register; flags tell zero: go on. */
  ask: -1,
  /** Leaves the run with the fault at hand. */
  leave: -3,
  /** A failed read or write at the address in the first scratch register. */
  read: -4,
  write: -5,
  callDepth: -6,
  badJump: -7,
  notAvailable: -8,
  /** Second look at an access over two granules; one for each size and access. */
  straddleRead2: -9,
  straddleRead4: -10,
  straddleRead8: -11,
  straddleWrite2: -12,
  straddleWrite4: -13,
  straddleWrite8: -14,
  /** Makes the next frame valid, or asks JavaScript, which says that the stack has none; flags as of `ask`. */
  openFrame: -15,
} as const;

export type Stub = keyof typeof STUBS;
