import type { MapInfo } from "./map-info.js";
import {
  baseType,
  CONST_PTR_TO_MAP,
  mayBeNull,
  NOT_INIT,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_STACK,
  type Register,
  SCALAR,
  typeName,
} from "./register.js";
import { contains, type Scalar, UNKNOWN } from "./scalar.js";
import type { Frame } from "./state.js";
import { tnumUnion } from "./tnum.js";

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

/** What paths brought in one register so far. */
interface Seen {
  readonly number: number;
  /** What the last path brought. */
  last: Register;
  /** The frame it was in, counted from the outermost. */
  readonly frame: number;
  /** What all paths brought, where they brought more than one thing. */
  fact: Joined | undefined;
}

interface Collected {
  readonly seen: Seen[];
  joins: number;
  branches: number;
}

interface Joined {
  /** With its marks; -1: registers of several types. */
  readonly type: number;
  readonly kind: string;
  readonly mayBeNull: boolean;
  readonly num: Scalar;
  readonly off: number;
  readonly map: MapInfo | undefined;
  readonly frame: number | undefined;
}

/** Collects what is known before each instruction, while the walk goes on. */
export interface FactCollector {
  readonly isOn: boolean;
  readonly at: (Collected | undefined)[];
  readonly published: InstructionFact[];
  /** Registers, a bit each, that at a slot may hold other numbers than the walk saw. */
  readonly taints: Map<number, number>;
  /** By slot of a comparison: registers that learn from it by their link, a bit each. */
  readonly linked: Map<number, number>;
  /** The stack may. */
  stackTainted: boolean;
}

export const newFacts = (length: number, isOn: boolean): FactCollector => ({
  isOn,
  at: isOn ? new Array<Collected | undefined>(length).fill(undefined) : [],
  published: [],
  taints: new Map(),
  linked: new Map(),
  stackTainted: false,
});

/** How often a register's ranges at one slot may grow before nothing is claimed of its number any more. */
const MAX_JOINS = 24;

/** One path comes to a slot with these registers, of which only `live` ones matter. */
export function collect(facts: FactCollector, slot: number, frame: Frame, live: number): void {
  const here = facts.at[slot];
  if (here === undefined) {
    facts.at[slot] = { seen: firstSeen(frame, live), joins: 0, branches: 0 };
    return;
  }
  for (const seen of here.seen) {
    const r = frame.regs[seen.number]!;
    if (seen.last === r) continue;
    const before = seen.fact ?? factOf(seen.last, seen.frame);
    seen.last = r;
    if (covers(before, r, frame)) {
      seen.fact = before;
      continue;
    }
    const joined = join(before, factOf(r, frame.index));
    seen.fact = ++here.joins > MAX_JOINS ? { ...joined, num: UNKNOWN, off: 0 } : joined;
  }
}

function firstSeen(frame: Frame, live: number): Seen[] {
  const seen: Seen[] = [];
  for (let number = 0; number < 11; number++) {
    if (((live >>> number) & 1) === 0) continue;
    seen.push({ number, last: frame.regs[number]!, frame: frame.index, fact: undefined });
  }
  return seen;
}

/** Whether a fact already says all that may be said of a register. */
function covers(fact: Joined, r: Register, frame: Frame): boolean {
  const isSame =
    fact.type === r.type &&
    (fact.map === r.map || fact.map === undefined) &&
    (r.type !== PTR_TO_STACK || fact.frame === frame.index - r.aux);
  const off = r.type === SCALAR ? 0 : r.off;
  return isSame && (fact.num === UNKNOWN || (fact.off === off && contains(fact.num, r.num)));
}

/** One path leaves a conditional jump one way. */
export function collectBranch(facts: FactCollector, slot: number, taken: boolean): void {
  const here = facts.at[slot];
  if (here !== undefined) here.branches |= taken ? 1 : 2;
}

function factOf(r: Register, frame: number): Joined {
  const isMap = [CONST_PTR_TO_MAP, PTR_TO_MAP_KEY, PTR_TO_MAP_VALUE].includes(baseType(r.type));
  return {
    type: r.type,
    kind: r.type === NOT_INIT ? "unread" : typeName(r.type & 0xff),
    mayBeNull: mayBeNull(r.type),
    num: r.num,
    off: r.type === SCALAR ? 0 : r.off,
    map: isMap ? r.map : undefined,
    frame: r.type === PTR_TO_STACK ? frame - r.aux : undefined,
  };
}

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);

function joinScalars(a: Scalar, b: Scalar): Scalar {
  if (a === b) return a;
  const bits = tnumUnion(a, b);
  return {
    value: bits.value,
    mask: bits.mask,
    smin: min(a.smin, b.smin),
    smax: max(a.smax, b.smax),
    umin: min(a.umin, b.umin),
    umax: max(a.umax, b.umax),
    s32min: Math.min(a.s32min, b.s32min),
    s32max: Math.max(a.s32max, b.s32max),
    u32min: Math.min(a.u32min, b.u32min),
    u32max: Math.max(a.u32max, b.u32max),
  };
}

/** The number a fact's ranges stand for: pointers count from their origin, the fixed part included. */
function withOffset(fact: Joined): Joined {
  if (fact.off === 0) return fact;
  const shift = BigInt(fact.off);
  const { num } = fact;
  return {
    ...fact,
    off: 0,
    num: {
      ...num,
      value: 0n,
      mask: (1n << 64n) - 1n,
      smin: num.smin + shift,
      smax: num.smax + shift,
      umin: num.umin + shift < 0n ? 0n : num.umin + shift,
      umax: num.umin + shift < 0n ? (1n << 64n) - 1n : num.umax + shift,
    },
  };
}

function join(a: Joined, b: Joined): Joined {
  if (a.kind === "unread" || b.kind === "unread") return a.kind === "unread" ? a : b;
  const left = a.off === b.off ? a : withOffset(a);
  const right = a.off === b.off ? b : withOffset(b);
  return {
    type: a.type === b.type ? a.type : -1,
    kind: a.kind === b.kind ? a.kind : "mixed",
    mayBeNull: a.mayBeNull || b.mayBeNull,
    num: joinScalars(left.num, right.num),
    off: left.off,
    map: a.map === b.map ? a.map : undefined,
    frame: a.frame === b.frame ? a.frame : undefined,
  };
}

const ALL_BITS = (1n << 64n) - 1n;

function published(register: number, fact: Joined): RegisterFact {
  const { num } = withOffset(fact);
  return {
    register,
    kind: fact.kind,
    mayBeNull: fact.mayBeNull,
    umin: num.umin,
    umax: num.umax,
    smin: num.smin,
    smax: num.smax,
    knownMask: num.mask === 0n ? ALL_BITS : ~num.mask & ALL_BITS,
    knownBits: num.value,
    ...(fact.map === undefined ? {} : { map: fact.map.spec.name }),
    ...(fact.frame === undefined ? {} : { frame: fact.frame }),
  };
}

/** A number the walk did not see every value of. */
const isOpen = (fact: Joined, tainted: boolean): boolean => tainted && (fact.type === SCALAR || fact.type === -1);

const DEAD: InstructionFact = { dead: true, registers: [] };

/** The facts of all slots, once the walk is over. `tainted`: registers whose numbers may be others, by slot. */
export function publish(facts: FactCollector, tainted: Uint16Array): readonly InstructionFact[] {
  for (let slot = 0; slot < facts.at.length; slot++) {
    const here = facts.at[slot];
    // What was collected is given up on the way: the two together are a lot for long programs.
    facts.at[slot] = undefined;
    facts.published.push(here === undefined ? DEAD : publishSlot(here, tainted[slot]!));
  }
  return facts.published;
}

function publishSlot(here: Collected, tainted: number): InstructionFact {
  const registers = here.seen.map(({ number, last, frame, fact: joined }) => {
    const fact = joined ?? factOf(last, frame);
    return published(number, isOpen(fact, ((tainted >>> number) & 1) === 1) ? { ...fact, num: UNKNOWN, off: 0 } : fact);
  });
  const branch = here.branches === 1 ? "always" : here.branches === 2 ? "never" : undefined;
  return branch === undefined ? { dead: false, registers } : { dead: false, registers, branch };
}
