import { programTypeByName } from "@bpfkit/abi";
import type { MapSpec, Profile, Program } from "@bpfkit/core";
import { checkAttachTarget, checkAttachType } from "./attach.js";
import { readCode, slotsAt } from "./code.js";
import { newIds } from "./compare.js";
import { findComponents } from "./components.js";
import { checkControlFlow } from "./control-flow.js";
import { programDigests } from "./digest.js";
import { Rejection, VerifierError } from "./error.js";
import { makeClaims, newFacts, publish } from "./fact-collector.js";
import { instructionText } from "./format.js";
import { checkFunctionInfoOrder, checkFunctionInfoPlaces } from "./function-info.js";
import { newHistory } from "./history.js";
import { checkKfuncs } from "./kfunc-call.js";
import { cut, logText, newLog, write } from "./log.js";
import type { MapField } from "./map-info.js";
import { CLASS_JMP, JCOND } from "./opcode.js";
import { newSearch } from "./precision-search.js";
import { type ProgramTypes, programTypes } from "./prototype.js";
import { ZERO_SCALAR } from "./register.js";
import { computeLiveRegisters } from "./register-liveness.js";
import { checkInstructions, mapTable, resolveReferences } from "./resolve.js";
import { checkStackDepth } from "./stack-depth.js";
import { newStackLiveness } from "./stack-liveness.js";
import type { State } from "./state.js";
import { checkAbnormalReturns, checkSubprograms, findSubprograms } from "./subprograms.js";
import { taintedRegisters } from "./taint.js";
import type { Statistics, Verdict } from "./verdict.js";
import {
  IMMEDIATES,
  MAX_PROCESSED,
  reject,
  type SlotInfo,
  type SubprogramInfo,
  say,
  since,
  type Verification,
  versionNumber,
} from "./verification.js";
import { type Progress, walkFunction } from "./walk.js";

/** What a program is verified against. */
export interface VerifyOptions {
  /** The specs of the maps it names. */
  readonly maps: ReadonlyMap<string, MapSpec>;
  /** Whose rules apply. */
  readonly profile: Profile;
  /** 0: the last message only; 1 and 2: the kernel's log. Default 0. */
  readonly logLevel?: 0 | 1 | 2;
  /** Special fields of maps' values by map name, where the maps' BTF says so. */
  readonly mapFields?: ReadonlyMap<string, readonly MapField[]>;
  /** Bytes behind r1 of a `raw` program. Default 0. */
  readonly memorySize?: number;
  /** CPUs of the machine, which `bpf_get_smp_processor_id` stays below. Default 8192, the most Linux can have. */
  readonly cpus?: number;
  /** Polled every few thousand instructions. */
  readonly cancel?: { readonly cancelled: boolean };
  /** Called every few thousand processed instructions. */
  readonly onProgress?: (processed: number, limit: number) => void;
  /** Whether the verdict carries facts per instruction. Default true. */
  readonly facts?: boolean;
}

/** Load flags (uapi/linux/bpf.h). */
const F_STRICT_ALIGNMENT = 1;
const F_ANY_ALIGNMENT = 2;
const F_TEST_STATE_FREQ = 8;

function newSlots(length: number): SlotInfo {
  return {
    prunePoint: new Uint8Array(length),
    jumpPoint: new Uint8Array(length),
    checkpoint: new Uint8Array(length),
    callsCallback: new Uint8Array(length),
    component: new Int32Array(length),
    liveRegisters: new Uint16Array(length),
    pointerType: new Int32Array(length),
    seen: new Uint8Array(length),
  };
}

function begin(program: Program, options: VerifyOptions, types: ProgramTypes): Verification {
  const code = readCode(program);
  const flags = program.flags ?? 0;
  const maps = mapTable(options.maps, options.mapFields ?? new Map());
  return {
    program,
    profile: options.profile,
    version: versionNumber(options.profile.version),
    code,
    subprograms: [],
    mapAt: resolveReferences(program, maps),
    slots: newSlots(code.length),
    log: newLog(options.logLevel ?? 0),
    history: newHistory(),
    liveness: newStackLiveness(),
    immediates: new Array(IMMEDIATES).fill(ZERO_SCALAR),
    search: newSearch(),
    ids: newIds(),
    loops: new Map(),
    facts: newFacts(code.length, options.facts ?? true),
    hasFunctionInfo: types.hasFunctionInfo,
    strictAlignment: (flags & F_STRICT_ALIGNMENT) !== 0 && (flags & F_ANY_ALIGNMENT) === 0,
    everyState: (flags & F_TEST_STATE_FREQ) !== 0,
    memorySize: options.memorySize ?? 0,
    cpus: options.cpus ?? 8192,
    reason: [],
    pending: [],
    explored: [],
    visits: new Map(),
    state: undefined as unknown as State,
    slot: 0,
    previousSlot: -1,
    nextId: 0,
    processed: 0,
    jumps: 0,
    previousProcessed: 0,
    previousJumps: 0,
    maxStatesPerSlot: 0,
    totalStates: 0,
    currentStates: 0,
    peakStates: 0,
    scratchedRegisters: 0,
    scratchedLow: 0,
    scratchedHigh: 0,
  };
}

/** Lists for each instruction the registers that it or a later one may read. */
function logLiveRegisters(v: Verification): void {
  write(v.log, "Live regs before insn:\n");
  for (let slot = 0; slot < v.code.length; slot += slotsAt(v.code, slot)) {
    const live = v.slots.liveRegisters[slot]!;
    const shown = Array.from({ length: 10 }, (_, number) => (((live >>> number) & 1) === 1 ? number : ".")).join("");
    const loop = v.slots.component[slot] === 0 ? "" : `${v.slots.component[slot]}`;
    write(v.log, `${loop.padStart(3)} ${`${slot}`.padStart(3)}: ${shown} ${instructionText(v.code, slot)}\n`);
  }
}

/** Slots a program may have; before 5.2 they were 4096. */
const maxSlots = (v: Verification): number => (since(v, 502) ? MAX_PROCESSED : 4096);

/** What is checked before any path is walked, in the kernel's order. */
function checkStructure(v: Verification, types: ProgramTypes): void {
  if (v.code.length === 0 || v.code.length > maxSlots(v)) reject(v, "E2BIG");
  checkAttachType(v);
  const functions = v.program.btf?.functions ?? [];
  if (v.hasFunctionInfo) checkFunctionInfoOrder(v, functions);
  checkKfuncs(v);
  findSubprograms(v, types);
  if (v.log.level >= 2)
    for (const [index, { start }] of v.subprograms.entries()) write(v.log, `func#${index} @${start}\n`);
  checkSubprograms(v);
  if (v.hasFunctionInfo) checkFunctionInfoPlaces(v, functions);
  checkAbnormalReturns(v);
  checkInstructions(v);
  const postorder = checkControlFlow(v);
  checkAttachTarget(v);
  computeLiveRegisters(v, postorder);
  makeClaims(v.facts, v.slots.liveRegisters);
  findComponents(v);
  if (v.log.level >= 2) logLiveRegisters(v);
}

/** Walks every global function that verified code calls, by its prototype. */
function walkGlobals(v: Verification, progress: Progress): void {
  for (let found = true; found; ) {
    found = false;
    v.subprograms.forEach((subprogram, index) => {
      if (!subprogram.isGlobal || !subprogram.called || subprogram.verified) return;
      walkFunction(v, index, progress);
      say(v, `Func#${index} ('${subprogram.name}') is safe for any args that match its prototype`);
      subprogram.verified = true;
      found = true;
    });
  }
}

function statistics(v: Verification): Statistics {
  return {
    insnsProcessed: Math.min(v.processed, MAX_PROCESSED + 1),
    maxStatesPerInsn: v.maxStatesPerSlot,
    totalStates: v.totalStates,
    peakStates: v.peakStates,
  };
}

/** Frames by subprogram; those no path came to are gone from a program that was accepted. */
function stackDepths(v: Verification, isAccepted: boolean): readonly number[] {
  const isReached = ({ start, end }: SubprogramInfo): boolean => v.slots.seen.subarray(start, end).includes(1);
  return v.subprograms
    .filter((subprogram, index) => !isAccepted || index === 0 || isReached(subprogram))
    .map(({ stackDepth }) => stackDepth);
}

function statisticsText(s: Statistics): string {
  const counts = `max_states_per_insn ${s.maxStatesPerInsn} total_states ${s.totalStates} peak_states ${s.peakStates}`;
  return `processed ${s.insnsProcessed} insns (limit ${MAX_PROCESSED}) ${counts} mark_read 0\n`;
}

/** Lines that show states beside a reason. */
const STATES = /^(cur|old) state:/;

function finish(v: Verification, rejection: Rejection | undefined): Verdict {
  const message = rejection === undefined ? "" : v.reason.filter((line) => !STATES.test(line)).join("\n");
  if (v.log.level === 0) cut(v.log, 0);
  if (v.log.level === 0 && rejection !== undefined) write(v.log, `${message}\n`);
  const stats = statistics(v);
  const stackDepth = stackDepths(v, rejection === undefined);
  write(v.log, statisticsText(stats));
  return {
    verdict: rejection === undefined ? "accept" : "reject",
    ...(rejection === undefined ? {} : { errno: rejection.errno, message, slot: v.slot }),
    log: logText(v.log),
    ...stats,
    stackDepth,
    subprograms: v.subprograms.map(({ name, start, isGlobal, stackDepth: bytes }) => ({
      name,
      start,
      isGlobal,
      stackDepth: bytes,
    })),
    ...(v.facts.isOn ? { facts: publish(v.facts, taintedRegisters(v)) } : {}),
    profile: v.profile.version,
    digests: programDigests(
      v.program,
      [...v.mapAt.values()].map(({ map }) => map.spec),
    ),
  };
}

/** Stack that loops which are made inline need for their registers. */
const INLINE_LOOP_BYTES = 24;

/** What the kernel does to a program it accepted changes its frames: loops are made inline. */
function growForInlineLoops(v: Verification): void {
  for (const subprogram of v.subprograms) {
    const inlines = [...v.loops].some(
      ([slot, { canInline }]) => canInline && slot >= subprogram.start && slot < subprogram.end,
    );
    if (inlines) subprogram.stackDepth = Math.ceil(subprogram.stackDepth / 8) * 8 + INLINE_LOOP_BYTES;
  }
}

/** Stack of a subprogram with `may_goto`: the count down, and from 6.15 on, where the JIT can, the time it began. */
function mayGotoBytes({ profile, version }: Verification): number {
  const timedSince = profile.arch === "x86-64" ? 615 : profile.arch === "arm64" ? 618 : Infinity;
  return version >= timedSince ? 16 : 8;
}

function growForMayGoto(v: Verification): void {
  for (const subprogram of v.subprograms) {
    for (let slot = subprogram.start; slot < subprogram.end; slot++) {
      if (v.slots.seen[slot] === 0 || v.code.opcode[slot] !== (CLASS_JMP | JCOND)) continue;
      subprogram.stackDepth = Math.ceil(subprogram.stackDepth / 8) * 8 + mayGotoBytes(v);
      break;
    }
  }
}

function run(v: Verification, types: ProgramTypes, progress: Progress): void {
  checkStructure(v, types);
  walkFunction(v, 0, progress);
  walkGlobals(v, progress);
  checkStackDepth(v);
  if (since(v, 519)) growForInlineLoops(v);
  growForMayGoto(v);
}

/**
 * Gives the verdict the kernel of a profile would give, in its words, with what is known at each instruction. Runs nothing,
 * allocates no map, and keeps nothing between calls.
 * @throws {VerifierError} where there can be no verdict: `BAD_CODE`, `UNKNOWN_MAP`, `UNKNOWN_PROGRAM_TYPE`, `CANCELLED`,
 * `UNSUPPORTED`. @throws {BtfError} for damaged BTF. A rejected program is a verdict, not an error.
 */
export function verify(program: Program, options: VerifyOptions): Verdict {
  if (program.type !== "raw" && programTypeByName(program.type) === undefined) {
    const what = `program type ${program.type} is not known; give the kernel's name in lower case, as xdp`;
    throw new VerifierError("UNKNOWN_PROGRAM_TYPE", what, { program: program.name });
  }
  const types = programTypes(program);
  const v = begin(program, options, types);
  const progress: Progress = { cancel: options.cancel, onProgress: options.onProgress };
  try {
    run(v, types, progress);
    return finish(v, undefined);
  } catch (error) {
    if (error instanceof Rejection) return finish(v, error);
    throw error;
  }
}
