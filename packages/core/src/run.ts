import type { GuestAddress } from "./brand.js";
import type { Place } from "./error.js";

/** The packet of a run, where its program type has one. Helpers that move its ends change it and the context alike. */
export interface PacketState {
  /** First byte of the headroom; `data` never goes before it. */
  readonly head: GuestAddress;
  /** One past the last byte `dataEnd` may reach. */
  readonly limit: GuestAddress;
  /** Guest addresses: `dataMeta` ≤ `data` ≤ `dataEnd`. */
  dataMeta: number;
  data: number;
  dataEnd: number;
  /** Guest addresses of the link and the network header, which may lie before `data`; packets of XDP have neither. */
  mac?: number;
  network?: number;
  /** Bytes of the packet from `dataEnd` on that programs reach only through helpers (XDP frags). */
  fragBytes?: number;
  /** Moves the ends, the permissions and the context's fields with them. */
  move(dataMeta: number, data: number, dataEnd: number): void;
}

/** A context in guest memory, ready to run on. `program-types` builds and reads back these. */
export interface RunContext {
  /** r1 of the entry. */
  readonly r1: bigint;
  /** r2 of the entry; 0 for every kernel program type. */
  readonly r2: bigint;
  readonly type: string;
  readonly packet?: PacketState;
  /** Where a redirect helper writes what it was asked for. */
  redirect?: Redirect;
}

/** What `bpf_redirect` or `bpf_redirect_map` asked for. */
export interface Redirect {
  readonly ifindex?: number;
  readonly map?: string;
  readonly key?: number;
  readonly flags: bigint;
}

/** Why a run ended before its exit. */
export type FaultKind =
  /** A load, atomic or helper read outside valid memory. */
  | "read"
  /** A store, atomic or helper write outside writable memory. */
  | "write"
  /** More frames than the profile allows in one program. */
  | "call-depth"
  /** The stack of a chain of tail calls is used up. */
  | "stack-overflow"
  /** The instruction budget is used up. */
  | "budget"
  | "cancelled"
  /** A jump, call or fall-through to where no instruction begins. */
  | "bad-jump"
  /** A helper refused its arguments or failed. */
  | "helper"
  /** The link set has no such helper, kfunc or extern. */
  | "not-available"
  /** A tail call through something that is no program array, or to a program the engine could not link. */
  | "tail-call";

/** One frame as a fault or a trace shows it. */
export interface FrameInfo {
  readonly program: string;
  readonly subprogram: string;
  /** The slot it is at, or the slot of its call. */
  readonly slot: number;
  /** Guest address one past its stack (r10). */
  readonly stack: number;
}

export interface Fault {
  readonly kind: FaultKind;
  /** One line: where, what, nearest region. */
  readonly message: string;
  readonly place: Place;
  /** Memory faults only. */
  readonly address?: bigint;
  /** Bytes; memory faults only. */
  readonly size?: number;
  /** Innermost first. */
  readonly frames: readonly FrameInfo[];
}

/** A run's outcome. Counts are there where the engine counts. */
export interface RunResult {
  /** Unsigned 64 bits; 0 after a fault. */
  readonly r0: bigint;
  readonly fault?: Fault;
  readonly instructions?: number;
  readonly tailCalls?: number;
  /** Tail calls that fell through. */
  readonly missedTailCalls?: number;
}

/** What happened to the frames, as a trace hook sees it. */
export type TraceEvent =
  | {
      readonly kind: "instruction";
      readonly program: string;
      readonly slot: number;
      readonly registers: readonly bigint[];
    }
  | { readonly kind: "push"; readonly frame: FrameInfo; readonly depth: number; readonly callback: boolean }
  | { readonly kind: "pop"; readonly frame: FrameInfo; readonly depth: number; readonly r0: bigint }
  | {
      readonly kind: "tail-call";
      readonly from: FrameInfo;
      readonly to: FrameInfo;
      readonly depth: number;
      readonly map: string;
      readonly index: number;
      /** Tail calls made so far, this one included. */
      readonly count: number;
    }
  | {
      readonly kind: "missed-tail-call";
      readonly frame: FrameInfo;
      readonly map: string;
      readonly index: number;
      readonly reason: "index" | "count" | "empty";
    };

export interface RunOptions {
  /** Instructions after which the run faults; without it a run may last for ever. */
  readonly budget?: number;
  /** Polled at calls, tail calls and back edges. */
  readonly cancel?: { readonly cancelled: boolean };
  /** Frames come, go and are replaced. A fault ends the run without pops. */
  readonly onFrame?: (event: TraceEvent) => void;
  /** Each instruction, before it runs. Slow. */
  readonly onInstruction?: (event: TraceEvent) => void;
}
