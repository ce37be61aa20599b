import { R8, R9, R10, R11, R12, R13, R14, R15, RAX, RBP, RBX, RCX, RDI, RDX, type Register, RSI } from "@bpfkit/x64";

/**
 * r0–r10 in machine registers, as Linux maps them (arch/x86/net/bpf_jit_comp.c, `reg2hex`): arguments and result are where
 * C has them, r6–r9 where C preserves them.
 */
export const REGISTERS: readonly Register[] = [RAX, RDI, RSI, RDX, RCX, R8, RBX, R13, R14, R15, RBP];

/** The run context (`context.ts`); holds through all BPF code. */
export const CONTEXT: Register = R9;
/** The first byte of guest memory; holds through all BPF code. */
export const GUEST: Register = R12;
/** Free within the translation of one instruction. */
export const SCRATCH: Register = R10;
/** The same; carries a site's number to the stubs. */
export const SCRATCH2: Register = R11;
/** r10: the guest address one past the frame's stack. */
export const FRAME: Register = RBP;
