import type { MapSpec, Program } from "@bpfkit/core";
import type { Source } from "./code.js";

/** What is put into a program array: a program's name, or null to empty the slot. */
export interface SlotChange {
  readonly map: string;
  readonly index: number;
  readonly program: string | null;
}

/** One run: which program, on what, and what is changed in program arrays before it. */
export interface CaseRun {
  readonly program: string;
  readonly data: Uint8Array;
  readonly slots?: readonly SlotChange[];
  /** Fields of the context by their kernel names; 0 where left out. */
  readonly ctx?: Readonly<Record<string, bigint>>;
  /** What is written into maps before it. */
  readonly init?: readonly MapWrite[];
}

/** A value that is written into a map from outside. */
export interface MapWrite {
  readonly map: string;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Everything that is run together and compared. Maps are new for each case and live through its runs. */
export interface FuzzCase {
  /** Makes this case again, with its class: `generateCase(seed, class)`. */
  readonly seed: number;
  readonly class: string;
  /** What the programs were laid out from; the entry first. */
  readonly sources: readonly Source[];
  readonly programs: readonly Program[];
  readonly maps: readonly MapSpec[];
  readonly slots: readonly SlotChange[];
  readonly runs: readonly CaseRun[];
}

/** Instructions of all programs of a case. */
export function instructionCount(subject: FuzzCase): number {
  return subject.sources.reduce((sum, { items }) => sum + items.filter((item) => "row" in item).length, 0);
}
