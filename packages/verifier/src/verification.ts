import { LOAD_FLAGS } from "@bpfkit/abi";
import type { Profile, Program } from "@bpfkit/core";
import type { Code } from "./code.js";
import type { Ids } from "./compare.js";
import { Rejection, type RejectionErrno } from "./error.js";
import type { FactCollector } from "./fact-collector.js";
import type { History } from "./history.js";
import type { Log } from "./log.js";
import { write } from "./log.js";
import type { LoopVisit } from "./loop-visit.js";
import type { MapInfo } from "./map-info.js";
import type { Search } from "./precision-search.js";
import type { Prototype } from "./prototype.js";
import { ADD_CONST, type Register, SCALAR } from "./register.js";
import { isKnown } from "./scalar.js";
import type { StackLiveness } from "./stack-liveness.js";
import { currentFrame, type Frame, type State } from "./state.js";

/** Processed instructions after which a program is too large (`BPF_COMPLEXITY_LIMIT_INSNS`). */
export const MAX_PROCESSED = 1_000_000;
/** Paths that may wait to be walked (`BPF_COMPLEXITY_LIMIT_JMP_SEQ`). */
export const MAX_PENDING = 8192;
/** Immediates that are kept as registers; a power of two. */
export const IMMEDIATES = 256;
/** Subprograms a program may have, the entry included. */
export const MAX_SUBPROGRAMS = 256;
/** A pointer's offset must stay below this, and a variable one too (`BPF_MAX_VAR_OFF`). */
export const MAX_OFFSET: number = 1 << 29;

/** A subprogram as the verifier comes to know it. */
export interface SubprogramInfo {
  readonly name: string;
  readonly start: number;
  /** The slot behind its last. */
  readonly end: number;
  readonly isGlobal: boolean;
  /** By its BTF function; undefined where it has none. */
  readonly prototype: Prototype | undefined;
  /** Bytes. Grows as stores are seen. */
  stackDepth: number;
  hasTailCall: boolean;
  hasLegacyLoad: boolean;
  changesPacket: boolean;
  isCallback: boolean;
  isAsyncCallback: boolean;
  /** A global one that some verified code calls. */
  called: boolean;
  verified: boolean;
  /** Bytes of its frames do not count towards the sum: it has a stack of its own. */
  privateStack: boolean;
}

/** What the checks before the walk found out for each slot. */
export interface SlotInfo {
  /** States are compared here. */
  readonly prunePoint: Uint8Array;
  /** The way here goes into the history. */
  readonly jumpPoint: Uint8Array;
  /** A state is kept here whatever the heuristics say. */
  readonly checkpoint: Uint8Array;
  readonly callsCallback: Uint8Array;
  /** The loop a slot is in, from 1 on; 0: none. */
  readonly component: Int32Array;
  /** Registers that may be read at or after the slot, a bit each. */
  readonly liveRegisters: Uint16Array;
  /** The kind of pointer a load or store was made through, which must stay one kind. */
  readonly pointerType: Int32Array;
  readonly seen: Uint8Array;
}

/** A path that waits. */
export interface Pending {
  readonly state: State;
  readonly slot: number;
  readonly previousSlot: number;
  readonly logLength: number;
}

/** What is known of a call of `bpf_loop`: whether it is the same loop on every path, so that it can be made inline. */
export interface LoopCall {
  canInline: boolean;
  readonly callback: number;
}

/** All that one call of `verify` works on. */
export interface Verification {
  readonly program: Program;
  readonly profile: Profile;
  /** `major * 100 + minor` of the profile's kernel. */
  readonly version: number;
  readonly code: Code;
  readonly subprograms: SubprogramInfo[];
  /** The map a 64-bit load names, by its slot. */
  readonly mapAt: ReadonlyMap<number, { readonly map: MapInfo; readonly offset: number | undefined }>;
  readonly slots: SlotInfo;
  readonly log: Log;
  readonly history: History;
  readonly liveness: StackLiveness;
  /** Immediate operands as registers, at their low bits. */
  readonly immediates: Register[];
  readonly search: Search;
  readonly ids: Ids;
  readonly facts: FactCollector;
  /** By the slot of the call. */
  readonly loops: Map<number, LoopCall>;
  readonly hasFunctionInfo: boolean;
  readonly strictAlignment: boolean;
  readonly everyState: boolean;
  /** Bytes of a `raw` program's memory. */
  readonly memorySize: number;
  readonly cpus: number;
  /** Lines of the reason, should the instruction being walked be refused. */
  readonly reason: string[];
  readonly pending: Pending[];
  /** Kept states by slot and call site, as the kernel hashes them. */
  explored: (State[] | undefined)[];
  /** Loops by the calls that led to them. */
  visits: Map<string, LoopVisit>;
  state: State;
  slot: number;
  previousSlot: number;
  nextId: number;
  processed: number;
  jumps: number;
  previousProcessed: number;
  previousJumps: number;
  maxStatesPerSlot: number;
  totalStates: number;
  /** Kept states, also those dropped from their list that paths still start from, and states of back edges. */
  currentStates: number;
  peakStates: number;
  /** Registers and stack slots of the current frame that the log has yet to show. */
  scratchedRegisters: number;
  scratchedLow: number;
  scratchedHigh: number;
}

/** Adds a line to the log and to the reason, should there be one. */
export function say(v: Verification, line: string): void {
  v.reason.push(line);
  write(v.log, `${line}\n`);
}

/** Refuses the program. `lines` are the kernel's words. */
export function reject(v: Verification, errno: RejectionErrno, ...lines: string[]): never {
  for (const line of lines) say(v, line);
  throw new Rejection(errno, lines.at(-1) ?? "");
}

/** The frame being walked. */
export const frameOf = (v: Verification): Frame => currentFrame(v.state);

/** A register of the frame being walked. */
export const reg = (v: Verification, number: number): Register => currentFrame(v.state).regs[number]!;

/** Replaces a register of the frame being walked. */
export function setReg(v: Verification, number: number, value: Register): void {
  currentFrame(v.state).regs[number] = value;
  v.scratchedRegisters |= 1 << number;
}

/** The frame a stack pointer points into. */
export const frameOfPointer = (v: Verification, pointer: Register): Frame => v.state.frames[pointer.aux]!;

/** Marks a slot of the stack as changed, for the log. */
export function scratchSlot(v: Verification, spi: number): void {
  if (spi < 32) v.scratchedLow |= 1 << spi;
  else v.scratchedHigh |= 1 << (spi - 32);
}

/** Marks everything as changed, for the log. */
export function scratchAll(v: Verification): void {
  v.scratchedRegisters = v.scratchedLow = v.scratchedHigh = -1;
}

/** Gives a scalar an id before it is copied, so that what is learned of one copy holds for the other. */
export function linkBeforeCopy(v: Verification, r: Register): Register {
  if (r.type !== SCALAR) return r;
  let { id, off } = r;
  if ((id & ADD_CONST) !== 0) id = off = 0;
  if (id === 0 && !isKnown(r.num)) id = ++v.nextId;
  if (id === r.id && off === r.off) return r;
  return { type: SCALAR, off, num: r.num, id, ref: r.ref, aux: r.aux, map: r.map, struct: r.struct, dynptr: r.dynptr };
}

/** Whether the program may sleep. */
export const isSleepable = (v: Verification): boolean => ((v.program.flags ?? 0) & LOAD_FLAGS.BPF_F_SLEEPABLE) !== 0;

/** A version as `major * 100 + minor`. Read at every call of a helper, so without arrays. */
export function versionNumber(version: string): number {
  const dot = version.indexOf(".");
  const minor = dot < 0 ? 0 : Number.parseInt(version.slice(dot + 1), 10);
  return Number.parseInt(version, 10) * 100 + minor;
}

/** Whether the profile's kernel is at least a version, as `major * 100 + minor`. */
export const since = (v: Verification, version: number): boolean => v.version >= version;
