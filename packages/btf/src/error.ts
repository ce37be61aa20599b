import { BpfkitError, type Place } from "@bpfkit/core";

/** What `BtfError.code` may be. */
export type BtfErrorCode =
  /** The bytes do not begin with BTF's magic number. */
  | "NOT_BTF"
  /** BTF of a byte order, version or record size this package does not read. */
  | "UNSUPPORTED"
  /** A length, offset or reference in the data leads nowhere. */
  | "DAMAGED"
  /** No type has this id. */
  | "NO_SUCH_TYPE"
  /** The type is of another kind than the caller's question needs. */
  | "WRONG_KIND"
  /** The type has no size: void, a function, or a structure that is only declared. */
  | "NO_SIZE"
  /** A value does not fit its type, or bytes do not have the type's size. */
  | "BAD_VALUE"
  /** Output would be out of proportion to the input. */
  | "TOO_LARGE";

/** The only error `@bpfkit/btf` throws. `place.section` is `.BTF` or `.BTF.ext`, `place.offset` a byte offset in it. */
export class BtfError extends BpfkitError<BtfErrorCode> {}

/** An error at a byte of `.BTF`. */
export function btfError(code: BtfErrorCode, what: string, offset?: number): BtfError {
  const place: Place = offset === undefined ? { section: ".BTF" } : { section: ".BTF", offset };
  return new BtfError(code, what, place);
}
