import type { CaseResult } from "./run-case.js";

/** A value as a line shows it. */
function shown(value: unknown): string {
  return typeof value === "bigint" ? value.toString() : (JSON.stringify(value) ?? "nothing");
}

/** Collects what a case compared, and how it differed. */
export class Report {
  readonly #lines: string[] = [];
  #compared = 0;
  #failed = false;
  readonly #verdicts = { equal: 0, different: 0 };
  /** Whether it differed in more than a value: a run ended in a fault, or could not begin. */
  broken = false;

  get failed(): boolean {
    return this.#failed;
  }

  /** Compares, unless nothing is expected. What differs is a line: `what got, expected …`. */
  compare(what: string, expected: unknown, got: unknown): void {
    if (expected === undefined) return;
    this.#compared++;
    const [one, other] = [shown(expected), shown(got)];
    if (one !== other) this.#differs(`${what} ${other}, expected ${one}`);
  }

  /** Notes that something went wrong that nobody expected. */
  broke(what: string): void {
    this.broken = true;
    this.#differs(what);
  }

  /** Compares the verdict itself, and counts how it went. */
  verdict(what: string, expected: string, got: string): void {
    this.#verdicts[expected === got ? "equal" : "different"]++;
    this.compare(what, expected, got);
  }

  /** Notes what cannot be judged and takes nothing from the rest. */
  leftOut(what: string): void {
    this.#lines.push(what);
  }

  #differs(what: string): void {
    this.#failed = true;
    this.#lines.push(what);
  }

  result(id: string): CaseResult {
    if (this.#compared === 0 && !this.#failed) this.#differs("the case compares nothing");
    return { id, ok: !this.#failed, verdicts: this.#verdicts, detail: this.#lines };
  }

  /** The result of a case that cannot be judged in full: skipped, unless something differed before. */
  skip(id: string, reason: string): CaseResult {
    if (this.#failed) return this.result(id);
    return { id, ok: true, skipped: reason, verdicts: this.#verdicts, detail: this.#lines };
  }
}
