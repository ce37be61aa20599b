import {
  type Fault,
  type FaultKind,
  type FrameInfo,
  formatPlace,
  MemoryFault,
  oneLine,
  type Place,
  sourceLineAt,
  subprogramAt,
} from "@bpfkit/core";
import { CALLBACK, FRAME_WORDS, STACK_BYTES_A_WORD, STRIDE } from "./layout.js";
import type { Machine } from "./machine.js";

/** Slot and subprogram of a word index in the set's code. */
function frameAt(machine: Machine, pc: number, fp: number): FrameInfo {
  const { program, base } = machine.images.imageAt(pc);
  const slot = (pc - base) / STRIDE;
  const subprogram = subprogramAt(program, slot)?.name ?? program.name;
  return { program: program.name, subprogram, slot, stack: machine.stackTop - fp * STACK_BYTES_A_WORD };
}

/** The frame that is running. */
export function currentFrame(machine: Machine): FrameInfo {
  return frameAt(machine, machine.pc, machine.fp);
}

/** The frames of a run, innermost first: where each is, or where its call is. */
export function framesOf(machine: Machine): FrameInfo[] {
  const frames: FrameInfo[] = [];
  let { pc } = machine;
  for (let { fp } = machine; fp >= 0; fp -= FRAME_WORDS) {
    frames.push(frameAt(machine, pc, fp));
    const back = machine.frames[fp]!;
    pc = back === CALLBACK ? machine.frames[fp + 11]! : back - STRIDE;
  }
  return frames;
}

/** Where the machine stands, down to the line of C where that is known. */
export function placeOf(machine: Machine): Place {
  const { program } = machine.images.imageAt(machine.pc);
  const { subprogram, slot } = currentFrame(machine);
  const source = sourceLineAt(program, slot);
  return {
    ...(program.section === undefined ? {} : { section: program.section }),
    program: program.name,
    subprogram,
    slot,
    ...(source === undefined ? {} : { source }),
  };
}

/** The fault of a run that ends where the machine stands. */
export function faultOf(machine: Machine, kind: FaultKind, what: string): Fault {
  const place = placeOf(machine);
  const { section: _, ...named } = place;
  return { kind, message: oneLine(`${formatPlace(named)}: ${what}`), place, frames: framesOf(machine) };
}

/** The fault of a failed access, worded by the nearest region. */
export function memoryFaultOf(machine: Machine, access: "read" | "write", address: bigint, size: number): Fault {
  return { ...faultOf(machine, access, machine.set.memory.explain(access, address, size)), address, size };
}

/** The fault that a throw becomes: a memory fault what it is, anything else a fault of `kind`. */
export function thrownFaultOf(machine: Machine, error: unknown, kind: FaultKind, helper: string): Fault {
  const what = `${helper}: ${error instanceof Error ? error.message : String(error)}`;
  if (!(error instanceof MemoryFault)) return faultOf(machine, kind, what);
  return { ...faultOf(machine, error.access, what), address: error.address, size: error.size };
}
