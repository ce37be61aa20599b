import { FRAME_BYTES } from "@bpfkit/core";
import {
  Assembler,
  type Condition,
  form,
  type Label,
  R12,
  R13,
  R14,
  R15,
  RAX,
  RBP,
  RBX,
  RCX,
  RDI,
  RSI,
  RSP,
} from "@bpfkit/x64";
import { BIAS, FAULT, FIELDS, field, KEPT_STACK_WORDS, MAY_GOTO_LIMIT, STACK_STRIDE } from "./context.js";
import { CONTEXT, FRAME, GUEST, REGISTERS, SCRATCH, SCRATCH2 } from "./registers.js";
import { type CompileContext, STUBS, type Stub } from "./unit.js";

const PUSH = form("push r64");
const POP = form("pop r64");
const PUSH_M = form("push r/m64");
const POP_M = form("pop r/m64");
const RET = form("ret");
const JMP_CALL = form("call r/m64");
const MOV64 = form("mov r/m64, r64");
const LOAD64 = form("mov r64, r/m64");
const MOV32 = form("mov r/m32, r32");
const MOV_M32_IMM = form("mov r/m32, imm32");
const MOV_M64_IMM = form("mov r/m64, imm32");
const MOV_R32_IMM = form("mov r32, imm32");
const MOV_R64_IMM = form("mov r64, imm64");
const AND_RSP = form("and r/m64, imm8");
const TEST32 = form("test r/m32, r32");
const SUB_R64 = form("sub r/m64, r64");
const ADD_R64 = form("add r/m64, r64");
const SUB64 = form("sub r64, r/m64");
const ADD64_M = form("add r64, r/m64");
const ADD_M64 = form("add r/m64, r64");
const ADD_M32 = form("add r/m32, r32");
const SUB_M64_1 = form("sub r/m64, imm8");
const SUB_R64_IMM = form("sub r/m64, imm32");
const SHR64 = form("shr r/m64, imm8");
const CMP32_IMM = form("cmp r/m32, imm32");
const CMP_M32_IMM8 = form("cmp r/m32, imm8");
const CMP64_M = form("cmp r64, r/m64");
const CMP_M8 = form("cmp r/m8, imm8");
const CMP32 = form("cmp r/m32, r32");
const LEA64 = form("lea r64, m");
const MOVZX8 = form("movzx r32, r/m8");
const AND32 = form("and r/m32, imm8");
const ADD32 = form("add r/m32, imm8");
const ADD_RSP = form("add r/m64, imm8");
const XOR32 = form("xor r/m32, r32");
const REP_STOSQ = form("rep stosq");
const REP_MOVSQ = form("rep movsq");

/** C's callee-saved registers (System V ABI, section 3.2.1). */
const CALLEE_SAVED = [RBX, RBP, R12, R13, R14, R15];

/** The stubs of a program: where JavaScript comes in and out, and where faults go. */
export interface StubImage {
  readonly bytes: Uint8Array;
  /** Byte offset of each stub. */
  readonly at: ReadonlyMap<number, number>;
  /** `entry(context, target)`: one run or callback. */
  readonly entry: number;
  /** `loop(context, target)`: as many runs as the context says. */
  readonly loop: number;
  /** Return addresses of the two, where a run's frames end. */
  readonly returns: readonly number[];
}

/** Writes the stubs of a program. */
export function emitStubs({ id: program, safety, profile }: CompileContext): StubImage {
  const checked = safety === "checked";
  const shared = profile.tailCallCount === "shared";
  const code = new Assembler(2048);
  const labels = new Map<Stub, Label>((Object.keys(STUBS) as Stub[]).map((name) => [name, code.label()]));
  const leaveEntry = code.label();
  const entry = code.mark();
  const entryReturn = emitEntry(code, leaveEntry);
  const loop = code.mark();
  const loopReturn = emitLoop(code, leaveEntry, checked, shared);
  emitCallbacks(code, labels, program);
  emitLeave(code, labels, leaveEntry);
  emitFaults(code, labels, program);
  if (checked) {
    emitStraddles(code, labels);
    emitOpenFrame(code, labels);
  } else for (const [name, label] of labels) if (isOfChecked(name)) code.bind(label);
  const done = code.finish();
  return {
    bytes: done.bytes,
    at: new Map([...labels].map(([name, label]) => [STUBS[name], done.labels[label]!])),
    entry: done.labels[entry]!,
    loop: done.labels[loop]!,
    returns: [done.labels[entryReturn]!, done.labels[loopReturn]!],
  };
}

/** Keeps C's registers and makes ours; nested entries keep the outer one's stack pointer. */
function emitEnter(code: Assembler): void {
  for (const register of CALLEE_SAVED) code.emit(PUSH, register);
  code.emit(MOV64, CONTEXT, RDI);
  code.emit(MOV64, SCRATCH, RSI);
  code.emit(PUSH_M, field("entryStack"));
  code.emit(MOV64, field("entryStack"), RSP);
  code.emit(LOAD64, GUEST, field("base"));
}

function emitRegisters(code: Assembler, first: number): void {
  code.emit(LOAD64, FRAME, field("stackTop"));
  for (let register = first; register <= 5; register++) {
    code.emit(LOAD64, REGISTERS[register]!, field("args", 8 * (register - 1)));
  }
  for (let register = 6; register <= 9; register++) {
    code.emit(LOAD64, REGISTERS[register]!, field("saved", 8 * (register - 6)));
  }
  code.emit(LOAD64, RAX, field("r0"));
}

function emitEntry(code: Assembler, leaveEntry: Label): Label {
  emitEnter(code);
  emitRegisters(code, 1);
  code.emit(JMP_CALL, SCRATCH);
  const back = code.mark();
  code.emit(MOV64, field("r0"), RAX);
  // A callback leaves its arguments as they are to the helper's caller.
  for (let register = 1; register <= 5; register++)
    code.emit(MOV64, field("args", 8 * (register - 1)), REGISTERS[register]!);
  // Faults come here with the stack as it was on entry.
  code.bind(leaveEntry);
  code.emit(POP_M, field("entryStack"));
  for (const register of CALLEE_SAVED.toReversed()) code.emit(POP, register);
  code.emit(RET);
  return back;
}

/** Runs again and again, each time as if nothing had run before. The target stays on the stack. */
function emitLoop(code: Assembler, leaveEntry: Label, checked: boolean, shared: boolean): Label {
  emitEnter(code);
  code.emit(PUSH, SCRATCH);
  const again = code.mark();
  code.emit(LOAD64, SCRATCH2, field("inputs"));
  code.emit(LOAD64, SCRATCH, { base: SCRATCH2 });
  code.emit(ADD64_M, SCRATCH2, field("inputStride"));
  code.emit(MOV64, field("inputs"), SCRATCH2);
  code.emit(MOV_M64_IMM, field("tailCallCount"), 0);
  code.emit(MOV_M64_IMM, field("r0"), 0);
  code.emit(MOV_M64_IMM, field("mayGotoLeft"), MAY_GOTO_LIMIT);
  if (checked) {
    code.emit(LOAD64, SCRATCH2, field("fuelStart"));
    code.emit(MOV64, field("fuel"), SCRATCH2);
    code.emit(LOAD64, SCRATCH2, field("frameLimitStart"));
    code.emit(MOV64, field("frameLimit"), SCRATCH2);
    emitClear(code);
    emitCloseFrames(code);
    emitRegisters(code, 2);
  } else {
    code.emit(LOAD64, FRAME, field("stackTop"));
    code.emit(LOAD64, RSI, field("args", 8));
  }
  code.emit(MOV64, RDI, SCRATCH);
  code.emit(JMP_CALL, { base: RSP });
  const back = code.mark();
  code.emit(LOAD64, SCRATCH2, field("outputs"));
  code.emit(MOV64, { base: SCRATCH2 }, RAX);
  code.emit(ADD64_M, SCRATCH2, field("outputStride"));
  code.emit(MOV64, field("outputs"), SCRATCH2);
  if (checked) emitSums(code, shared);
  const done = code.label();
  code.emit(SUB_M64_1, field("runsLeft"), 1);
  code.jump(done, "e");
  code.emit(CMP_M32_IMM8, field("cancel"), 0);
  code.jump(again, "e");
  code.bind(done);
  code.emit(ADD_RSP, RSP, 8);
  code.jump(leaveEntry);
  return back;
}

/** Adds a run's counts up. By value, tail calls are summed where they are made. */
function emitSums(code: Assembler, shared: boolean): void {
  code.emit(LOAD64, SCRATCH2, field("fuelStart"));
  code.emit(SUB64, SCRATCH2, field("fuel"));
  code.emit(ADD_M64, field("instructions"), SCRATCH2);
  if (!shared) return;
  code.emit(LOAD64, SCRATCH2, field("tailCallCount"));
  code.emit(ADD_M32, field("tailCalls"), SCRATCH2);
}

/** Zeroes the stack that the last run may have used: as deep as one program goes, below the lowest frame a tail call kept. */
function emitClear(code: Assembler): void {
  const within = code.label();
  code.emit(LOAD64, RDI, field("lowestFrame"));
  code.emit(SUB64, RDI, field("clearBytes"));
  code.emit(CMP64_M, RDI, field("stackBottom"));
  code.jump(within, "ge");
  code.emit(LOAD64, RDI, field("stackBottom"));
  code.bind(within);
  code.emit(LOAD64, RCX, field("stackTop"));
  code.emit(MOV64, field("lowestFrame"), RCX);
  code.emit(SUB_R64, RCX, RDI);
  code.emit(SHR64, RCX, 3);
  code.emit(ADD_R64, RDI, GUEST);
  code.emit(XOR32, RAX, RAX);
  code.emit(REP_STOSQ);
}

/** Makes the frames that the last run opened invalid: in both shadows a byte speaks for eight, 72 for a frame and its gap. */
function emitCloseFrames(code: Assembler): void {
  const closed = code.label();
  code.emit(LOAD64, RCX, field("stackTop"));
  code.emit(LOAD64, RSI, field("openLimit"));
  code.emit(SUB_R64, RCX, RSI);
  code.jump(closed, "e");
  code.emit(SHR64, RCX, 6);
  code.emit(MOV64, SCRATCH2, RCX);
  code.emit(SUB_R64_IMM, RSI, FRAME_BYTES);
  code.emit(SHR64, RSI, 3);
  for (const shadow of ["readShadow", "writeShadow"] as const) {
    code.emit(MOV64, RCX, SCRATCH2);
    code.emit(MOV64, RDI, RSI);
    code.emit(ADD64_M, RDI, field(shadow));
    code.emit(REP_STOSQ);
  }
  code.emit(LOAD64, RCX, field("stackTop"));
  code.emit(MOV64, field("openLimit"), RCX);
  code.bind(closed);
}

/** Eight shadow bytes whose granules are valid to the last byte. */
const ALL_VALID = 0x0808_0808_0808_0808n;

/** Makes the frame below the deepest valid one valid too. JavaScript says what is wrong where the stack has no more. */
function emitOpenFrame(code: Assembler, labels: ReadonlyMap<Stub, Label>): void {
  code.bind(labels.get("openFrame")!);
  code.emit(LOAD64, SCRATCH, field("openLimit"));
  code.emit(SUB_R64_IMM, SCRATCH, STACK_STRIDE);
  code.emit(CMP64_M, SCRATCH, field("stackBottom"));
  code.jump(labels.get("ask")!, "be");
  code.emit(MOV64, field("openLimit"), SCRATCH);
  code.emit(SUB_R64_IMM, SCRATCH, FRAME_BYTES);
  code.emit(SHR64, SCRATCH, 3);
  code.emit(PUSH, RAX);
  code.emit(MOV_R64_IMM, RAX, ALL_VALID);
  for (const shadow of ["readShadow", "writeShadow"] as const) {
    code.emit(LOAD64, SCRATCH2, field(shadow));
    code.emit(ADD_R64, SCRATCH2, SCRATCH);
    for (let at = 0; at < FRAME_BYTES / 8; at += 8) code.emit(MOV64, { base: SCRATCH2, displacement: at }, RAX);
  }
  code.emit(POP, RAX);
  code.emit(XOR32, SCRATCH, SCRATCH);
  code.emit(RET);
}

/** What code of the other levels never calls. */
const isOfChecked = (name: Stub): boolean => name.startsWith("straddle") || name === "openFrame";

/**
 * Calls JavaScript with the number of the site and of the program. r0–r5 go there and come back: the answer in r0, and what
 * a helper that calls back leaves in the others. Zero in the flags: go on.
 */
function emitCallbacks(code: Assembler, labels: ReadonlyMap<Stub, Label>, program: number): void {
  code.bind(labels.get("ask")!);
  code.emit(MOV64, field("r0"), RAX);
  for (let register = 1; register <= 5; register++)
    code.emit(MOV64, field("args", 8 * (register - 1)), REGISTERS[register]!);
  for (let register = 6; register <= 9; register++)
    code.emit(MOV64, field("saved", 8 * (register - 6)), REGISTERS[register]!);
  code.emit(MOV64, field("frame"), FRAME);
  code.emit(MOV32, RDI, SCRATCH2);
  code.emit(MOV_R32_IMM, RSI, program);
  code.emit(MOV64, SCRATCH, RSP);
  code.emit(AND_RSP, RSP, -16);
  code.emit(PUSH, SCRATCH);
  code.emit(PUSH, CONTEXT);
  code.emit(JMP_CALL, field("callback"));
  code.emit(POP, CONTEXT);
  code.emit(POP, RSP);
  code.emit(TEST32, RAX, RAX);
  for (let register = 1; register <= 5; register++)
    code.emit(LOAD64, REGISTERS[register]!, field("args", 8 * (register - 1)));
  code.emit(LOAD64, RAX, field("r0"));
  code.emit(RET);
}

/** Keeps the native stack down from the entry, which tells the frames, and goes back to the entry. */
function emitLeave(code: Assembler, labels: ReadonlyMap<Stub, Label>, leaveEntry: Label): void {
  code.bind(labels.get("leave")!);
  code.emit(MOV64, field("frame"), FRAME);
  code.emit(LOAD64, RCX, field("entryStack"));
  code.emit(SUB64, RCX, RSP);
  code.emit(SHR64, RCX, 3);
  code.emit(MOV32, field("keptWords"), RCX);
  const fits = code.label();
  code.emit(CMP32_IMM, RCX, KEPT_STACK_WORDS);
  code.jump(fits, "be");
  code.emit(MOV_R32_IMM, RCX, KEPT_STACK_WORDS);
  code.bind(fits);
  code.emit(MOV64, RSI, RSP);
  code.emit(LEA64, RDI, { base: CONTEXT, displacement: FIELDS.kept - BIAS });
  code.emit(REP_MOVSQ);
  code.emit(LOAD64, RSP, field("entryStack"));
  code.jump(leaveEntry);
}

function emitFaults(code: Assembler, labels: ReadonlyMap<Stub, Label>, program: number): void {
  for (const kind of ["read", "write", "callDepth", "badJump", "notAvailable"] as const) {
    code.bind(labels.get(kind)!);
    if (kind === "read" || kind === "write") code.emit(MOV64, field("operand"), SCRATCH);
    code.emit(MOV32, field("site"), SCRATCH2);
    code.emit(MOV_M32_IMM, field("program"), program);
    code.emit(MOV_M32_IMM, field("fault"), FAULT[kind]);
    code.jump(labels.get("leave")!);
  }
}

/** Second look at an access at the address in the first scratch register: it may end in the next granule. */
function emitStraddles(code: Assembler, labels: ReadonlyMap<Stub, Label>): void {
  for (const kind of ["Read", "Write"] as const) {
    for (const size of [2, 4, 8] as const) {
      code.bind(labels.get(`straddle${kind}${size}`)!);
      const bad = code.label();
      const unless = (condition: Condition): void => code.jump(bad, condition);
      code.emit(PUSH, RAX);
      code.emit(MOV64, RAX, SCRATCH);
      code.emit(SHR64, RAX, 3);
      code.emit(ADD_RSP, RAX, 1);
      code.emit(CMP64_M, RAX, field("shadowLimit"));
      unless("ae");
      code.emit(ADD64_M, RAX, field(kind === "Read" ? "readShadow" : "writeShadow"));
      code.emit(CMP_M8, { base: RAX, displacement: -1 }, 8);
      unless("ne");
      code.emit(MOVZX8, RAX, { base: RAX });
      code.emit(PUSH, SCRATCH);
      code.emit(AND32, SCRATCH, 7);
      code.emit(ADD32, SCRATCH, size - 8);
      code.emit(CMP32, SCRATCH, RAX);
      code.emit(POP, SCRATCH);
      unless("g");
      code.emit(POP, RAX);
      code.emit(RET);
      code.bind(bad);
      code.emit(POP, RAX);
      code.emit(ADD_RSP, RSP, 8);
      code.jump(labels.get(kind === "Read" ? "read" : "write")!);
    }
  }
}
