import { BpfkitError, type Place } from "@bpfkit/core";
import type { Field } from "./row.js";

/** What `IsaError.code` may be. */
export type IsaErrorCode =
  /** No instruction has this opcode. */
  | "UNKNOWN_OPCODE"
  /** The opcode exists, but no form of it has these field values. */
  | "UNKNOWN_FORM"
  /** A field the instruction does not use is not 0. */
  | "RESERVED_FIELD"
  /** A register above r10. */
  | "BAD_REGISTER"
  /** The code ends within a slot or after the first slot of a 64-bit immediate. */
  | "TRUNCATED"
  /** A value given to a builder or the encoder does not fit its field. */
  | "BAD_OPERAND";

/** What was found, for a caller that words it anew. */
export interface IsaErrorFacts {
  readonly opcode?: number;
  readonly field?: Field;
  readonly value?: number;
}

/** The only error `@bpfkit/isa` throws. `place.slot` says where, if the instruction has a place in code. */
export class IsaError extends BpfkitError<IsaErrorCode> {
  readonly facts: IsaErrorFacts;

  constructor(code: IsaErrorCode, what: string, place: Place = {}, facts: IsaErrorFacts = {}) {
    super(code, what, place);
    this.facts = facts;
  }
}
