import type { Operation } from "@bpfkit/isa";
import { type Form, form, type Label, type Memory } from "@bpfkit/x64";
import { isImmediate, type Translate } from "./arithmetic.js";
import { field } from "./context.js";
import { type Emitter, machine } from "./emitter.js";
import { GUEST, SCRATCH, SCRATCH2 } from "./registers.js";

const LEA64 = form("lea r64, m");
const MOV64 = form("mov r/m64, r64");
const MOV32 = form("mov r/m32, r32");
const SHR64 = form("shr r/m64, imm8");
const CMP64_M = form("cmp r64, r/m64");
const ADD64_M = form("add r64, r/m64");
const MOVZX8 = form("movzx r32, r/m8");
const AND32 = form("and r/m32, imm8");
const ADD32 = form("add r/m32, imm8");
const CMP32 = form("cmp r/m32, r32");
const MOV_R32_IMM32 = form("mov r32, imm32");

type Width = 8 | 16 | 32 | 64;

const LOAD: Readonly<Record<Width, Form>> = {
  8: form("movzx r32, r/m8"),
  16: form("movzx r32, r/m16"),
  32: form("mov r32, r/m32"),
  64: form("mov r64, r/m64"),
};
const LOAD_SIGNED: Readonly<Record<number, Form>> = {
  8: form("movsx r64, r/m8"),
  16: form("movsx r64, r/m16"),
  32: form("movsxd r64, r/m32"),
};
const STORE: Readonly<Record<Width, Form>> = {
  8: form("mov r/m8, r8"),
  16: form("mov r/m16, r16"),
  32: form("mov r/m32, r32"),
  64: form("mov r/m64, r64"),
};
const STORE_IMM: Readonly<Record<Width, Form>> = {
  8: form("mov r/m8, imm8"),
  16: form("mov r/m16, imm16"),
  32: form("mov r/m32, imm32"),
  64: form("mov r/m64, imm32"),
};

/** The host's place of a guest address. */
function guest(base: number, displacement: number): Memory {
  return { base: GUEST, index: machine(base), displacement };
}

/**
 * Makes sure of an access of `size` bytes at BPF register `base` plus `offset`, as the level of safety asks, and gives its
 * operand. Sites and fuel are settled here, so that nothing of the access is visible before.
 */
export function access(
  e: Emitter,
  slot: number,
  kind: "read" | "write",
  base: number,
  offset: number,
  size: number,
): Memory {
  e.flushFuel();
  if (e.checked) {
    // The frame's own 512 bytes are always there.
    if (base !== 10 || offset < -512 || offset + size > 0) checkShadow(e, slot, kind, base, offset, size);
  } else if (e.context.safety === "confined" && base !== 10 && e.mustConfine(slot)) {
    // An address below 2^32 stays as it is; whatever else it was, it cannot leave guest memory and its guard now.
    e.emit(MOV32, machine(base), machine(base));
  }
  return guest(base, offset);
}

/** The whole check of an access: the shadow's test, and where it fails a second look or the fault (`finishAccesses`). */
function checkShadow(
  e: Emitter,
  slot: number,
  kind: "read" | "write",
  base: number,
  offset: number,
  size: number,
): void {
  const failed = e.code.label();
  shadowTest(e, kind, base, offset, size, failed);
  e.accesses.push(failed, e.code.mark(), kind === "read" ? size : -size, base, offset, slot);
}

/** Writes where accesses go that failed their test. */
export function finishAccesses(e: Emitter): void {
  const { accesses } = e;
  for (let at = 0; at < accesses.length; at += 6) {
    const [signedSize, slot] = [accesses[at + 2]!, accesses[at + 5]!];
    const size = Math.abs(signedSize) as 1 | 2 | 4 | 8;
    e.code.bind(accesses[at]!);
    e.emit(LEA64, SCRATCH, { base: machine(accesses[at + 3]!), displacement: accesses[at + 4]! });
    e.emit(MOV_R32_IMM32, SCRATCH2, e.site({ kind: "access", slot, size, start: e.fn.start }));
    if (size === 1) e.jump(e.nearStub(signedSize > 0 ? "read" : "write"));
    else {
      e.code.call(e.nearStub(`straddle${signedSize > 0 ? "Read" : "Write"}${size}`));
      e.jump(accesses[at + 1]!);
    }
  }
}

/** Goes on where all of an access (up to 8 bytes) is valid within one granule of the shadow, else to `failed`. */
export function shadowTest(
  e: Emitter,
  kind: "read" | "write",
  base: number,
  offset: number,
  size: number,
  failed: Label,
): void {
  if (offset === 0) e.emit(MOV64, SCRATCH, machine(base));
  else e.emit(LEA64, SCRATCH, { base: machine(base), displacement: offset });
  e.emit(MOV64, SCRATCH2, SCRATCH);
  e.emit(SHR64, SCRATCH2, 3);
  e.emit(CMP64_M, SCRATCH2, field("shadowLimit"));
  e.jump(failed, "ae");
  e.emit(ADD64_M, SCRATCH2, field(kind === "read" ? "readShadow" : "writeShadow"));
  e.emit(MOVZX8, SCRATCH2, { base: SCRATCH2 });
  e.emit(AND32, SCRATCH, 7);
  e.emit(ADD32, SCRATCH, size);
  e.emit(CMP32, SCRATCH, SCRATCH2);
  e.jump(failed, "a");
}

const load: Translate = (e, { row, dst, src, offset, slot }) => {
  const memory = access(e, slot, "read", src, offset, row.width! / 8);
  e.emit(LOAD[row.width as Width], machine(dst), memory);
};

const loadSigned: Translate = (e, { row, dst, src, offset, slot }) => {
  const memory = access(e, slot, "read", src, offset, row.width! / 8);
  e.emit(LOAD_SIGNED[row.width!]!, machine(dst), memory);
};

const store: Translate = (e, { row, dst, src, offset, imm, slot }) => {
  const width = row.width as Width;
  const memory = access(e, slot, "write", dst, offset, width / 8);
  if (isImmediate(row))
    e.emit(STORE_IMM[width], memory, width === 8 ? (imm << 24) >> 24 : width === 16 ? (imm << 16) >> 16 : imm);
  else e.emit(STORE[width], memory, machine(src));
};

/** RFC 9669 §5.1 and §5.2; on this machine acquire and release are plain loads and stores (SDM vol. 3, section 9.2.2). */
export const MEMORY: { readonly [operation in Operation]?: Translate } = {
  load,
  loadSigned,
  store,
  loadAcquire: load,
  storeRelease: store,
};
