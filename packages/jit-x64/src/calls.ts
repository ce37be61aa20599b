import { isProgramArray } from "@bpfkit/core";
import type { Operation } from "@bpfkit/isa";
import { form, type Label, RAX } from "@bpfkit/x64";
import type { Translate } from "./arithmetic.js";
import { field, STACK_STRIDE } from "./context.js";
import { type Current, type Emitter, type Known, machine, pair } from "./emitter.js";
import { INTRINSICS } from "./intrinsics.js";
import { KFUNC_INTRINSICS } from "./kfuncs.js";
import { targetOf } from "./plan.js";
import { FRAME, SCRATCH, SCRATCH2 } from "./registers.js";

const PUSH = form("push r64");
const POP = form("pop r64");
const PUSH_M = form("push r/m64");
const POP_M = form("pop r/m64");
const RET = form("ret");
const SUB_IMM = form("sub r/m64, imm32");
const ADD_IMM = form("add r/m64, imm32");
const CMP64_M = form("cmp r64, r/m64");
const CMP32_IMM = form("cmp r/m32, imm32");
const CMP_M32_IMM8 = form("cmp r/m32, imm8");
const INC_M32 = form("inc r/m32");
const MOV_IMM64 = form("mov r64, imm64");
const MOV32 = form("mov r/m32, r32");
const MOV64_LOAD = form("mov r64, r/m64");
const MOV64_STORE = form("mov r/m64, r64");
const TEST64 = form("test r/m64, r64");
const JMP = form("jmp r/m64");
const LEA64 = form("lea r64, m");
const LEA32 = form("lea r32, m");
const XOR = pair("xor r/mN, rN");

/** Saves the registers the function uses, where its caller's values are in them. */
export function emitPrologue(e: Emitter): void {
  for (const register of e.saves) e.emit(PUSH, machine(register));
}

export function emitEpilogue(e: Emitter): void {
  for (const register of e.saves.toReversed()) e.emit(POP, machine(register));
  e.emit(RET);
}

/** Ends the run at an instruction nothing in the link set can carry out. */
export function emitNotAvailable(e: Emitter, slot: number, reason: string): void {
  e.flushFuel();
  e.jumpToStub("notAvailable", e.site({ kind: "not-available", slot, reason, start: e.fn.start }));
}

const exit: Translate = (e) => {
  e.flushFuel();
  emitEpilogue(e);
};

const call: Translate = (e, i) => {
  const { row, slot, imm } = i;
  const reference = e.referenceAt(slot);
  if (reference?.kind === "extern" || row.name === "callKfunc") {
    const symbol = reference?.kind === "extern" ? reference.symbol : undefined;
    const kfunc = symbol === undefined ? undefined : e.context.helpers.get(symbol);
    if (symbol !== undefined && kfunc !== undefined && kfunc.kind !== "intrinsic") callKfunc(e, slot, symbol);
    else {
      const what = symbol ?? `with BTF id ${imm}`;
      emitNotAvailable(e, slot, `kernel function ${what} is not available outside the kernel`);
    }
  } else if (row.name === "callLocal") callLocal(e, i);
  else callHelper(e, i);
};

function callHelper(e: Emitter, i: Current): void {
  const { slot, imm } = i;
  const helper = e.context.helpers.get(imm);
  if (helper === undefined) {
    emitNotAvailable(e, slot, `helper ${e.context.helperName?.(imm) ?? "?"}#${imm} is not available here`);
    return;
  }
  e.flushFuel();
  if (helper.kind === "intrinsic") {
    tailCall(e, i);
    return;
  }
  if (helper.kind === "body" && INTRINSICS[helper.name]?.(e, i)) return;
  e.callStub("ask", e.site({ kind: "helper", slot, helper: imm, start: e.fn.start }));
  e.leaveUnlessZero();
}

/** A kernel function that the link set has. */
function callKfunc(e: Emitter, slot: number, name: string): void {
  e.flushFuel();
  if (KFUNC_INTRINSICS[name]?.(e)) return;
  e.callStub("ask", e.site({ kind: "kfunc", slot, name, start: e.fn.start }));
  e.leaveUnlessZero();
}

/** A call like any other, but to an image whose address the last pass fills in. */
function callLocal(e: Emitter, i: Current): void {
  const { slot } = i;
  const target = targetOf(e.plan.table, i.row, slot);
  const callee = e.plan.functions.get(target)!;
  e.flushFuel();
  if (e.checked) {
    const tooDeep = e.outOfLine(() =>
      e.jumpToStub("callDepth", e.site({ kind: "call-depth", slot, start: e.fn.start })),
    );
    e.emit(CMP64_M, FRAME, field("frameLimit"));
    e.jump(tooDeep, "be");
    openFrame(e, slot);
  }
  // What a tail call below changes for its own program only.
  const kept = callee.tailCalls
    ? [...(e.checked ? [field("frameLimit")] : []), ...(byValue(e) ? [field("tailCallCount")] : [])]
    : [];
  const stackBytes = e.checked || (callee.stack && e.fn.ownStack) ? STACK_STRIDE : 0;
  for (const place of kept) e.emit(PUSH_M, place);
  if (stackBytes > 0) e.emit(SUB_IMM, FRAME, stackBytes);
  e.code.callFixup(target);
  e.callSites.push({ label: e.code.mark(), slot, stackBytes, pushed: kept.length * 8 });
  if (stackBytes > 0) e.emit(ADD_IMM, FRAME, stackBytes);
  for (const place of kept.toReversed()) e.emit(POP_M, place);
}

/** Frames are valid only as deep as a run has called: the first call from the deepest makes one more valid. */
function openFrame(e: Emitter, slot: number): void {
  const opened = e.code.label();
  const open = e.outOfLine(() => {
    e.callStub("openFrame", e.site({ kind: "open-frame", slot, start: e.fn.start }));
    e.leaveUnlessZero();
    e.jump(opened);
  });
  e.emit(CMP64_M, FRAME, field("openLimit"));
  e.jump(open, "be");
  e.code.bind(opened);
}

function byValue(e: Emitter): boolean {
  return e.context.profile.tailCallCount === "by-value";
}

/**
 * `tail_call(ctx, array, index)`: jumps past the prologue of the target, which finds the frame as its own prologue would
 * have left it. Falls through where index, count or slot forbid it.
 */
function tailCall(e: Emitter, { slot }: Current): void {
  const missed = e.outOfLine(() => {
    e.emit(INC_M32, field("missedTailCalls"));
    e.jump(end);
  });
  const end = e.code.label();
  const known = e.known[2];
  const array = typeof known === "object" && "map" in known ? e.context.maps.get(known.map) : undefined;
  const slots = array !== undefined && isProgramArray(array) ? e.context.jumpSlots(array) : undefined;
  if (array !== undefined && slots !== undefined) findTarget(e, array.spec.maxEntries, slots, e.known[3], missed);
  else {
    e.callStub("ask", e.site({ kind: "tail-call", slot, start: e.fn.start }));
    e.leaveUnlessZero();
    e.emit(MOV64_LOAD, SCRATCH, field("operand"));
    e.emit(TEST64, SCRATCH, SCRATCH);
    // JavaScript counted what happened.
    e.jump(end, "e");
  }
  enterTarget(e);
  e.code.bind(end);
}

/** The target's address into the first scratch register, counted; or a jump to `missed`. */
function findTarget(e: Emitter, maxEntries: number, slots: bigint, index: Known, missed: Label): void {
  if (typeof index === "number") {
    if (index >= maxEntries) {
      e.jump(missed);
      return;
    }
    e.emit(MOV_IMM64, SCRATCH, slots + BigInt(index * 8));
  } else {
    e.emit(MOV32, SCRATCH2, machine(3));
    e.emit(CMP32_IMM, SCRATCH2, maxEntries);
    e.jump(missed, "ae");
    e.emit(MOV_IMM64, SCRATCH, slots);
  }
  const { tailCallLimit } = e.context.profile;
  e.emit(tailCallLimit < 128 ? CMP_M32_IMM8 : CMP32_IMM, field("tailCallCount"), tailCallLimit);
  e.jump(missed, "ae");
  e.emit(
    MOV64_LOAD,
    SCRATCH,
    typeof index === "number" ? { base: SCRATCH } : { base: SCRATCH, index: SCRATCH2, scale: 8 },
  );
  e.emit(TEST64, SCRATCH, SCRATCH);
  e.jump(missed, "e");
  e.emit(INC_M32, field("tailCallCount"));
  if (byValue(e)) e.emit(INC_M32, field("tailCalls"));
}

/** The target is in the first scratch register and counted. */
function enterTarget(e: Emitter): void {
  if (e.checked) {
    // The target may have as many frames as a program may.
    e.emit(LEA64, SCRATCH2, { base: FRAME, displacement: -(e.context.profile.maxFrames - 1) * STACK_STRIDE });
    e.emit(MOV64_STORE, field("frameLimit"), SCRATCH2);
  }
  if (e.fn.start !== 0) {
    const lower = e.code.label();
    e.emit(CMP64_M, FRAME, field("lowestFrame"));
    e.jump(lower, "ae");
    e.emit(MOV64_STORE, field("lowestFrame"), FRAME);
    e.code.bind(lower);
  }
  e.emit(JMP, SCRATCH);
}

/** Legacy packet loads (RFC 9669 §5.5): past the packet's end the function ends with 0 (kernel: `bpf_gen_ld_abs`). */
const loadPacket: Translate = (e, { row, src, imm, slot }) => {
  const indirect = row.form === "skb[src+imm]";
  e.flushFuel();
  e.emit(LEA32, SCRATCH, indirect ? { base: machine(src), displacement: imm } : { displacement: imm });
  e.emit(MOV64_STORE, field("operand"), SCRATCH);
  e.callStub("ask", e.site({ kind: "packet", slot, size: row.width! / 8, start: e.fn.start }));
  e.leaveUnlessZero();
  const past = e.outOfLine(() => {
    e.emit(XOR[32], RAX, RAX);
    emitEpilogue(e);
  });
  e.emit(CMP_M32_IMM8, field("packetEnd"), 0);
  e.jump(past, "ne");
};

/** Calls, exit and packet loads, by operation. */
export const CALLS: { readonly [operation in Operation]?: Translate } = { call, exit, loadPacket };
