import { BpfkitError } from "@bpfkit/core";

/** What `VmError.code` may be. */
export type VmErrorCode =
  /** No program, map, or slot has this name; the message lists what there is. */
  | "NO_SUCH_PROGRAM"
  | "NO_SUCH_MAP"
  /** A name that must be one of many, but fits several or none was given. */
  | "AMBIGUOUS"
  /** Map contents, a key or a value of the wrong shape or length. */
  | "BAD_CONTENTS"
  /** What the map cannot do: a program array seeded with bytes, a value of a map without BTF. */
  | "UNSUPPORTED"
  /** The object says of this program that it cannot be loaded; the cause says why. */
  | "BAD_PROGRAM"
  /** A declarative test that does not follow its format. */
  | "BAD_CASE"
  /** The VM was disposed of. */
  | "DISPOSED";

/** The only error `@bpfkit/vm` throws itself; errors of the packages below pass through as they are. */
export class VmError extends BpfkitError<VmErrorCode> {}
