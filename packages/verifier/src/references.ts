import { isPacketPointer, mayBeNull, PTR_TO_PACKET_END, type Register, UNKNOWN_SCALAR } from "./register.js";
import { isSpill, withSpilled } from "./stack-slot.js";
import type { State } from "./state.js";
import { frameOf, reject, say, since, type Verification } from "./verification.js";

/** Replaces every register and spilled register of a state for which `change` gives another. */
export function changeRegisters(state: State, change: (r: Register) => Register): void {
  for (const frame of state.frames) {
    const { regs, stack } = frame;
    for (let number = 0; number < 11; number++) {
      const changed = change(regs[number]!);
      if (changed !== regs[number]) regs[number] = changed;
    }
    for (let spi = 0; spi < stack.length; spi++) {
      const slot = stack[spi]!;
      if (!isSpill(slot)) continue;
      const changed = change(slot.reg);
      if (changed !== slot.reg) stack[spi] = withSpilled(slot, changed);
    }
  }
}

/** Makes every register for which `isGone` holds an unknown number: what it pointed to is no more. */
export function invalidateRegister(v: Verification, isGone: (r: Register) => boolean): void {
  changeRegisters(v.state, (r) => (isGone(r) ? UNKNOWN_SCALAR : r));
}

/** The packet may have moved: no pointer into it is valid any more. */
export function forgetPacketPointers(v: Verification): void {
  invalidateRegister(v, (r) => isPacketPointer(r.type) || r.type === PTR_TO_PACKET_END);
}

/** Takes a reference that must be given back; returns its id. */
export function acquireReference(v: Verification): number {
  const id = ++v.nextId;
  const { callbackRange, index } = frameOf(v);
  const callback = callbackRange === undefined ? 0 : index;
  v.state.references = [...v.state.references, { id, slot: v.slot, callback }];
  return id;
}

/** Gives a reference back; false: there is no such reference. The pointers to it become plain numbers. */
export function releaseReference(v: Verification, id: number): boolean {
  if (!v.state.references.some((reference) => reference.id === id)) return false;
  dropReference(v.state, id);
  invalidateRegister(v, (r) => r.ref === id);
  return true;
}

/** Forgets a reference without touching the pointers to it. */
export function dropReference(state: State, id: number): void {
  state.references = state.references.filter((reference) => reference.id !== id);
}

/**
 * Refuses to end the program (or to jump out of it, or to load from the packet the old way) while something is held.
 * @param what begins the message: `tail_call`, `BPF_EXIT instruction in main prog`, …
 */
export function checkNothingHeld(v: Verification, what: string, checkLock: boolean): void {
  checkReferences(v, what);
  if (!checkLock) return;
  const { lock, inRcu, preemptDisabled } = v.state;
  const within = lock !== undefined ? "bpf_spin_lock" : inRcu ? "bpf_rcu_read_lock" : "bpf_preempt_disable";
  if (lock === undefined && !inRcu && preemptDisabled === 0) return;
  reject(v, "EINVAL", `${what} cannot be used inside ${within}-ed region`);
}

function checkReferences(v: Verification, what: string): void {
  const { references } = v.state;
  const frame = frameOf(v);
  const isInner = frame.index > 0;
  // A subprogram may hold what its caller gives back; up to 6.13 a callback may not.
  if (isInner && (frame.callbackRange === undefined || since(v, 614))) return;
  const held = isInner ? references.filter(({ callback }) => callback === frame.index) : references;
  if (held.length === 0) return;
  for (const { id, slot } of held) say(v, `Unreleased reference id=${id} alloc_insn=${slot}`);
  reject(v, "EINVAL", `${what} would lead to reference leak`);
}

/** A null check: `isNull` on one branch. All registers with the same id learn it. */
export function settleNull(state: State, id: number, change: (r: Register) => Register): void {
  changeRegisters(state, (r) => (mayBeNull(r.type) && r.id === id ? change(r) : r));
}
