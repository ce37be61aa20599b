import type { CallbackIteration, Fault, HelperCall, LinkSet, MapStorage, RunContext } from "@bpfkit/core";
import { isLoad, runAtomic } from "./atomics.js";
import { straddles } from "./checks.js";
import { faultOf, memoryFaultOf, thrownFaultOf } from "./fault.js";
import type { Images, JumpTable } from "./images.js";
import { NO_INSTRUCTION } from "./keys.js";
import {
  CALLBACK,
  ENTRY,
  FRAME_WORDS,
  FUNCTION_BASE,
  MAY_GOTO_LIMIT,
  STACK_BYTES_A_WORD,
  STACK_FRAMES,
  STRIDE,
} from "./layout.js";
import { loadPacket } from "./packet.js";
import { runSharedAtomic } from "./shared-atomics.js";
import { type Stack, Stacks } from "./stacks.js";
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
  /** The helper's name. */
  readonly name: string;
  /** The place of the helper call. */
  readonly pc: number;
}

/** The mode bit of legacy loads whose offset is a register's and an immediate's sum (RFC 9669 §5.5). */
const IND = 0x40;

/** What helpers see of a machine; the context is the run's. */
type MachineHelperCall = { -readonly [key in keyof HelperCall]: HelperCall[key] };

/**
 * The state of one run, and what happens in it outside the dispatch loop: callbacks, helpers, tail calls, faults.
 * `pc` is a word index in `code`; `fp` is the word index of the running frame in `frames`.
 */
export class Machine {
  /** r0–r10 as halves, low first. */
  readonly registers: Int32Array = new Int32Array(22);
  /** The same, whole. */
  readonly #registers64: BigInt64Array;
  /** A value on its way to memory, by halves and whole. */
  readonly #halves = new Int32Array(2);
  readonly #whole = new BigInt64Array(this.#halves.buffer);
  readonly frames: Int32Array = new Int32Array(STACK_FRAMES * FRAME_WORDS);
  /** Words of frames one program may have beyond its first. */
  readonly programFrames: number;
  readonly byValue: boolean;
  readonly set: LinkSet;
  readonly images: Images;
  readonly lastTailCall: LastTailCall = { map: "", index: 0, missed: undefined };
  /** r10 of the run's first frame. */
  stackTop = 0;
  /** The last frame whose stack is valid: a call from here needs `openFrame` first. */
  lastOpenFrame = 0;
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
  readonly #stacks: Stacks;
  #stack!: Stack;
  /** The run's first frame on its stack. */
  #firstFrame = 0;
  readonly #call: MachineHelperCall;
  readonly #iterations: RunningIteration[] = [];

  constructor(set: LinkSet, images: Images, context: RunContext) {
    this.set = set;
    this.images = images;
    this.#registers64 = new BigInt64Array(this.registers.buffer);
    this.code = images.code;
    this.programFrames = (set.profile.maxFrames - 1) * FRAME_WORDS;
    this.byValue = set.profile.tailCallCount === "by-value";
    this.#stacks = Stacks.of(set.memory);
    this.#call = helperCall(this, context);
  }

  /** Sets everything for a run of a program, as if nothing had run before. @throws as `Stacks.take`. */
  begin(entry: number, context: RunContext, lifetime: "nested" | "free"): void {
    this.#call.context = context;
    this.code = this.images.code;
    this.registers.fill(0);
    setRegister(this.registers, 1, context.r1);
    setRegister(this.registers, 2, context.r2);
    this.#stack = this.#stacks.take(lifetime);
    this.#firstFrame = this.#stack.open;
    this.#stack.openFrame();
    this.stackTop = this.#stack.pointerOf(this.#firstFrame);
    this.registers[20] = this.stackTop;
    this.lastOpenFrame = 0;
    this.frames[0] = ENTRY;
    this.park(entry, 0, 0, 0);
    this.tailCallCount = 0;
    this.tailCalls = 0;
    this.missedTailCalls = 0;
    this.callbacks = 0;
    this.mayGotoLeft = MAY_GOTO_LIMIT;
    this.fault = undefined;
    this.#iterations.length = 0;
  }

  /** Carries out a part of the run. */
  during<T>(part: () => T): T {
    return this.#stacks.on(this.#stack, part);
  }

  /** Gives the stack back. */
  end(): void {
    this.#stacks.give(this.#stack, this.#firstFrame);
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

  /** Makes room for a call where the machine stands; false after a fault: the program, or the stack, has no frame for it. */
  openFrame(): boolean {
    const { maxFrames } = this.set.profile;
    if (this.fp - this.programBase >= this.programFrames) {
      const what = `a call would make ${maxFrames + 1} frames in one program; at most ${maxFrames} are allowed`;
      this.fault = faultOf(this, "call-depth", what);
    } else if (this.fp === this.lastOpenFrame) {
      if (this.#stack.openFrame()) this.lastOpenFrame += FRAME_WORDS;
      else this.fault = faultOf(this, "stack-overflow", `no room for another frame; a stack has ${STACK_FRAMES}`);
    }
    return this.fault === undefined;
  }

  /** A slot without an instruction, or one that nothing in the link set can carry out. */
  unusable(key: number): number {
    this.fault =
      key === NO_INSTRUCTION
        ? faultOf(this, "bad-jump", "no instruction begins here; a function must end with exit or a jump")
        : faultOf(this, "not-available", this.images.reasons.at(this.code[this.pc + 1]!)!);
    return FAULTED;
  }

  /** Carries out an atomic; false after a fault. */
  atomic(pc: number, fp: number, fuel: number, dst: number, src: number, size: number): boolean {
    const operation = this.code[pc + 1]!;
    const { views } = this.set.memory;
    const { readShadow, writeShadow, data, i64 } = views;
    const loads = isLoad(operation);
    const register = loads ? src : dst;
    const shadow = loads ? readShadow : writeShadow;
    const high = this.registers[register + 1]!;
    const address = (this.registers[register]! + this.code[pc + 2]!) | 0;
    if (high !== 0 || !((address & 7) + size <= shadow[address >>> 3]!)) {
      if (!straddles(shadow, high, address, size)) {
        this.memoryFault(loads ? "read" : "write", pc, fp, fuel, register, size);
        return false;
      }
    }
    if (i64 === undefined) runAtomic(this.registers, data, address >>> 0, size, operation, dst, src);
    else if ((address & (size - 1)) !== 0) {
      this.park(pc, fp, this.programBase, fuel);
      const what = `an atomic of ${size} bytes at 0x${(address >>> 0).toString(16)}: in memory that threads share its address must be a multiple of ${size}`;
      this.fault = { ...faultOf(this, loads ? "read" : "write", what), address: BigInt(address >>> 0), size };
      return false;
    } else runSharedAtomic(this.registers, this.#registers64, views, address >>> 0, size, operation, dst, src);
    return true;
  }

  /** Loads 8 bytes from memory that threads share: one access, where they are aligned. */
  loadWhole(address: number, dst: number): void {
    const { i64, data } = this.set.memory.views;
    if ((address & 7) === 0) this.#registers64[dst >>> 1] = i64![address >>> 3]!;
    else {
      this.registers[dst] = data.getInt32(address, true);
      this.registers[dst + 1] = data.getInt32(address + 4, true);
    }
  }

  /** Stores 8 bytes in the same way. */
  storeWhole(address: number, low: number, high: number): void {
    const { i64, data } = this.set.memory.views;
    if ((address & 7) === 0) {
      this.#halves[0] = low;
      this.#halves[1] = high;
      i64![address >>> 3] = this.#whole[0]!;
    } else {
      data.setInt32(address, low, true);
      data.setInt32(address + 4, high, true);
    }
  }

  /** A legacy load from the packet into r0, by its opcode; past the packet's end r0 is 0 and it is false. */
  loadPacket(opcode: number, src: number, imm: number): boolean {
    const { registers } = this;
    const offset = (opcode & IND) === 0 ? imm : (registers[src]! + imm) | 0;
    return loadPacket(registers, this.set.memory.views, this.#call.context.packet, offset, 4 >>> ((opcode >>> 3) & 3));
  }

  /** Calls a helper by its number among the images': `NEXT`, `MOVED` into a callback, or `FAULTED`. */
  callHelper(index: number): number {
    const helper = this.images.helpers.at(index)!;
    try {
      if (helper.kind === "body") {
        this.#return(helper.body(this.#call));
        return NEXT;
      }
      const iteration = helper.body(this.#call);
      if (typeof iteration === "number") {
        this.#return(iteration);
        return NEXT;
      }
      this.#iterations.push({ iteration, name: helper.name, pc: this.pc });
      return this.#iterate(0, 0);
    } catch (error) {
      this.fault = thrownFaultOf(this, error, "helper", helper.name);
      return FAULTED;
    }
  }

  /** After a callback's exit: again, or on behind the helper call. */
  nextCallback(): number {
    const { name, pc } = this.#iterations.at(-1)!;
    this.pc = pc;
    try {
      return this.#iterate(this.registers[0]!, this.registers[1]!);
    } catch (error) {
      this.fault = thrownFaultOf(this, error, "helper", name);
      return FAULTED;
    }
  }

  #iterate(r0Low: number, r0High: number): number {
    const { iteration } = this.#iterations.at(-1)!;
    if (iteration.next(this.#call.args, r0Low, r0High)) return this.#pushCallback(iteration.callback);
    this.#iterations.pop();
    this.#return(iteration.result());
    this.pc += STRIDE;
    return MOVED;
  }

  #pushCallback(callback: number): number {
    const entry = this.images.functions.at((callback >>> 0) - FUNCTION_BASE);
    if (entry === undefined) {
      this.fault = faultOf(this, "helper", `0x${(callback >>> 0).toString(16)} is no function of the program`);
      return FAULTED;
    }
    if (!this.openFrame()) return FAULTED;
    const { frames, registers } = this;
    this.callbacks++;
    this.fp += FRAME_WORDS;
    frames[this.fp] = CALLBACK;
    for (let word = 0; word < 8; word++) frames[this.fp + 1 + word] = registers[12 + word]!;
    frames[this.fp + 9] = this.programBase;
    frames[this.fp + 10] = this.tailCallCount;
    frames[this.fp + 11] = this.pc;
    registers[20] = this.stackTop - this.fp * STACK_BYTES_A_WORD;
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
    const table = registers[5] === 0 ? this.#tableAt(registers[4]! >>> 0) : undefined;
    if (table === undefined) {
      const what = `r2 is 0x${getRegister(registers, 2).toString(16)}, which is no program array`;
      this.fault ??= faultOf(this, "tail-call", what);
      return FAULTED;
    }
    const index = registers[6]! >>> 0;
    lastTailCall.map = table.array.spec.name;
    lastTailCall.index = index;
    if (index >= table.array.spec.maxEntries) return this.#missed("index");
    if (this.tailCallCount >= this.set.profile.tailCallLimit) return this.#missed("count");
    const entry = table.entryAt(index);
    if (entry === undefined) return this.#missed("empty");
    lastTailCall.missed = undefined;
    this.tailCallCount++;
    this.tailCalls++;
    this.code = this.images.code;
    this.programBase = this.fp;
    this.pc = entry;
    return MOVED;
  }

  /** The table of a program array; undefined where there is none, or after a fault: one of its programs cannot be linked. */
  #tableAt(header: number): JumpTable | undefined {
    try {
      return this.images.tableAt(header);
    } catch (error) {
      this.fault = thrownFaultOf(this, error, "tail-call", "tail_call");
      return undefined;
    }
  }

  #missed(reason: "index" | "count" | "empty"): number {
    this.lastTailCall.missed = reason;
    this.missedTailCalls++;
    return NEXT;
  }
}

function helperCall({ set, images, registers }: Machine, context: RunContext): MachineHelperCall {
  return {
    args: registers.subarray(2, 12),
    memory: set.memory,
    effects: set.effects,
    context,
    get maps() {
      return [...set.maps.values()];
    },
    map: (header: number): MapStorage => {
      const map = images.mapAt(header);
      if (map === undefined) throw new RangeError(`0x${header.toString(16)} is no map`);
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
