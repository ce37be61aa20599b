import type {
  CallbackIteration,
  Fault,
  FrameInfo,
  HelperCall,
  LinkSet,
  Region,
  RunContext,
  RunOptions,
  RunResult,
} from "@bpfkit/core";
import { FRAME_BYTES } from "@bpfkit/core";
import { FAULT, FIELDS, FUNCTION_BASE, MAY_GOTO_LIMIT, STACK_FRAMES, STACK_STRIDE } from "./context.js";
import { faultOf, type Reason, reasonOf } from "./fault.js";
import { keptFrames, slotAfter } from "./frames.js";
import { findTailCall } from "./helper-call.js";
import { loadPacket } from "./packet.js";
import type { RunBuffer } from "./run-context.js";
import type { Site } from "./sites.js";
import { imageAt, type Unit, type Units } from "./units.js";

/** Instructions between two looks at `cancel`: some milliseconds. */
const PORTION = 1 << 22;
/** Budget of each run in a loop where none was given, so that it ends some time. */
const LOOP_BUDGET = 2 ** 50;
/** Answers to machine code. */
const GO_ON = 0;
const STOP = 1;

/** One run, and the JavaScript side of it: helpers, callbacks, fuel, faults. Reused, since making one is not free. */
export class Run {
  readonly buffer: RunBuffer;
  readonly #set: LinkSet;
  readonly #units: Units;
  readonly #checked: boolean;
  readonly #stackTop: number;
  readonly #stackEnd: number;
  readonly #call: HelperCall & { context: RunContext };
  #options: RunOptions = {};
  #unit!: Unit;
  /** Instructions of the budget not yet given out as fuel, and given out so far. */
  #budgetLeft = 0;
  #given = 0;
  #reason: Reason | undefined;
  #faultProgram = 0;
  #faultSlot = 0;
  /** Where the budget ended, or a cancel was seen. */
  #fuelSlot = 0;
  #frames: FrameInfo[] = [];
  #epoch = -1;
  /** Down to where the stack may not be zero. */
  #dirtyFrom: number;

  constructor(set: LinkSet, units: Units, buffer: RunBuffer, stack: Region, checked: boolean, call: HelperCall) {
    this.#set = set;
    this.#units = units;
    this.buffer = buffer;
    this.#checked = checked;
    this.#stackTop = stack.start + stack.size;
    this.#stackEnd = this.#stackTop - (STACK_FRAMES - 1) * STACK_STRIDE;
    this.#dirtyFrom = this.#stackTop;
    this.#call = { ...call, args: buffer.args };
    buffer.setInteger(FIELDS.stackTop, this.#stackTop);
    buffer.setInteger(FIELDS.frameLimit, this.#frameLimit());
    buffer.setInteger(FIELDS.frameLimitStart, this.#frameLimit());
    buffer.setInteger(FIELDS.openLimit, this.#stackTop);
    buffer.setInteger(FIELDS.stackBottom, this.#stackEnd - STACK_STRIDE);
    buffer.setInteger(FIELDS.lowestFrame, this.#stackTop);
    buffer.setInteger(FIELDS.mayGotoLeft, MAY_GOTO_LIMIT);
    buffer.remember();
  }

  /** Sets everything for a run, as if nothing had run before. */
  begin(unit: Unit, context: RunContext, options: RunOptions): void {
    const { buffer } = this;
    this.#unit = unit;
    this.#options = options;
    this.#call.context = context;
    this.#reason = undefined;
    this.#frames = [];
    this.#budgetLeft = options.budget ?? Number.POSITIVE_INFINITY;
    this.#given = 0;
    this.#clearStack();
    buffer.reset();
    buffer.set64(FIELDS.args, context.r1, 0);
    buffer.set64(FIELDS.args, context.r2, 1);
    if (this.#checked) buffer.setInteger(FIELDS.fuel, this.#portion());
    const { memory, effects } = this.#set;
    if (memory.views.i64 !== undefined) buffer.set(FIELDS.cpu, effects.cpu());
  }

  /** The lowest r10 that may still call in the entry's program. */
  #frameLimit(): number {
    return this.#stackTop - (this.#set.profile.maxFrames - 1) * STACK_STRIDE;
  }

  /** What an earlier run left must not decide what this one reads. */
  #clearStack(): void {
    if (this.#dirtyFrom < this.#stackTop) this.#set.memory.views.u8.fill(0, this.#dirtyFrom, this.#stackTop);
    this.#dirtyFrom = this.#stackTop;
  }

  /** Notes how much of the stack may have been written. */
  #noteStack(): void {
    const depth = Math.min(this.#units.maxDepth, this.#set.profile.maxFrames);
    const lowest = this.buffer.getInteger(FIELDS.lowestFrame) - depth * STACK_STRIDE;
    this.#dirtyFrom = Math.max(lowest, this.#stackEnd - STACK_STRIDE);
  }

  /** Runs the program from its entry to its end. */
  toEnd(): RunResult {
    this.enter(this.#unit, this.#unit.main);
    const result = this.#result();
    this.close();
    return result;
  }

  /** After a run: frames it opened are invalid again, and nothing of what it wrote there is left. */
  close(): void {
    if (this.#checked) this.#closeFrames();
    else this.#noteStack();
  }

  #closeFrames(): void {
    const { memory } = this.#set;
    const low = this.buffer.getInteger(FIELDS.openLimit) - FRAME_BYTES;
    memory.views.u8.fill(0, low, this.#stackTop);
    const first = this.#stackTop - FRAME_BYTES;
    if (low < first) memory.permit(low, first - low, "none");
  }

  /** Makes the next frame valid; a fault where the stack has none. */
  #openFrame(): Reason | undefined {
    const { buffer } = this;
    const deepest = buffer.getInteger(FIELDS.openLimit);
    if (deepest <= this.#stackEnd) {
      return { kind: "stack-overflow", what: `no room for another frame; a stack has ${STACK_FRAMES}` };
    }
    buffer.setInteger(FIELDS.openLimit, deepest - STACK_STRIDE);
    this.#set.memory.permit(deepest - STACK_STRIDE - FRAME_BYTES, FRAME_BYTES, "read-write");
    return undefined;
  }

  get faulted(): boolean {
    return this.#reason !== undefined;
  }

  /** Ends a loop between two runs. */
  cancel(): void {
    this.#reason = { kind: "cancelled", what: "the run was cancelled" };
    this.#faultProgram = this.#unit.id;
    this.#faultSlot = 0;
  }

  /** Runs as many times as the context says, each with a budget of its own. */
  enterLoop(): void {
    const { buffer } = this;
    this.#takeViews();
    const unit = this.#unit;
    const depth = Math.min(this.#units.maxDepth, this.#set.profile.maxFrames) * STACK_STRIDE;
    buffer.setInteger(FIELDS.clearBytes, depth);
    buffer.setInteger(FIELDS.fuelStart, Math.min(this.#options.budget ?? LOOP_BUDGET, LOOP_BUDGET));
    this.#budgetLeft = 0;
    unit.loop(buffer.address, unit.main);
    if (buffer.get(FIELDS.fault) !== FAULT.none) this.#collect();
  }

  /** Calls machine code of an image; what stopped it, if anything did, is noted with its frames. */
  enter(unit: Unit, target: bigint): void {
    const { buffer } = this;
    this.#takeViews();
    unit.entry(buffer.address, target);
    if (buffer.get(FIELDS.fault) !== FAULT.none) this.#collect();
  }

  /** Memory is another one after it grew, which it never does in a run. */
  #takeViews(): void {
    const { views } = this.#set.memory;
    if (views.epoch === this.#epoch) return;
    this.#units.prove();
    this.#epoch = views.epoch;
    const { buffer } = this;
    buffer.set64(FIELDS.base, this.#units.addressOf(views.u8));
    buffer.set64(FIELDS.readShadow, this.#units.addressOf(views.readShadow));
    buffer.set64(FIELDS.writeShadow, this.#units.addressOf(views.writeShadow));
    buffer.setInteger(FIELDS.shadowLimit, views.readShadow.length);
  }

  #result(): RunResult {
    const { buffer } = this;
    const fault = this.fault();
    const instructions = this.#given - Math.max(buffer.getInteger(FIELDS.fuel), 0);
    const tailCalls =
      this.#set.profile.tailCallCount === "shared" ? buffer.get(FIELDS.tailCallCount) : buffer.get(FIELDS.tailCalls);
    return {
      r0: fault === undefined ? buffer.get64(FIELDS.r0) : 0n,
      ...(this.#checked ? { instructions } : {}),
      tailCalls,
      missedTailCalls: buffer.get(FIELDS.missedTailCalls),
      ...(fault === undefined ? {} : { fault }),
    };
  }

  /** Sums over a loop, where the level counts. */
  loopCounts(): Pick<RunResult, "instructions" | "tailCalls" | "missedTailCalls"> {
    const { buffer } = this;
    if (!this.#checked) return {};
    return {
      instructions: buffer.getInteger(FIELDS.instructions),
      tailCalls: buffer.get(FIELDS.tailCalls),
      missedTailCalls: buffer.get(FIELDS.missedTailCalls),
    };
  }

  /** What ended the run early. */
  fault(): Fault | undefined {
    if (this.#reason === undefined) return undefined;
    const { program } = this.#units.unit(this.#faultProgram).compiled;
    return faultOf(this.#reason, program, this.#faultSlot, this.#frames);
  }

  #portion(): number {
    const portion = Math.min(PORTION, this.#budgetLeft);
    this.#budgetLeft -= portion;
    this.#given += portion;
    return portion;
  }

  /** Machine code asks for what only JavaScript can do. */
  ask(number: number, id: number): number {
    const site = this.#units.unit(id).compiled.sites.at(number);
    try {
      const reason = this.#answer(site, id);
      if (reason === undefined) return GO_ON;
      this.#raise(reason, id, number, site);
    } catch (error) {
      if (this.#reason === undefined) this.#raise(reasonOf(error, this.#nameOf(site)), id, number, site);
    }
    return STOP;
  }

  #nameOf(site: Site): string {
    if (site.kind === "kfunc") return site.name;
    return site.kind === "helper" ? this.#set.helpers.get(site.helper)!.name : site.kind;
  }

  #raise(reason: Reason, id: number, site: number, { slot }: Site): void {
    const { buffer } = this;
    if (this.#reason === undefined) {
      this.#reason = reason;
      this.#faultProgram = id;
      this.#faultSlot = reason.kind === "budget" || reason.kind === "cancelled" ? this.#fuelSlot : slot;
    }
    buffer.set(FIELDS.site, site);
    buffer.set(FIELDS.program, id);
    buffer.set(FIELDS.fault, FAULT.raised);
  }

  #answer(site: Site, id: number): Reason | undefined {
    if (site.kind === "helper") return this.#helper(site.helper);
    if (site.kind === "kfunc") return this.#helper(site.name);
    if (site.kind === "fuel") return this.#refuel(this.#units.unit(id), site.slot, site.count);
    if (site.kind === "open-frame") return this.#openFrame();
    if (site.kind === "tail-call") return findTailCall(this.buffer, this.#units, this.#set.profile.tailCallLimit);
    if (site.kind === "packet") loadPacket(this.buffer, this.#set.memory.views, this.#call.context.packet, site.size);
    return undefined;
  }

  /** The group of instructions from `slot` on did not fit into what was left. */
  #refuel(unit: Unit, slot: number, count: number): Reason | undefined {
    const { buffer } = this;
    let fuel = buffer.getInteger(FIELDS.fuel);
    const { budget, cancel } = this.#options;
    while (fuel < 0) {
      if (cancel?.cancelled || this.#budgetLeft === 0) {
        this.#fuelSlot = slotAfter(unit, slot, fuel + count);
        return cancel?.cancelled && this.#budgetLeft > 0
          ? { kind: "cancelled", what: "the run was cancelled" }
          : { kind: "budget", what: `the budget of ${budget} instructions is used up` };
      }
      fuel += this.#portion();
    }
    buffer.setInteger(FIELDS.fuel, fuel);
    return undefined;
  }

  #helper(id: number | string): Reason | undefined {
    const helper = this.#set.helpers.get(id)!;
    if (helper.kind === "intrinsic") return undefined;
    const answer = helper.body(this.#call);
    if (typeof answer === "object") return this.#iterate(answer);
    this.#return(answer);
    return undefined;
  }

  #return(value: number | bigint): void {
    if (typeof value === "bigint") this.buffer.set64(FIELDS.r0, value);
    else this.buffer.setInteger(FIELDS.r0, value);
  }

  /** Runs a helper's callback as often as it wants; each has a frame below the caller's. */
  #iterate(iteration: CallbackIteration): Reason | undefined {
    const { buffer } = this;
    const frame = buffer.getInteger(FIELDS.frame);
    const saved = [0, 1, 2, 3].map((element) => buffer.get64(FIELDS.saved, element));
    const limit = buffer.get64(FIELDS.frameLimit);
    const count = buffer.get64(FIELDS.tailCallCount);
    const byValue = this.#set.profile.tailCallCount === "by-value";
    let [low, high] = [0, 0];
    while (iteration.next(buffer.args, low, high)) {
      const index = (iteration.callback >>> 0) - FUNCTION_BASE;
      const target = this.#units.functions[index];
      if (target === undefined) {
        return { kind: "helper", what: `0x${(iteration.callback >>> 0).toString(16)} is no function of the program` };
      }
      if (frame <= (this.#checked ? Number(limit) : this.#stackEnd)) return this.#tooDeep();
      const full = this.#checked && frame <= buffer.getInteger(FIELDS.openLimit) ? this.#openFrame() : undefined;
      if (full !== undefined) return full;
      for (let element = 0; element < 4; element++) buffer.set64(FIELDS.saved, saved[element]!, element);
      buffer.setInteger(FIELDS.stackTop, frame - STACK_STRIDE);
      const unit = this.#units.unit(target.id);
      this.enter(unit, BigInt(unit.address + imageAt(unit, target.start).at));
      if (this.#reason !== undefined) return this.#reason;
      buffer.set64(FIELDS.frameLimit, limit);
      if (byValue) buffer.set64(FIELDS.tailCallCount, count);
      [low, high] = [Number(BigInt.asIntN(32, buffer.get64(FIELDS.r0))), Number(buffer.get64(FIELDS.r0) >> 32n) | 0];
    }
    this.#return(iteration.result());
    return undefined;
  }

  #tooDeep(): Reason {
    const { maxFrames } = this.#set.profile;
    const what = `a call would make ${maxFrames + 1} frames in one program; at most ${maxFrames} are allowed`;
    return { kind: "call-depth", what };
  }

  /** After machine code left with a fault: what it was, unless it is known, and the frames of this entry. */
  #collect(): void {
    const { buffer } = this;
    const unit = this.#units.unit(buffer.get(FIELDS.program));
    const site = unit.compiled.sites.at(buffer.get(FIELDS.site));
    if (this.#reason === undefined) {
      this.#reason = this.#nativeReason(site);
      this.#faultProgram = unit.id;
      this.#faultSlot = site.slot;
    }
    const slot = this.#frames.length === 0 ? this.#faultSlot : site.slot;
    this.#frames.push(...keptFrames(this.#units, buffer, unit, site, slot));
  }

  #nativeReason(site: Site): Reason {
    const { buffer } = this;
    const kind = buffer.get(FIELDS.fault);
    if (site.kind === "access") {
      const access = kind === FAULT.read ? "read" : "write";
      const address = buffer.get64(FIELDS.operand);
      return { kind: access, what: this.#set.memory.explain(access, address, site.size), address, size: site.size };
    }
    if (kind === FAULT.callDepth) return this.#tooDeep();
    if (site.kind === "not-available") return { kind: "not-available", what: site.reason };
    return { kind: "bad-jump", what: "no instruction begins here; a function must end with exit or a jump" };
  }
}
