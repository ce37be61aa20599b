import { BpfkitError } from "@bpfkit/core";

/** Why the verifier could not give a verdict at all. */
export type VerifierErrorCode =
  /** The code is empty, or not whole slots of 8 bytes. */
  | "BAD_CODE"
  /** A subprogram, reference or BTF row of the program names a slot that does not exist. */
  | "BAD_PROGRAM"
  /** A reference names a map that was not given. */
  | "UNKNOWN_MAP"
  | "UNKNOWN_PROGRAM_TYPE"
  /** The caller asked to stop. */
  | "CANCELLED"
  /** A kernel function that is not known, an arena or another feature the verifier does not follow. */
  | "UNSUPPORTED";

/** What `verify` throws where there can be no verdict. A rejected program is not an error. */
export class VerifierError extends BpfkitError<VerifierErrorCode> {}

/** Errors of `BPF_PROG_LOAD` that a rejection carries. */
export type RejectionErrno =
  | "EACCES"
  | "EINVAL"
  | "E2BIG"
  | "EFAULT"
  | "EPERM"
  | "ENOMEM"
  | "ENOSPC"
  | "EBUSY"
  | "ENOTSUPP";

/**
 * Ends the walk: the program is refused. The lines of the kernel's reason are in the log already; thrown and caught within
 * this package.
 */
export class Rejection extends Error {
  readonly errno: RejectionErrno;

  constructor(errno: RejectionErrno, message: string) {
    super(message);
    this.name = "Rejection";
    this.errno = errno;
  }
}
