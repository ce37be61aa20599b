import { BpfkitError } from "@bpfkit/core";

/** What `ElfError.code` may be. */
export type ElfErrorCode =
  /** The bytes do not begin with ELF's magic number. */
  | "NOT_ELF"
  /** ELF, but not a 64-bit little-endian relocatable eBPF object. */
  | "UNSUPPORTED"
  /** A size, offset or index in the file leads nowhere. */
  | "DAMAGED"
  /** What the object describes is out of proportion to its size. */
  | "TOO_LARGE"
  /** A relocation of a kind, or at a place, that a program cannot have. */
  | "BAD_RELOCATION"
  /** A symbol or an address that no reference of a program can stand for. */
  | "UNRESOLVED"
  /** A map definition that makes no sense. */
  | "BAD_MAP"
  /** Two entries of one name. */
  | "DUPLICATE_NAME";

/** The only error `@bpfkit/elf` throws, beside `BtfError` for damaged BTF. */
export class ElfError extends BpfkitError<ElfErrorCode> {}
