import type { Reference } from "@bpfkit/core";

/** What a printer asks of the code around an instruction. */
export interface Names {
  /** The label a distance from the instruction's slot reaches; undefined where it has none. */
  label(distance: number): string | undefined;
  helper(id: number): string | undefined;
  /** What the instruction refers to. */
  readonly reference: Reference | undefined;
}
