import type { MapSpec } from "@bpfkit/core";
import type { Label } from "../code.js";
import type { Frame } from "../frame.js";

/** Kinds of statements; a class of programs is a weight for each. */
export type StatementKind =
  | "arithmetic"
  | "branch"
  | "loop"
  | "stack"
  | "packet"
  | "map"
  | "atomic"
  | "memory"
  | "context"
  | "taint"
  | "legacyLoad"
  | "helper"
  | "call"
  | "callback"
  | "tailCall"
  | "range";

/** How often each kind is chosen; a kind left out is never. */
export type Weights = Readonly<Partial<Record<StatementKind, number>>>;

/** A subprogram that may be called, and how often it still may: each call is verified anew. */
export interface Callee {
  readonly label: Label;
  readonly name: string;
  /** Scalars it takes in r2 and on; r1 is the context. */
  readonly args: number;
  callsLeft: number;
}

/** What statements of one function may use beside its registers and stack. */
export interface World {
  /** `xdp`, `sched_cls` or `socket_filter`. */
  readonly type: string;
  readonly maps: readonly MapSpec[];
  /** The program array there is, and how many slots it has. */
  readonly programArray?: { readonly name: string; readonly slots: number };
  /** Helper ids that may be called. */
  readonly helpers: ReadonlySet<number>;
  readonly weights: Weights;
  /** Subprograms further down the chain. */
  readonly callees: readonly Callee[];
  /** Callbacks that loops asked for, which are written behind the functions. */
  readonly callbacks: { readonly label: Label; readonly name: string }[];
  /** Whether an exit may stand inside a branch: not in a callback, whose result is limited. */
  readonly exits: boolean;
}

/** Adds a few statements; nested blocks get one. */
export type Block = (frame: Frame, world: World, count: number) => void;

/** Adds one statement, or nothing where it does not fit. */
export type Statement = (frame: Frame, world: World, block: Block) => void;

/** The register that holds the context, in every function. */
export const CONTEXT_REGISTER = 6;
