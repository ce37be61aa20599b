import { type Program, SLOT_BYTES } from "@bpfkit/core";
import { type Facts, factAt, type RegisterFact, type Verdict } from "@bpfkit/verifier";
import { VmError } from "../error.js";
import { learnValues, ORIGINS, type Watched } from "./origin.js";
import { isIn, type Range, rangeOf } from "./range.js";

/** What is claimed of one register before an instruction. */
interface RegisterClaim {
  readonly fact: RegisterFact;
  /** Undefined: any number will do. */
  readonly range: Range | undefined;
}

/** What is claimed of one instruction. */
interface SlotClaims {
  readonly dead: boolean;
  readonly registers: readonly RegisterClaim[];
  /** The only slot it can lead to, where a conditional jump is said to go one way; -1: not said. */
  readonly next: number;
}

/** A claim of a verdict that a run broke. */
export interface BrokenClaim {
  readonly program: string;
  readonly slot: number;
  /** What the verdict says, and what was found, in words. */
  readonly claimed: string;
  readonly found: string;
}

/** What a verdict says of each instruction of a program, ready to be held against a run. */
export class Claims {
  readonly #program: Program;
  readonly #facts: Facts;
  /** Made when first asked for: most runs come to few slots. */
  readonly #slots: (SlotClaims | undefined)[] = [];

  /** @param verdict One on this program. @throws {VmError} `UNSUPPORTED` where it carries no facts. */
  constructor(program: Program, { facts }: Verdict) {
    if (facts === undefined)
      throw new VmError("UNSUPPORTED", "its verdict claims nothing: it carries no facts", { program: program.name });
    this.#program = program;
    this.#facts = facts;
  }

  at(slot: number): SlotClaims {
    const known = this.#slots[slot] ?? this.#claimsAt(slot);
    this.#slots[slot] = known;
    return known;
  }

  #claimsAt(slot: number): SlotClaims {
    const { dead, registers, branch } = factAt(this.#facts, slot);
    const next = branch === undefined ? -1 : slot + 1 + (branch === "always" ? jumpOffset(this.#program, slot) : 0);
    return { dead, registers: registers.flatMap(claimOf), next };
  }
}

/** A jump's 16-bit offset. */
function jumpOffset({ code }: Program, slot: number): number {
  return new DataView(code.buffer, code.byteOffset).getInt16(slot * SLOT_BYTES + 2, true);
}

/** Nothing, where a fact says nothing that can be looked at. */
function claimOf(fact: RegisterFact): readonly RegisterClaim[] {
  const range = rangeOf(fact);
  if (fact.kind === "scalar") return range === undefined ? [] : [{ fact, range }];
  return fact.kind in ORIGINS ? [{ fact, range }] : [];
}

/** What is wrong before the next instruction of a run; undefined: all is as claimed. */
export function brokenAt(claims: SlotClaims, run: Watched): Pick<BrokenClaim, "claimed" | "found"> | undefined {
  if (claims.dead) return { claimed: "never reached", found: "reached" };
  const { halves } = run.stepper;
  for (const { fact, range } of claims.registers) {
    const low = halves[2 * fact.register]!;
    const high = halves[2 * fact.register + 1]!;
    const holds = fact.kind === "scalar" ? isIn(range!, low, high) : pointerHolds(run, fact, range, low, high);
    if (!holds) return { claimed: `r${fact.register} ${worded(fact)}`, found: foundAs(run, fact, low, high) };
  }
  return undefined;
}

function pointerHolds(run: Watched, fact: RegisterFact, range: Range | undefined, low: number, high: number): boolean {
  if (fact.mayBeNull && low === 0 && high === 0) return true;
  if (range === undefined || fitsOrigin(run, fact, range, low, high)) return true;
  return learnValues(run, fact) && fitsOrigin(run, fact, range, low, high);
}

function fitsOrigin(run: Watched, fact: RegisterFact, range: Range, low: number, high: number): boolean {
  const origins = ORIGINS[fact.kind]!(run, fact);
  if (origins === undefined) return true;
  for (const origin of origins) {
    const borrow = low >>> 0 < origin ? 1 : 0;
    if (isIn(range, (low - origin) | 0, (high - borrow) | 0)) return true;
  }
  return false;
}

/** A fact in words: `scalar 0 to 63 (signed 0 to 63, bits 0x0 of 0xffffffffffffffc0)`. */
function worded(fact: RegisterFact): string {
  const { kind, mayBeNull, umin, umax, smin, smax, knownMask, knownBits, map, frame } = fact;
  const of = `${map === undefined ? "" : ` of map ${map}`}${frame === undefined ? "" : ` of frame ${frame} up`}`;
  const bits = knownMask === 0n ? "" : `, bits 0x${knownBits.toString(16)} of 0x${knownMask.toString(16)}`;
  return `${kind}${mayBeNull ? "_or_null" : ""}${of} ${umin} to ${umax} (signed ${smin} to ${smax}${bits})`;
}

function foundAs(run: Watched, { register, kind, ...fact }: RegisterFact, low: number, high: number): string {
  const value = (BigInt(high) << 32n) | BigInt(low >>> 0);
  const [origin] = ORIGINS[kind]?.(run, { register, kind, ...fact }) ?? [];
  if (origin === undefined) return `r${register} ${value}`;
  return `r${register} 0x${BigInt.asUintN(64, value).toString(16)}, ${value - BigInt(origin)} from its origin`;
}
