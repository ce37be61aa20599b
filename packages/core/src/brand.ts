import { CoreError } from "./error.js";

declare const brand: unique symbol;

/** A number that must not be mixed up with another kind of number. Made only by the constructors below. */
export type Brand<Name extends string> = number & { readonly [brand]: Name };

/** An address in guest memory: unsigned 32-bit, in bytes. 0 is never mapped. */
export type GuestAddress = Brand<"GuestAddress">;
/** An index into a program's 8-byte slots; a 64-bit load takes two slots. */
export type SlotIndex = Brand<"SlotIndex">;
/** A distance in bytes. */
export type ByteOffset = Brand<"ByteOffset">;
/** A map's number within a link set. */
export type MapId = Brand<"MapId">;
/** A program's number within a link set. */
export type ProgramId = Brand<"ProgramId">;

function checked(name: string, value: number, max: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new CoreError("OUT_OF_RANGE", `${name} must be an integer from 0 to ${max}, not ${value}`);
}

/** @throws {CoreError} `OUT_OF_RANGE` unless 0 ≤ value < 2^32. */
export const guestAddress = (value: number): GuestAddress =>
  checked("a guest address", value, 2 ** 32 - 1) as GuestAddress;
/** @throws {CoreError} `OUT_OF_RANGE` unless a non-negative safe integer. */
export const slotIndex = (value: number): SlotIndex =>
  checked("a slot index", value, Number.MAX_SAFE_INTEGER) as SlotIndex;
/** @throws {CoreError} `OUT_OF_RANGE` unless a non-negative safe integer. */
export const byteOffset = (value: number): ByteOffset =>
  checked("a byte offset", value, Number.MAX_SAFE_INTEGER) as ByteOffset;
/** @throws {CoreError} `OUT_OF_RANGE` unless 0 ≤ value < 2^31. */
export const mapId = (value: number): MapId => checked("a map id", value, 2 ** 31 - 1) as MapId;
/** @throws {CoreError} `OUT_OF_RANGE` unless 0 ≤ value < 2^28 (a function reference has 28 bits for its index). */
export const programId = (value: number): ProgramId => checked("a program id", value, 2 ** 28 - 1) as ProgramId;
