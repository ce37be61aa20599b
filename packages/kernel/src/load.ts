import { ATTACH_TYPES, attachTypeId, PROGRAM_TYPES } from "@bpfkit/abi";
import type { Program, ProgramBtf, Reference } from "@bpfkit/core";
import { SLOT_BYTES } from "@bpfkit/core";
import { errnoName } from "@bpfkit/native";
import { attributes, LAYOUTS, NAME_OFFSETS, setName } from "./attributes.js";
import { COMMANDS, refusal, tryCommand } from "./command.js";
import { KernelError } from "./error.js";
import { kernelFunctionId } from "./kernel-functions.js";

/** Bits of the log level (kernel `BPF_LOG_*`): 1 instructions taken, 2 every state, 4 statistics. */
export type LogLevel = number;

/** `BPF_LOG_LEVEL1`: the instructions the verifier walks, with what it knows. */
export const LOG_WALK = 1;

/** `BPF_LOG_STATS`: the verifier's messages and its statistics, without the instructions it walks. */
export const LOG_STATISTICS = 4;

/** Descriptors a program's load needs. */
export interface LoadInputs {
  /** A map's descriptor by its name in the program's references. */
  readonly mapDescriptor: (name: string, slot: number) => number;
  /** The program's BTF, loaded; left out where it has none. */
  readonly btf?: { readonly descriptor: number; readonly of: ProgramBtf };
  readonly logLevel?: LogLevel;
  /** Bytes the log may have. */
  readonly logBytes?: number;
}

/** What the kernel said to a load. */
export interface LoadAnswer {
  /** The program's descriptor; undefined where it was refused. */
  readonly descriptor?: number;
  /** `EINVAL`, …; undefined where it was accepted. */
  readonly errno?: string;
  /** The verifier's log, whole or its end; empty for log level 0. */
  readonly log: string;
}

const LOG_BYTES = 2 ** 16;
/** `struct bpf_func_info` and `struct bpf_line_info` in bytes. */
const FUNCTION_INFO_BYTES = 8;
const LINE_INFO_BYTES = 16;
/** Source registers of a 64-bit load: `BPF_PSEUDO_MAP_FD` and `BPF_PSEUDO_MAP_VALUE`. */
const SOURCES = { map: 1, mapValue: 2 } as const;
/** `BPF_PSEUDO_BTF_ID`. */
const SOURCE_BTF_ID = 3;
const CALL_OPCODE = 0x85;

type Extern = Extract<Reference, { kind: "extern" }>;

/**
 * Loads a program and gives the kernel's answer; the descriptor is the caller's to close.
 * @throws {KernelError} for what keeps the question from being asked: an unknown program type or map, an extern
 * that the kernel has not, no permission.
 */
export function loadProgram(program: Program, inputs: LoadInputs): LoadAnswer {
  const logLevel = inputs.logLevel ?? 0;
  const log = logLevel === 0 ? undefined : new Uint8Array(inputs.logBytes ?? LOG_BYTES);
  const functions = functionInfo(inputs.btf?.of);
  const view = attributes(LAYOUTS.progLoad, {
    type: programTypeNumber(program),
    slots: program.code.length / SLOT_BYTES,
    insns: boundCode(program, inputs.mapDescriptor),
    license: new TextEncoder().encode(`${program.license ?? "GPL"}\0`),
    logLevel,
    logSize: log?.length,
    log,
    flags: program.flags,
    expectedAttachType: attachTypeNumber(program),
    btf: inputs.btf?.descriptor,
    functionBytes: functions && FUNCTION_INFO_BYTES,
    functions,
    functionCount: inputs.btf?.of.functions.length,
    ...lineInfo(inputs.btf?.of),
  });
  setName(view, NAME_OFFSETS.progLoad, program.name);
  let result = tryCommand(COMMANDS.progLoad, view);
  // A signal interrupts the verifier; it is asked again, as often as libbpf does.
  for (let left = 4; left > 0 && errnoName(result) === "EAGAIN"; left--) result = tryCommand(COMMANDS.progLoad, view);
  const text = log === undefined ? "" : logText(log);
  if (result >= 0) return { descriptor: result, log: text };
  if (errnoName(result) === "EPERM" && text === "") {
    const denied = refusal(result, `program ${program.name}`);
    if (denied.code === "NOT_PERMITTED") throw denied;
  }
  return { errno: errnoName(result), log: text };
}

function programTypeNumber({ name, type }: Program): number {
  const facts = PROGRAM_TYPES.find((one) => one.name === type);
  if (facts !== undefined) return facts.id;
  throw new KernelError("NOT_AVAILABLE", `Linux has no programs of type ${type}`, { program: name });
}

function attachTypeNumber(program: Program): number {
  if (program.expectedAttachType === undefined) return 0;
  const id = attachTypeId(program.expectedAttachType);
  if (id !== undefined) return id;
  const what = `${program.expectedAttachType} is no attach type of Linux; there are ${ATTACH_TYPES.join(", ")}`;
  throw new KernelError("EINVAL", what, { program: program.name });
}

function logText(log: Uint8Array): string {
  const end = log.indexOf(0);
  return new TextDecoder().decode(end < 0 ? log : log.subarray(0, end));
}

function functionInfo(btf: ProgramBtf | undefined): Uint32Array | undefined {
  if (btf === undefined || btf.functions.length === 0) return undefined;
  return Uint32Array.from(btf.functions.flatMap(({ slot, typeId }) => [slot, typeId]));
}

function lineInfo(btf: ProgramBtf | undefined): { lines?: Uint32Array; lineBytes?: number; lineCount?: number } {
  if (btf === undefined || btf.lines.length === 0) return {};
  return { lines: btf.lines, lineBytes: LINE_INFO_BYTES, lineCount: btf.lines.length / 4 };
}

/** A copy of the program's code with map references made descriptors. */
function boundCode(program: Program, mapDescriptor: LoadInputs["mapDescriptor"]): Uint8Array {
  const code = Uint8Array.from(program.code);
  const view = new DataView(code.buffer);
  for (const reference of program.references) {
    const at = reference.slot * SLOT_BYTES;
    if (reference.kind === "extern") {
      bindExtern(program, reference, view);
      continue;
    }
    setLoad(view, at, SOURCES[reference.kind], mapDescriptor(reference.map, reference.slot));
    if (reference.kind === "mapValue") view.setUint32(at + 12, reference.offset, true);
  }
  return code;
}

/**
 * A call of a kernel function becomes its BTF id; the address of one its kernel address, as libbpf does. What is weak and
 * not there: address 0, and a call that can only stand in dead code.
 */
function bindExtern(program: Program, { symbol, slot, of, weak }: Extern, view: DataView): void {
  const at = slot * SLOT_BYTES;
  const id = of === "function" ? kernelFunctionId(symbol) : undefined;
  if (id === undefined && !weak) {
    const what = of === "function" ? "which this kernel has not" : "and kernel variables are not resolved";
    throw new KernelError("NOT_AVAILABLE", `refers to ${symbol} outside the object, ${what}`, {
      program: program.name,
      slot,
    });
  }
  if (view.getUint8(at) === CALL_OPCODE) view.setInt32(at + 4, id ?? 0, true);
  else {
    setLoad(view, at, id === undefined ? 0 : SOURCE_BTF_ID, id ?? 0);
    view.setUint32(at + 12, 0, true);
  }
}

/** Sets the source register and the first immediate of a 64-bit load. */
function setLoad(view: DataView, at: number, source: number, immediate: number): void {
  view.setUint8(at + 1, (view.getUint8(at + 1) & 0x0f) | (source << 4));
  view.setInt32(at + 4, immediate, true);
}
