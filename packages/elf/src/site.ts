import type { ElfErrorCode } from "./error.js";

/** What a slot of a code section refers to, once its relocation is resolved. */
export type SiteTarget =
  /** A call of a function (`call`) or its address (`code`), at a slot of a section; on the wire both are relative. */
  | { readonly kind: "call" | "code"; readonly section: number; readonly slot: number }
  | { readonly kind: "map"; readonly map: string }
  | { readonly kind: "mapValue"; readonly map: string; readonly offset: number }
  | { readonly kind: "extern"; readonly symbol: string; readonly of: "function" | "variable"; readonly weak: boolean }
  /** Nothing a program can hold: each program that contains the slot is refused with these words. */
  | { readonly kind: "problem"; readonly code: ElfErrorCode; readonly what: string };

/** A slot that refers to something. */
export interface Site {
  /** Slot in the section. */
  readonly slot: number;
  /** Slots of the instruction. */
  readonly width: 1 | 2;
  readonly target: SiteTarget;
}
