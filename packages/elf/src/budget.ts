import { ElfError } from "./error.js";

/** Bytes of output that any object may ask for, and for each byte of its own. */
const FIXED = 1 << 20;
const PER_BYTE = 64;

/** What one problem counts: an error with its stack trace takes about as long to make as this many bytes to copy. */
const PROBLEM_BYTES = 8 << 10;

/**
 * What parsing one object may produce. Sections may overlap, names may share their bytes, and every entry gets a copy of
 * each subprogram it uses, so a small file could describe any amount; all that is copied is charged here.
 */
export class Budget {
  readonly #limit: number;
  #left: number;

  constructor(objectBytes: number) {
    this.#limit = FIXED + PER_BYTE * objectBytes;
    this.#left = this.#limit;
  }

  /** @throws {ElfError} `TOO_LARGE` once more than the limit was charged. */
  charge(bytes: number): void {
    this.#left -= bytes;
    if (this.#left >= 0) return;
    throw new ElfError(
      "TOO_LARGE",
      `the object's programs and maps take more than ${this.#limit} bytes, ${PER_BYTE} for each of its own`,
    );
  }

  /** Charges for one problem. */
  chargeProblem(): void {
    this.charge(PROBLEM_BYTES);
  }
}
