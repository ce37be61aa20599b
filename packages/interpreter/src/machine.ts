import type {
  CallbackIteration,
  Fault,
  HelperCall,
  LinkSet,
  MapStorage,
  MemoryViews,
  Region,
  RunContext,
} from "@bpfkit/core";
import { atomicAccess, runAtomic } from "./atomics.js";
import { straddles } from "./checks.js";
import { faultOf, memoryFaultOf, thrownFaultOf } from "./fault.js";
import type { Images } from "./images.js";
import { NO_INSTRUCTION } from "./keys.js";
import {
  CALLBACK,
  ENTRY,
  FRAME_WORDS,
  FUNCTION_BASE,
  MAY_GOTO_LIMIT,
  STACK_BYTES_A_WORD,
  STACK_STRIDE,
  STRIDE,
} from "./layout.js";
import { loadPacket } from "./packet.js";
import { FAULTED, MOVED, NEXT } from "./status.js";

/** What the last tail call did, for traces. */
export interface LastTailCall {
  map: string;
  index: number;
  missed: "index" | "count" | "empty" | undefined;
}

/** A helper that calls back, in the middle of it. */
interface RunningIteration {
  readonly iteration: CallbackIteration;
  /** The place of the helper call. */
  readonly pc: number;
}

/** Frames a run may need: as many as the profile lets a chain of tail calls keep. */
export function frameCount({ profile }: LinkSet): number {
  return (profile.tailCallLimit + 1) * profile.maxFrames;
}

/**
 * The state of one run, and what happens in it outside the dispatch loop: callbacks, helpers, tail calls, faults.
 * `pc` is a word index in `code`; `fp` is the word index of the running frame in `frames`.
 */
export class Machine {
  /** r0–r10 as halves, low first. */
  readonly registers: Int32Array = new Int32Array(22);
  readonly frames: Int32Array;
  /** Calls are refused from this frame on: the stack has no room for one more. */
  readonly frameLimit: number;
  /** Words of frames one program may have beyond its first. */
  readonly programFrames: number;
  /** r10 of the first frame. */
  readonly stackTop: number;
  readonly byValue: boolean;
  readonly set: LinkSet;
  readonly images: Images;
  readonly lastTailCall: LastTailCall = { map: "", index: 0, missed: undefined };
  code: Int32Array;
  pc = 0;
  fp = 0;
  /** The frame the running program began in. */
  programBase = 0;
  fuel = 0;
  tailCallCount = 0;
  tailCalls = 0;
  missedTailCalls = 0;
  /** Callback frames made so far. */
  callbacks = 0;
  mayGotoLeft: number = MAY_GOTO_LIMIT;
  fault: Fault | undefined = undefined;
  context!: RunContext;
  #views: MemoryViews;
  #call!: HelperCall;
  readonly #iterations: RunningIteration[] = [];

  constructor(set: LinkSet, images: Images, stack: Region) {
    this.set = set;
    this.images = images;
    this.code = images.code;
    this.#views = set.memory.views;
    this.stackTop = stack.start + stack.size;
    this.frames = new Int32Array(frameCount(set) * FRAME_WORDS);
    this.frameLimit = this.frames.length - FRAME_WORDS;
    this.programFrames = (set.profile.maxFrames - 1) * FRAME_WORDS;
    this.byValue = set.profile.tailCallCount === "by-value";
  }

  get views(): MemoryViews {
    return this.#views;
  }

  /** Sets everything for a run of a program, as if nothing had run before. */
  begin(entry: number, context: RunContext): void {
    this.#views = this.set.memory.views;
    this.#clearStack();
    this.context = context;
    this.#call = helperCall(this, context);
    this.code = this.images.code;
    this.registers.fill(0);
    setRegister(this.registers, 1, context.r1);
    setRegister(this.registers, 2, context.r2);
    this.registers[20] = this.stackTop;
    this.frames[0] = ENTRY;
    this.park(entry, 0, 0, 0);
    this.tailCallCount = 0;
    this.tailCalls = 0;
    this.missedTailCalls = 0;
    this.mayGotoLeft = MAY_GOTO_LIMIT;
    this.fault = undefined;
    this.#iterations.length = 0;
  }

  /** What an earlier run left must not decide what this one reads. A used frame is one whose first word was set. */
  #clearStack(): void {
    let used = 0;
    while (used < this.frames.length && this.frames[used] !== 0) used += FRAME_WORDS;
    this.frames.fill(0, 0, used);
    this.#views.u8.fill(0, this.stackTop - (used / FRAME_WORDS) * STACK_STRIDE, this.stackTop);
  }

  /** Takes over the dispatch loop's own variables. */
  park(pc: number, fp: number, programBase: number, fuel: number): void {
    this.pc = pc;
    this.fp = fp;
    this.programBase = programBase;
    this.fuel = fuel;
  }

  /** A failed load or store through a register (by its index in `registers`). */
  memoryFault(access: "read" | "write", pc: number, fp: number, fuel: number, register: number, size: number): number {
    this.park(pc, fp, this.programBase, fuel);
    const base = getRegister(this.registers, register / 2);
    const address = BigInt.asUintN(64, base + BigInt(this.code[pc + 2]!));
    this.fault = memoryFaultOf(this, access, address, size);
    return FAULTED;
  }

  /** A call that one program, or the stack, has no frame for. */
  tooDeep(pc: number, fp: number, programBase: number, fuel: number): number {
    this.park(pc, fp, programBase, fuel);
    const { maxFrames } = this.set.profile;
    this.fault =
      fp - programBase >= this.programFrames
        ? faultOf(
            this,
            "call-depth",
            `a call would make ${maxFrames + 1} frames in one program; at most ${maxFrames} are allowed`,
          )
        : faultOf(this, "stack-overflow", `no stack is left for a frame beyond ${frameCount(this.set)}`);
    return FAULTED;
  }

  /** A slot without an instruction, or one that nothing in the link set can carry out. */
  unusable(key: number): number {
    this.fault =
      key === NO_INSTRUCTION
        ? faultOf(this, "bad-jump", "no instruction begins here; a function must end with exit or a jump")
        : faultOf(this, "not-available", this.images.reasons[this.code[this.pc + 1]!]!);
    return FAULTED;
  }

  /** Carries out an atomic; false after a fault. */
  atomic(pc: number, fp: number, fuel: number, dst: number, src: number, size: number): boolean {
    const operation = this.code[pc + 1]!;
    const { access, base } = atomicAccess(operation);
    const register = base === "dst" ? dst : src;
    const address = (this.registers[register]! + this.code[pc + 2]!) | 0;
    const shadow = access === "read" ? this.#views.readShadow : this.#views.writeShadow;
    const high = this.registers[register + 1]!;
    if (high !== 0 || !((address & 7) + size <= shadow[address >>> 3]!)) {
      if (!straddles(shadow, high, address, size)) {
        this.memoryFault(access, pc, fp, fuel, register, size);
        return false;
      }
    }
    runAtomic(this.registers, this.#views.data, address >>> 0, size, operation, dst, src);
    return true;
  }

  /** A legacy load from the packet into r0; false past its end. */
  loadPacket(offset: number, size: number): boolean {
    return loadPacket(this.registers, this.#views, this.context.packet, offset, size);
  }

  /** Calls a helper of the set: `NEXT`, `MOVED` into a callback, or `FAULTED`. */
  callHelper(id: number): number {
    const helper = this.set.helpers.get(id)!;
    try {
      if (helper.kind === "body") {
        this.#return(helper.body(this.#call));
        return NEXT;
      }
      if (helper.kind !== "callback") return this.tailCall();
      const iteration = helper.body(this.#call);
      if (typeof iteration === "number") {
        this.#return(iteration);
        return NEXT;
      }
      this.#iterations.push({ iteration, pc: this.pc });
      return this.#iterate(0, 0);
    } catch (error) {
      this.fault = thrownFaultOf(this, error, helper.name);
      return FAULTED;
    }
  }

  /** After a callback's exit: again, or on behind the helper call. */
  nextCallback(): number {
    try {
      return this.#iterate(this.registers[0]!, this.registers[1]!);
    } catch (error) {
      this.fault = thrownFaultOf(this, error, "callback");
      return FAULTED;
    }
  }

  #iterate(r0Low: number, r0High: number): number {
    const { iteration, pc } = this.#iterations.at(-1)!;
    if (iteration.next(this.#call.args, r0Low, r0High)) return this.#pushCallback(iteration.callback, pc);
    this.#iterations.pop();
    this.#return(iteration.result());
    this.pc = pc + STRIDE;
    return MOVED;
  }

  #pushCallback(callback: number, pc: number): number {
    this.pc = pc;
    const entry = this.images.functions[(callback >>> 0) - FUNCTION_BASE];
    if (entry === undefined) {
      this.fault = faultOf(this, "helper", `0x${(callback >>> 0).toString(16)} is no function of the program`);
      return FAULTED;
    }
    if (this.fp - this.programBase >= this.programFrames || this.fp >= this.frameLimit) {
      return this.tooDeep(pc, this.fp, this.programBase, this.fuel);
    }
    this.callbacks++;
    this.fp += FRAME_WORDS;
    this.frames[this.fp] = CALLBACK;
    this.frames.set(this.registers.subarray(12, 20), this.fp + 1);
    this.frames[this.fp + 9] = this.programBase;
    this.frames[this.fp + 10] = this.tailCallCount;
    this.frames[this.fp + 11] = pc;
    this.registers[20] = this.stackTop - this.fp * STACK_BYTES_A_WORD;
    this.pc = entry;
    return MOVED;
  }

  #return(value: number | bigint): void {
    if (typeof value === "bigint") setRegister(this.registers, 0, value);
    else {
      this.registers[0] = value;
      this.registers[1] = Math.floor(value / 4294967296);
    }
  }

  /**
   * `tail_call(ctx, array, index)`: the running frame becomes the target's, whose exit then goes to this frame's caller.
   * Tests index, count, slot in this order and counts what succeeds, as the x86-64 JIT of Linux 6.12 does.
   */
  tailCall(): number {
    const { registers, lastTailCall } = this;
    const table = registers[5] === 0 ? this.images.tables.get(registers[4]! >>> 0) : undefined;
    if (table === undefined) {
      this.fault = faultOf(
        this,
        "tail-call",
        `r2 is 0x${getRegister(registers, 2).toString(16)}, which is no program array`,
      );
      return FAULTED;
    }
    const index = registers[6]! >>> 0;
    lastTailCall.map = table.array.spec.name;
    lastTailCall.index = index;
    if (index >= table.array.spec.maxEntries) return this.#missed("index");
    if (this.tailCallCount >= this.set.profile.tailCallLimit) return this.#missed("count");
    const entry = table.entries.get(index);
    if (entry === undefined) return this.#missed("empty");
    lastTailCall.missed = undefined;
    this.tailCallCount++;
    this.tailCalls++;
    this.code = this.images.code;
    this.programBase = this.fp;
    this.pc = entry;
    return MOVED;
  }

  #missed(reason: "index" | "count" | "empty"): number {
    this.lastTailCall.missed = reason;
    this.missedTailCalls++;
    return NEXT;
  }
}

function helperCall(machine: Machine, context: RunContext): HelperCall {
  const { memory, effects, maps } = machine.set;
  const all = [...maps.values()];
  return {
    args: machine.registers.subarray(2, 12),
    memory,
    effects,
    context,
    maps: all,
    map: (header: number): MapStorage => {
      const map = machine.images.headers.get(header >>> 0);
      if (map === undefined) throw new RangeError(`0x${(header >>> 0).toString(16)} is no map`);
      return map;
    },
  };
}

/** A register's 64 bits, unsigned. */
export function getRegister(registers: Int32Array, index: number): bigint {
  return (BigInt(registers[2 * index + 1]! >>> 0) << 32n) | BigInt(registers[2 * index]! >>> 0);
}

function setRegister(registers: Int32Array, index: number, value: bigint): void {
  registers[2 * index] = Number(BigInt.asIntN(32, value));
  registers[2 * index + 1] = Number(BigInt.asIntN(32, value >> 32n));
}
