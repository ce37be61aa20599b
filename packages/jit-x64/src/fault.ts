import {
  type Fault,
  type FaultKind,
  type FrameInfo,
  formatPlace,
  MemoryFault,
  type Place,
  type Program,
  sourceLineAt,
  subprogramAt,
} from "@bpfkit/core";

/** A frame of a run, as faults show it. */
export function frameAt(program: Program, slot: number, stack: number): FrameInfo {
  return { program: program.name, subprogram: subprogramAt(program, slot)?.name ?? program.name, slot, stack };
}

/** What is known of a fault before the frames are. */
export interface Reason {
  readonly kind: FaultKind;
  readonly what: string;
  readonly address?: bigint;
  readonly size?: number;
}

/** The reason that a throw in a helper's body becomes. */
export function reasonOf(error: unknown, helper: string): Reason {
  const what = `${helper}: ${error instanceof Error ? error.message : String(error)}`;
  if (!(error instanceof MemoryFault)) return { kind: "helper", what };
  return { kind: error.access, what, address: error.address, size: error.size };
}

/** The fault with its place, down to the line of C where that is known. */
export function faultOf(reason: Reason, program: Program, slot: number, frames: readonly FrameInfo[]): Fault {
  const source = sourceLineAt(program, slot);
  const named: Place = {
    program: program.name,
    subprogram: subprogramAt(program, slot)?.name ?? program.name,
    slot,
    ...(source === undefined ? {} : { source }),
  };
  const { kind, what, address, size } = reason;
  return {
    kind,
    message: `${formatPlace(named)}: ${what}`,
    place: { ...(program.section === undefined ? {} : { section: program.section }), ...named },
    frames,
    ...(address === undefined ? {} : { address }),
    ...(size === undefined ? {} : { size }),
  };
}
