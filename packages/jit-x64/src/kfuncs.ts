import { form, type Memory, RAX } from "@bpfkit/x64";
import type { Emitter } from "./emitter.js";
import { FRAME, GUEST } from "./registers.js";

const LOAD32 = form("mov r32, r/m32");
const STORE32 = form("mov r/m32, r32");
const STORE64_IMM = form("mov r/m64, imm32");
const LEA32 = form("lea r32, m");
const ADD32 = form("add r/m32, imm8");
const CMP32_M = form("cmp r32, r/m32");
const XOR32 = form("xor r/m32, r32");

/** Bytes of the iterator: the number before the next one, and the end. */
const BYTES = 8;

/** Where in the function's own frame an iterator is that r1 points to; undefined where that is not known. */
function placeInFrame(e: Emitter): number | undefined {
  const known = e.known[1];
  if (typeof known !== "object" || !("frame" in known)) return undefined;
  return known.frame >= -512 && known.frame + BYTES <= 0 ? known.frame : undefined;
}

/** `bpf_iter_num_next` on an iterator of the own frame, as the body of `@bpfkit/helpers` does it. */
function next(e: Emitter): boolean {
  const at = placeInFrame(e);
  if (at === undefined) return false;
  const field = (offset: number): Memory => ({ base: GUEST, index: FRAME, displacement: at + offset });
  const end = e.code.label();
  const drained = e.outOfLine(() => {
    e.emit(STORE64_IMM, field(0), 0);
    e.emit(XOR32, RAX, RAX);
    e.jump(end);
  });
  e.emit(LOAD32, RAX, field(0));
  e.emit(ADD32, RAX, 1);
  e.emit(CMP32_M, RAX, field(4));
  e.jump(drained, "ge");
  e.emit(STORE32, field(0), RAX);
  e.emit(LEA32, RAX, { base: FRAME, displacement: at });
  e.code.bind(end);
  return true;
}

/** A run is never preempted, and nothing it sees goes away; r0 becomes 0, as the body leaves it. */
function nothing(e: Emitter): boolean {
  e.emit(XOR32, RAX, RAX);
  return true;
}

/** Kernel functions that machine code does itself, by name; false where their body must be called. */
export const KFUNC_INTRINSICS: { readonly [name: string]: (e: Emitter) => boolean } = {
  bpf_iter_num_next: next,
  bpf_rcu_read_lock: nothing,
  bpf_rcu_read_unlock: nothing,
  bpf_preempt_disable: nothing,
  bpf_preempt_enable: nothing,
};
