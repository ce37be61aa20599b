import type { Operation } from "@bpfkit/isa";
import { form, type Memory, RAX } from "@bpfkit/x64";
import type { Translate } from "./arithmetic.js";
import { type Current, type Emitter, machine, pair } from "./emitter.js";
import { access } from "./memory.js";
import { CONTEXT, SCRATCH, SCRATCH2 } from "./registers.js";

const MOV = pair("mov r/mN, rN");
const MOV_LOAD = pair("mov rN, r/mN");
const LEA64 = form("lea r64, m");
const XCHG = pair("xchg r/mN, rN");
const XADD = pair("lock xadd mN, rN");
const CMPXCHG = pair("lock cmpxchg mN, rN");
const PUSH = form("push r64");
const POP = form("pop r64");

function place(e: Emitter, { row, dst, offset, slot }: Current): { memory: Memory; width: 32 | 64 } {
  const width = row.width === 64 ? 64 : 32;
  return { memory: access(e, slot, "write", dst, offset, width / 8), width };
}

/** An operation whose old value nobody asks for. */
function locked(mnemonic: string): Translate {
  const forms = pair(`lock ${mnemonic} mN, rN`);
  return (e, i) => {
    const { memory, width } = place(e, i);
    e.emit(forms[width], memory, machine(i.src));
  };
}

/** The processor has no fetching or, and, xor: compare and exchange until nobody came between. */
function fetching(mnemonic: string): Translate {
  const forms = pair(`${mnemonic} r/mN, rN`);
  return (e, i) => {
    const { memory, width } = place(e, i);
    const src = machine(i.src);
    e.emit(LEA64, SCRATCH, memory);
    e.emit(MOV[64], SCRATCH2, RAX);
    e.emit(MOV_LOAD[width], RAX, { base: SCRATCH });
    // Nothing in the loop needs the run context, so its register serves as a third scratch one.
    e.emit(PUSH, CONTEXT);
    const again = e.code.mark();
    e.emit(MOV[width], CONTEXT, RAX);
    e.emit(forms[width], CONTEXT, src === RAX ? SCRATCH2 : src);
    e.emit(CMPXCHG[width], { base: SCRATCH }, CONTEXT);
    e.jump(again, "ne");
    e.emit(POP, CONTEXT);
    // A load and a failed exchange clear the upper half of rax; a 32-bit move does it in any case.
    if (src !== RAX) {
      e.emit(MOV[width], src, RAX);
      e.emit(MOV[64], RAX, SCRATCH2);
    }
  };
}

const fetchAdd: Translate = (e, i) => {
  const { memory, width } = place(e, i);
  e.emit(XADD[width], memory, machine(i.src));
};

/** Locked without a prefix. */
const xchg: Translate = (e, i) => {
  const { memory, width } = place(e, i);
  e.emit(XCHG[width], memory, machine(i.src));
};

/** r0 is rax, as the processor wants it. On success it does not write eax, so the upper half is cleared here. */
const cmpxchg: Translate = (e, i) => {
  const { memory, width } = place(e, i);
  e.emit(CMPXCHG[width], memory, machine(i.src));
  if (width === 32) e.emit(MOV[32], RAX, RAX);
};

/** RFC 9669 §5.3, by operation. */
export const ATOMICS: { readonly [operation in Operation]?: Translate } = {
  atomicAdd: locked("add"),
  atomicOr: locked("or"),
  atomicAnd: locked("and"),
  atomicXor: locked("xor"),
  atomicFetchAdd: fetchAdd,
  atomicFetchOr: fetching("or"),
  atomicFetchAnd: fetching("and"),
  atomicFetchXor: fetching("xor"),
  xchg,
  cmpxchg,
};
