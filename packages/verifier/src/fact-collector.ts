import {
  type Facts,
  FRAME,
  MAP,
  MASK,
  MIXED,
  NO_FRAME,
  NOT_TAKEN,
  OFFSET,
  RECORD,
  SEVERAL,
  SMAX,
  SMIN,
  TAKEN,
  TYPE,
  UMAX,
  UMIN,
  VALUE,
} from "./facts.js";
import { isBelow, isLess } from "./halves.js";
import type { MapInfo } from "./map-info.js";
import {
  baseType,
  CONST_PTR_TO_MAP,
  MAYBE_NULL,
  NOT_INIT,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_STACK,
  type Register,
  register,
  SCALAR,
  UNINITIALISED,
  UNKNOWN_SCALAR,
} from "./register.js";
import {
  type Draft,
  draft,
  isUnknown,
  knownHalves,
  type Scalar,
  setSigned64,
  setUnsigned64,
  UNKNOWN,
} from "./scalar.js";
import { add64 } from "./scalar-alu.js";
import { uniteBits } from "./scalar-bits.js";
import type { Frame } from "./state.js";

/**
 * What one register number held at the slot that was collected last, for at the next one it mostly holds the same: then
 * its claims are known.
 */
interface Latest {
  register: Register | undefined;
  /** The record of just this register; 0: none yet. */
  exact: number;
  /** A record that holds for it. */
  covering: number;
  /** Joining it to the first of these records gave the second. */
  joinedTo: number;
  joined: number;
}

/** Collects what is known before each instruction, while the walk goes on. */
export interface FactCollector {
  readonly isOn: boolean;
  readonly first: Uint32Array;
  readonly live: Uint16Array;
  readonly branches: Uint8Array;
  /** By slot: how often a claim of it became wider. */
  readonly joins: Uint8Array;
  /** Made when the walk begins, for by then it is known how many there may be. */
  claims: Uint32Array;
  claimCount: number;
  records: Int32Array;
  recordCount: number;
  readonly maps: Map<MapInfo, number>;
  /** By register number. */
  readonly latest: readonly Latest[];
  /** The frame `latest` is of. */
  frame: number;
  /** Registers, a bit each, that at a slot may hold other numbers than the walk saw. */
  readonly taints: Map<number, number>;
  /** By slot of a comparison: registers that learn from it by their link, a bit each. */
  readonly linked: Map<number, number>;
  /** The stack may. */
  stackTainted: boolean;
}

/** How often ranges at one slot may grow before nothing is claimed of a number that grows again. */
const MAX_JOINS = 24;
/** Records there may be: 256 MiB. What comes then is claimed to be anything. */
const MAX_RECORDS = 1 << 22;

/** Records every collector begins with. */
const UNREAD_RECORD = 1;
const UNKNOWN_RECORD = 2;
const ANYTHING_RECORD = 3;
const ANYTHING: Register = register(MIXED | SEVERAL | MAYBE_NULL, UNKNOWN);

export function newFacts(slots: number, isOn: boolean): FactCollector {
  const length = isOn ? slots : 0;
  const facts: FactCollector = {
    isOn,
    first: new Uint32Array(length),
    live: new Uint16Array(length),
    branches: new Uint8Array(length),
    joins: new Uint8Array(length),
    claims: new Uint32Array(0),
    claimCount: 1,
    records: new Int32Array(isOn ? (slots + 64) * RECORD : 0),
    recordCount: 1,
    maps: new Map(),
    latest: Array.from({ length: 11 }, () => ({ register: undefined, exact: 0, covering: 0, joinedTo: 0, joined: 0 })),
    frame: 0,
    taints: new Map(),
    linked: new Map(),
    stackTainted: false,
  };
  if (isOn) for (const r of [UNINITIALISED, UNKNOWN_SCALAR, ANYTHING]) newRecord(facts, r, 0);
  return facts;
}

/** Makes room for a claim of every live register of every slot, and for the one that no slot has. */
export function makeClaims(facts: FactCollector, liveRegisters: Uint16Array): void {
  if (!facts.isOn) return;
  let count = 1;
  for (let slot = 0; slot < liveRegisters.length; slot++) count += countBits(liveRegisters[slot]!);
  facts.claims = new Uint32Array(count);
}

/** How many of 16 bits are set. */
function countBits(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** One path comes to a slot with these registers, of which only `live` ones matter. */
export function collect(facts: FactCollector, slot: number, frame: Frame, live: number): void {
  if (frame.index !== facts.frame) {
    facts.frame = frame.index;
    for (const latest of facts.latest) latest.register = undefined;
  }
  let at = facts.first[slot]!;
  if (at === 0) {
    collectFirst(facts, slot, frame, live);
    return;
  }
  for (let rest = live; rest !== 0; rest &= rest - 1) {
    const number = 31 - Math.clz32(rest & -rest);
    const r = frame.regs[number]!;
    const latest = facts.latest[number]!;
    if (latest.register !== r || latest.covering !== facts.claims[at]) collectAgain(facts, slot, at, r, latest);
    at++;
  }
}

/** A register unlike the one before it: nothing is known of its claims. */
function begin(latest: Latest, r: Register): void {
  latest.register = r;
  latest.exact = latest.covering = latest.joinedTo = 0;
}

function collectFirst(facts: FactCollector, slot: number, frame: Frame, live: number): void {
  facts.live[slot] = live;
  facts.first[slot] = facts.claimCount;
  for (let rest = live; rest !== 0; rest &= rest - 1) {
    const number = 31 - Math.clz32(rest & -rest);
    const r = frame.regs[number]!;
    const latest = facts.latest[number]!;
    if (latest.register !== r) begin(latest, r);
    if (latest.exact === 0) latest.exact = exactRecord(facts, r);
    latest.covering = latest.exact;
    facts.claims[facts.claimCount++] = latest.exact;
  }
}

/** A register comes to a slot that has a claim for it, at `at`: the claim holds for it, or becomes wider. */
function collectAgain(facts: FactCollector, slot: number, at: number, r: Register, latest: Latest): void {
  const claim = facts.claims[at]!;
  if (latest.register !== r) begin(latest, r);
  if (covers(facts, claim, r)) {
    latest.covering = claim;
    return;
  }
  const isWild = facts.joins[slot]! >= MAX_JOINS;
  if (!isWild) facts.joins[slot]!++;
  if (latest.joinedTo !== claim || isWild) {
    latest.joined = join(facts, claim, r, isWild);
    latest.joinedTo = isWild ? 0 : claim;
  }
  facts.claims[at] = latest.covering = latest.joined;
}

/** One path leaves a conditional jump one way. */
export function collectBranch(facts: FactCollector, slot: number, taken: boolean): void {
  facts.branches[slot]! |= taken ? TAKEN : NOT_TAKEN;
}

function exactRecord(facts: FactCollector, r: Register): number {
  if (r.type === NOT_INIT) return UNREAD_RECORD;
  if (r.type === SCALAR && r.num === UNKNOWN) return UNKNOWN_RECORD;
  return newRecord(facts, r, facts.frame);
}

const isMapKind = (base: number): boolean =>
  base === PTR_TO_MAP_VALUE || base === CONST_PTR_TO_MAP || base === PTR_TO_MAP_KEY;

function mapIndex(facts: FactCollector, r: Register): number {
  if (r.map === undefined || !isMapKind(baseType(r.type))) return -1;
  let index = facts.maps.get(r.map);
  if (index === undefined) {
    index = facts.maps.size;
    facts.maps.set(r.map, index);
  }
  return index;
}

const offsetOf = (r: Register): number => (r.type === SCALAR ? 0 : r.off);
const frameOffset = (frame: number, r: Register): number => (r.type === PTR_TO_STACK ? frame - r.aux : NO_FRAME);

/** Writes a record of one register; its index. */
function newRecord(facts: FactCollector, r: Register, frame: number): number {
  if (facts.recordCount >= MAX_RECORDS) return ANYTHING_RECORD;
  const at = facts.recordCount * RECORD;
  if (at + RECORD > facts.records.length) {
    const bigger = new Int32Array(facts.records.length * 2);
    bigger.set(facts.records);
    facts.records = bigger;
  }
  const { records } = facts;
  records[at + TYPE] = r.type;
  records[at + OFFSET] = offsetOf(r);
  records[at + MAP] = mapIndex(facts, r);
  records[at + FRAME] = frameOffset(frame, r);
  putNumber(records, at, r.num);
  return facts.recordCount++;
}

/** What records hold of a scalar. */
function putNumber(records: Int32Array, at: number, num: Scalar): void {
  records[at + VALUE] = num.valueLow;
  records[at + VALUE + 1] = num.valueHigh;
  records[at + MASK] = num.maskLow;
  records[at + MASK + 1] = num.maskHigh;
  records[at + SMIN] = num.sminLow;
  records[at + SMIN + 1] = num.sminHigh;
  records[at + SMAX] = num.smaxLow;
  records[at + SMAX + 1] = num.smaxHigh;
  records[at + UMIN] = num.uminLow;
  records[at + UMIN + 1] = num.uminHigh;
  records[at + UMAX] = num.umaxLow;
  records[at + UMAX + 1] = num.umaxHigh;
}

/** A record's number; the 32-bit ranges are not kept. */
function numberAt(records: Int32Array, at: number): Draft {
  const d = draft(UNKNOWN);
  d.valueLow = records[at + VALUE]!;
  d.valueHigh = records[at + VALUE + 1]!;
  d.maskLow = records[at + MASK]!;
  d.maskHigh = records[at + MASK + 1]!;
  setSigned64(d, records[at + SMIN + 1]!, records[at + SMIN]!, records[at + SMAX + 1]!, records[at + SMAX]!);
  setUnsigned64(d, records[at + UMIN + 1]!, records[at + UMIN]!, records[at + UMAX + 1]!, records[at + UMAX]!);
  return d;
}

/** Whether a record's type stands for a register's. */
function coversType(type: number, r: Register): boolean {
  if (type === r.type) return true;
  if ((type & SEVERAL) === 0 || r.type === NOT_INIT) return false;
  if ((r.type & MAYBE_NULL) !== 0 && (type & MAYBE_NULL) === 0) return false;
  return baseType(type) === MIXED || baseType(type) === baseType(r.type);
}

/** Whether a record's bits and 64-bit ranges hold for a number. */
function coversNumber(records: Int32Array, at: number, num: Scalar): boolean {
  const high = (num.maskHigh | (num.valueHigh ^ records[at + VALUE + 1]!)) & ~records[at + MASK + 1]!;
  const low = (num.maskLow | (num.valueLow ^ records[at + VALUE]!)) & ~records[at + MASK]!;
  return (
    (high | low) === 0 &&
    !isBelow(num.uminHigh, num.uminLow, records[at + UMIN + 1]!, records[at + UMIN]!) &&
    !isBelow(records[at + UMAX + 1]!, records[at + UMAX]!, num.umaxHigh, num.umaxLow) &&
    !isLess(num.sminHigh, num.sminLow, records[at + SMIN + 1]!, records[at + SMIN]!) &&
    !isLess(records[at + SMAX + 1]!, records[at + SMAX]!, num.smaxHigh, num.smaxLow)
  );
}

/** Whether a record already says all that may be said of a register. */
function covers(facts: FactCollector, record: number, r: Register): boolean {
  if (record === UNREAD_RECORD || (record === UNKNOWN_RECORD && r.type === SCALAR)) return true;
  const { records } = facts;
  const at = record * RECORD;
  if (!coversType(records[at + TYPE]!, r)) return false;
  if (records[at + MAP]! >= 0 && records[at + MAP] !== mapIndex(facts, r)) return false;
  if (records[at + FRAME] !== NO_FRAME && records[at + FRAME] !== frameOffset(facts.frame, r)) return false;
  if (records[at + OFFSET] === offsetOf(r) && coversNumber(records, at, r.num)) return true;
  return isUnknown(numberAt(records, at));
}

/** Makes a pointer's number count from its origin, the fixed part included. */
function shift(d: Draft, off: number): void {
  add64(d, knownHalves(off >> 31, off));
  d.valueHigh = d.valueLow = 0;
  d.maskHigh = d.maskLow = -1;
}

/** Makes a number's 64-bit ranges and bits hold for another one too. */
function widen(d: Draft, s: Scalar): void {
  uniteBits(d, s);
  if (isBelow(s.uminHigh, s.uminLow, d.uminHigh, d.uminLow))
    setUnsigned64(d, s.uminHigh, s.uminLow, d.umaxHigh, d.umaxLow);
  if (isBelow(d.umaxHigh, d.umaxLow, s.umaxHigh, s.umaxLow))
    setUnsigned64(d, d.uminHigh, d.uminLow, s.umaxHigh, s.umaxLow);
  if (isLess(s.sminHigh, s.sminLow, d.sminHigh, d.sminLow))
    setSigned64(d, s.sminHigh, s.sminLow, d.smaxHigh, d.smaxLow);
  if (isLess(d.smaxHigh, d.smaxLow, s.smaxHigh, s.smaxLow))
    setSigned64(d, d.sminHigh, d.sminLow, s.smaxHigh, s.smaxLow);
}

function joinTypes(a: number, b: number): number {
  if (a === b) return a;
  const base = baseType(a) === baseType(b) ? baseType(a) : MIXED;
  return base | SEVERAL | ((a | b) & MAYBE_NULL);
}

/** A record that holds for all a record does and for a register; `isWild`: of the number nothing is claimed any more. */
function join(facts: FactCollector, record: number, r: Register, isWild: boolean): number {
  if (r.type === NOT_INIT) return UNREAD_RECORD;
  const a = record * RECORD;
  if (isWild && r.type === SCALAR && facts.records[a + TYPE] === SCALAR) return UNKNOWN_RECORD;
  const made = newRecord(facts, r, facts.frame);
  if (made === ANYTHING_RECORD) return made;
  const { records } = facts;
  const b = made * RECORD;
  const left = records[a + OFFSET]!;
  const right = records[b + OFFSET]!;
  const num = numberAt(records, a);
  const other = draft(r.num);
  if (left !== right) {
    shift(num, left);
    shift(other, right);
  }
  widen(num, other);
  putNumber(records, b, isWild ? UNKNOWN : num);
  records[b + OFFSET] = left === right && !isWild ? left : 0;
  records[b + TYPE] = joinTypes(records[a + TYPE]!, r.type);
  if (records[a + MAP] !== records[b + MAP]) records[b + MAP] = -1;
  if (records[a + FRAME] !== records[b + FRAME]) records[b + FRAME] = NO_FRAME;
  return made;
}

/** The facts of all slots, once the walk is over. `open`: registers whose numbers may be others, by slot. */
export function publish(facts: FactCollector, open: Uint16Array): Facts {
  return {
    first: facts.first,
    live: facts.live,
    branches: facts.branches,
    open,
    claims: facts.claims.subarray(0, facts.claimCount),
    records: facts.records.subarray(0, facts.recordCount * RECORD),
    maps: [...facts.maps.keys()].map(({ spec }) => spec.name),
  };
}
