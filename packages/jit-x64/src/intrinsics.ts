import type { Current, Emitter } from "./emitter.js";

/** Writes a helper's work in machine code where it can here; false where the body must be called. */
export type Intrinsic = (e: Emitter, i: Current) => boolean;

/** Helpers that machine code does itself, by the name of their body. */
export const INTRINSICS: { readonly [name: string]: Intrinsic } = {};
