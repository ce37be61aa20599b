import type { Reference } from "@bpfkit/core";
import type { Row } from "@bpfkit/isa";
import { Assembler, type Condition, type Form, type FormName, form, type Label, type Operand, RSP } from "@bpfkit/x64";
import { field } from "./context.js";
import { liveAfter } from "./liveness.js";
import { type FunctionPlan, LOOP, type ProgramPlan } from "./plan.js";
import { REGISTERS, SCRATCH2 } from "./registers.js";
import type { Scratch } from "./scratch.js";
import type { Site, Sites } from "./sites.js";
import { type CompileContext, STUBS, type Stub } from "./unit.js";

/** The BPF instruction under translation; one object, reused. */
export interface Current {
  row: Row;
  dst: number;
  src: number;
  offset: number;
  imm: number;
  /** The second slot's immediate. */
  nextImm: number;
  slot: number;
}

/** Loops begin here, as compilers have it; checked code is large enough without. */
const LOOP_ALIGNMENT = 16;

/** Code put behind the function, out of its way. */
type Cold = () => void;

/** Return address of a local call, by a label: where the callers of a frame are told from. */
export interface CallSite {
  readonly label: Label;
  readonly slot: number;
  /** What r10 was lowered by. */
  readonly stackBytes: number;
  /** Bytes pushed between the frame's own saved registers and the return address. */
  readonly pushed: number;
}

/** What is known of a register within a block: a map, r10 plus so many bytes, or the low 32 bits of a number. */
export type Known = { readonly map: string } | { readonly frame: number } | number | undefined;

/** A place in the frame, so many bytes on; anything else becomes unknown. */
export function framePlus(known: Known, bytes: number): Known {
  return typeof known === "object" && "frame" in known ? { frame: known.frame + bytes } : undefined;
}

/** The state of one function's translation. Everything that writes code goes through here. */
export class Emitter {
  readonly code: Assembler;
  readonly context: CompileContext;
  readonly plan: ProgramPlan;
  readonly fn: FunctionPlan;
  /** One list for the whole program. */
  readonly sites: Sites;
  readonly callSites: CallSite[] = [];
  readonly checked: boolean;
  /** BPF registers the prologue saves, in the order of pushes. */
  readonly saves: readonly number[];
  /** Labels of slots; -1 where not yet asked for. */
  readonly slotLabels: Int32Array;
  /** Maps and constants in registers, told from the block so far. */
  readonly known: Known[] = [];
  /** Accesses whose failure is written behind the function, by the numbers `memory.ts` gives them: there are many. */
  readonly accesses: number[] = [];
  private readonly scratch: Scratch;
  private readonly cold: Cold[] = [];
  /** Instructions not yet taken off the fuel, and the slot of the first of them. */
  private pending = 0;
  private pendingSlot = 0;
  /** For each place that takes fuel off: its label out of line, the one to go back to, and its site. Numbers, since there are many. */
  private readonly refills: number[] = [];
  private live: Uint16Array | undefined;
  private leaveLabel: Label | undefined;
  private readonly nearStubs = new Map<Stub, Label>();

  constructor(
    plan: ProgramPlan,
    fn: FunctionPlan,
    context: CompileContext,
    sites: Sites,
    saves: readonly number[],
    scratch: Scratch,
  ) {
    const checked = context.safety === "checked";
    this.code = new Assembler(Math.max(256, fn.slots.length * (checked ? 32 : 8)), context.keepText);
    this.plan = plan;
    this.fn = fn;
    this.context = context;
    this.sites = sites;
    this.checked = checked;
    this.saves = saves;
    this.scratch = scratch;
    this.slotLabels = scratch.slotLabels;
  }

  emit(form: Form, first?: Operand, second?: Operand, third?: Operand): void {
    this.code.emit(form, first, second, third);
  }

  /** The label of a slot of this function. */
  labelOf(slot: number): Label {
    if (this.slotLabels[slot]! < 0) this.slotLabels[slot] = this.code.label();
    return this.slotLabels[slot]!;
  }

  referenceAt(slot: number): Reference | undefined {
    return this.plan.references.get(slot);
  }

  /** Whether the address register of an access might hold more than guest memory and its guard reach. */
  mustConfine(slot: number): boolean {
    return this.plan.confine?.[slot] !== 0;
  }

  /** Whether nothing wants a register's value after an instruction. */
  isDeadAfter(slot: number, register: number): boolean {
    this.live ??= liveAfter(this.plan, this.fn, !this.checked, this.scratch);
    return (this.live[slot]! & (1 << register)) === 0;
  }

  /** Begins a slot: its label, and nothing known any more where control may come from elsewhere. */
  beginSlot(slot: number, leader: number): void {
    if (leader !== 0) {
      this.flushFuel();
      this.known.length = 0;
      if (leader === LOOP && !this.checked) this.code.align(LOOP_ALIGNMENT);
    }
    if (this.slotLabels[slot]! >= 0) this.code.bind(this.slotLabels[slot]!);
    // A jump back comes to where control may come from elsewhere; a listing asks for all.
    else if (leader !== 0 || this.context.keepText === true) this.slotLabels[slot] = this.code.mark();
  }

  site(site: Site): number {
    return this.sites.add(site);
  }

  /** Writes `body` behind the function; its label is where to jump. */
  outOfLine(body: Cold): Label {
    const label = this.code.label();
    this.cold.push(() => {
      this.code.bind(label);
      body();
    });
    return label;
  }

  /** Writes what was put off. */
  finishCold(): void {
    this.finishRefills();
    // Writing one may put off another.
    for (let next = 0; next < this.cold.length; next++) this.cold[next]!();
  }

  /** Jumps to a stub of the program, with the number of a site. */
  jumpToStub(stub: Stub, site?: number): void {
    if (site !== undefined) this.emit(MOV_R32_IMM32, SCRATCH2, site);
    this.code.callFixup(STUBS[stub], true);
  }

  callStub(stub: Stub, site: number): void {
    this.emit(MOV_R32_IMM32, SCRATCH2, site);
    this.code.callFixup(STUBS[stub]);
  }

  /**
   * A jump to a stub, behind the function, which may itself be called or jumped to: the last pass then has one field to fill
   * in for all that go there.
   */
  nearStub(stub: Stub): Label {
    let label = this.nearStubs.get(stub);
    if (label === undefined) {
      label = this.outOfLine(() => this.jumpToStub(stub));
      this.nearStubs.set(stub, label);
    }
    return label;
  }

  /** Leaves the run where the last callback asked for it (its answer is in the flags). */
  leaveUnlessZero(): void {
    this.leaveLabel ??= this.outOfLine(() => this.jumpToStub("leave"));
    this.code.jump(this.leaveLabel, "ne");
  }

  /** Counts instructions; they are taken off the fuel before the next thing that could be told from outside. */
  count(slot: number, instructions = 1): void {
    if (!this.checked) return;
    if (this.pending === 0) this.pendingSlot = slot;
    this.pending += instructions;
  }

  /**
   * Takes the counted instructions off the fuel. Since nothing among them can be seen from outside but the last, which has
   * not run yet, a budget that ends within them ends exactly at the right one.
   */
  flushFuel(): void {
    if (this.pending === 0) return;
    const { pending: count, pendingSlot: slot } = this;
    this.pending = 0;
    const site = this.site({ kind: "fuel", slot, count, start: this.fn.start });
    this.emit(count < 128 ? SUB_M64_IMM8 : SUB_M64_IMM32, FUEL, count);
    const refill = this.code.label();
    this.code.jump(refill, "s");
    this.refills.push(refill, this.code.mark(), site);
  }

  /** Where fuel has run out: JavaScript gives more, or ends the run. */
  private finishRefills(): void {
    if (this.refills.length === 0) return;
    const refill = this.code.label();
    for (let at = 0; at < this.refills.length; at += 3) {
      this.code.bind(this.refills[at]!);
      this.emit(MOV_R32_IMM32, SCRATCH2, this.refills[at + 2]!);
      this.code.call(refill);
      this.code.jump(this.refills[at + 1]!);
    }
    this.refills.length = 0;
    this.code.bind(refill);
    this.code.callFixup(STUBS.ask);
    const stop = this.code.label();
    this.code.jump(stop, "ne");
    this.emit(RET);
    this.code.bind(stop);
    // Without its own return address: frames are told from the stack.
    this.emit(ADD_M64_IMM8, RSP, 8);
    this.jumpToStub("leave");
  }

  jump(label: Label, condition?: Condition): void {
    this.code.jump(label, condition);
  }
}

const FUEL = field("fuel");
const MOV_R32_IMM32: Form = form("mov r32, imm32");
const SUB_M64_IMM8: Form = form("sub r/m64, imm8");
const ADD_M64_IMM8: Form = form("add r/m64, imm8");
const RET: Form = form("ret");
const SUB_M64_IMM32: Form = form("sub r/m64, imm32");

/** A form for 32 and for 64 bits. */
export interface Pair {
  readonly 32: Form;
  readonly 64: Form;
}

/** Both widths of a form; `N` stands for the width in its name: `add r/mN, rN`. */
export function pair(name: string): Pair {
  const of = (width: number): Form => form(name.replaceAll("N", String(width)) as FormName);
  return { 32: of(32), 64: of(64) };
}

/** The machine register of a BPF register. */
export function machine(register: number): number {
  return REGISTERS[register]!;
}
