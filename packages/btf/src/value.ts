import type { BtfInt } from "./type.js";

/**
 * A value as data. Integers up to 32 bits and floats are numbers, longer integers and pointers bigints, `bool` true or
 * false, enumerators their names, `char` arrays that hold text strings, arrays arrays, structs and unions objects.
 * What has no such form (a bool of 2, an unnamed enumerator, a char array without text) is a number or an array of them.
 */
export type BtfValue = number | bigint | boolean | string | readonly BtfValue[] | { readonly [name: string]: BtfValue };

/** `BTF_INT_SIGNED`. */
export const SIGNED = 1;
/** `BTF_INT_BOOL`. */
export const BOOL = 4;

/** Bits of the longest integer (`__int128`). */
export const MAX_INT_BITS = 128;

/** Bits of a value in its bytes, counted from the lowest bit of byte 0. */
export interface BitRange {
  readonly offset: number;
  readonly size: number;
}

/** The bits an integer type uses of its bytes. */
export const intRange = (type: BtfInt): BitRange => ({ offset: type.offset, size: Math.min(type.bits, type.size * 8) });

/** Whether an element type makes an array text: one byte that C calls `char`. */
export const isChar = (type: { readonly kind: string; readonly name: string; readonly size?: number }): boolean =>
  type.kind === "int" && type.name === "char" && type.size === 1;
