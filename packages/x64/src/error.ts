/** Where an encoding went wrong: the form asked for and the byte offset reached, as far as known. */
export interface X64Place {
  readonly form?: string;
  readonly offset?: number;
}

/** What can be wrong with an instruction or its labels. */
export type X64ErrorCode =
  /** No row of `FORMS` has that name. */
  | "UNKNOWN_FORM"
  /** An operand is missing, of another kind, or not a register, scale or segment there is. */
  | "BAD_OPERAND"
  /** An immediate, displacement or distance does not fit its field. */
  | "OUT_OF_RANGE"
  /** A label was bound twice, or a branch goes to one that never was. */
  | "BAD_LABEL";

/** The one error of this package: a stable `code`, the `place`, and a message of one line. */
export class X64Error extends Error {
  readonly code: X64ErrorCode;
  readonly place: X64Place;

  constructor(code: X64ErrorCode, what: string, place: X64Place = {}) {
    super(place.form === undefined ? what : `${place.form}: ${what}`);
    this.name = "X64Error";
    this.code = code;
    this.place = place;
  }
}
