import { signedOf, unsignedOf } from "./halves.js";
import { baseType, mayBeNull, NOT_INIT, SCALAR, typeName } from "./register.js";

/** What a register may hold before an instruction, over all paths that were walked. */
export interface RegisterFact {
  /** r0 to r10. */
  readonly register: number;
  /**
   * `unread`: nothing on some path, so no instruction reads it. `scalar`: a number. A pointer of one kind by the kernel's
   * name (`ctx`, `fp`, `pkt`, `map_value`, …). `mixed`: a number or a pointer, or pointers of several kinds.
   */
  readonly kind: string;
  readonly mayBeNull: boolean;
  /** Of a scalar: unsigned and signed ranges, inclusive; of a pointer: of the distance from its origin. */
  readonly umin: bigint;
  readonly umax: bigint;
  readonly smin: bigint;
  readonly smax: bigint;
  /** Bits that are known, and their values. */
  readonly knownMask: bigint;
  readonly knownBits: bigint;
  /** The map it points to, or into, where it is one. */
  readonly map?: string;
  /** The frame a stack pointer points into, counted up from the current one: 0 is its own. */
  readonly frame?: number;
}

/** What is known before one instruction. */
export interface InstructionFact {
  /** Never reached on any path: it may be left out. */
  readonly dead: boolean;
  /** The registers that it or a later instruction may read, ascending. Empty where it is dead. */
  readonly registers: readonly RegisterFact[];
  /** A conditional jump that always goes one way. */
  readonly branch?: "always" | "never";
}

/**
 * What is known before each instruction, packed, for programs have up to a million of them: `factAt` reads it. Each live
 * register of a slot has a claim, and slots in which nothing changed share their claims.
 */
export interface Facts {
  /** By slot: where its first register's claim stands in `claims`; 0: no path came here. */
  readonly first: Uint32Array;
  /** By slot: registers that it or a later instruction may read, a bit each, in the order of their claims. */
  readonly live: Uint16Array;
  /** By slot: 1 where a path left a conditional jump by its target, 2 where one fell through. */
  readonly branches: Uint8Array;
  /** By slot: registers, a bit each, that may hold other numbers than the walk saw. */
  readonly open: Uint16Array;
  /** Records, by the claims of the slots. */
  readonly claims: Uint32Array;
  /** `RECORD` words each. */
  readonly records: Int32Array;
  /** Names of the maps that records point to. */
  readonly maps: readonly string[];
}

/** Words of a record. */
export const RECORD = 16;
/** Its words: kind with its marks; offset; map's index or -1; frame or `NO_FRAME`. 64-bit numbers follow, low half first. */
export const TYPE = 0;
export const OFFSET = 1;
export const MAP = 2;
export const FRAME = 3;
export const VALUE = 4;
export const MASK = 6;
export const SMIN = 8;
export const SMAX = 10;
export const UMIN = 12;
export const UMAX = 14;

/** Registers of several types, of one kind (`base type | SEVERAL`) or of several (`MIXED | SEVERAL`). */
export const SEVERAL: number = 1 << 30;
export const MIXED = 0xff;
export const NO_FRAME = -1;

/** A conditional jump was left by its target, or fell through. */
export const TAKEN = 1;
export const NOT_TAKEN = 2;

const ALL_BITS = (1n << 64n) - 1n;
const LOWEST = -(1n << 63n);
const DEAD: InstructionFact = { dead: true, registers: [] };

const unsignedAt = (records: Int32Array, at: number): bigint => unsignedOf(records[at + 1]!, records[at]!);
const signedAt = (records: Int32Array, at: number): bigint => signedOf(records[at + 1]!, records[at]!);

type Ranges = Pick<RegisterFact, "umin" | "umax" | "smin" | "smax" | "knownMask" | "knownBits">;

const UNKNOWN_RANGES: Ranges = {
  umin: 0n,
  umax: ALL_BITS,
  smin: LOWEST,
  smax: -1n - LOWEST,
  knownMask: 0n,
  knownBits: 0n,
};

/** The numbers of a record: pointers count from their origin, the fixed part included. */
function rangesAt(records: Int32Array, at: number): Ranges {
  const smin = signedAt(records, at + SMIN);
  const smax = signedAt(records, at + SMAX);
  const umin = unsignedAt(records, at + UMIN);
  const umax = unsignedAt(records, at + UMAX);
  const off = BigInt(records[at + OFFSET]!);
  if (off === 0n) {
    const knownMask = ~unsignedAt(records, at + MASK) & ALL_BITS;
    return { smin, smax, umin, umax, knownMask, knownBits: unsignedAt(records, at + VALUE) };
  }
  const wraps = umin + off < 0n || umax + off > ALL_BITS;
  const wrapsSigned = smin + off < LOWEST || smax + off > -1n - LOWEST;
  return {
    smin: wrapsSigned ? LOWEST : smin + off,
    smax: wrapsSigned ? -1n - LOWEST : smax + off,
    umin: wraps ? 0n : umin + off,
    umax: wraps ? ALL_BITS : umax + off,
    knownMask: 0n,
    knownBits: 0n,
  };
}

function kindOf(type: number): string {
  const base = baseType(type);
  return base === NOT_INIT ? "unread" : base === MIXED ? "mixed" : typeName(base);
}

function registerFact({ records, maps }: Facts, record: number, register: number, isOpen: boolean): RegisterFact {
  const at = record * RECORD;
  const type = records[at + TYPE]!;
  const isNumber = type === SCALAR || (type & SEVERAL) !== 0;
  const map = records[at + MAP]!;
  const frame = records[at + FRAME]!;
  return {
    register,
    kind: kindOf(type),
    mayBeNull: mayBeNull(type),
    ...(isOpen && isNumber ? UNKNOWN_RANGES : rangesAt(records, at)),
    ...(map < 0 ? {} : { map: maps[map]! }),
    ...(frame === NO_FRAME ? {} : { frame }),
  };
}

/**
 * What is known before the instruction at a slot (`Verdict.facts`); of the second slot of a 64-bit load, and of a slot the
 * program does not have, it says dead.
 */
export function factAt(facts: Facts, slot: number): InstructionFact {
  const first = facts.first[slot] ?? 0;
  if (first === 0) return DEAD;
  const registers: RegisterFact[] = [];
  for (let number = 0; number < 11; number++) {
    if (((facts.live[slot]! >>> number) & 1) === 0) continue;
    const isOpen = ((facts.open[slot]! >>> number) & 1) === 1;
    registers.push(registerFact(facts, facts.claims[first + registers.length]!, number, isOpen));
  }
  const branches = facts.branches[slot]!;
  if (branches !== TAKEN && branches !== NOT_TAKEN) return { dead: false, registers };
  return { dead: false, registers, branch: branches === TAKEN ? "always" : "never" };
}
