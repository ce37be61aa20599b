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
  #skippedVerdicts = 0;
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

  verdictSkipped(): void {
    this.#skippedVerdicts++;
  }

  #differs(what: string): void {
    this.#failed = true;
    this.#lines.push(what);
  }

  result(id: string): CaseResult {
    const skipped = this.#skippedVerdicts;
    if (this.#compared === 0 && !this.#failed) {
      if (skipped > 0) return this.skip(id, "it expects verdicts only, and there is no verifier yet");
      this.#differs("the case compares nothing");
    }
    return { id, ok: !this.#failed, detail: this.#detail() };
  }

  /** The result of a case that cannot be judged. */
  skip(id: string, reason: string): CaseResult {
    return { id, ok: true, skipped: reason, detail: this.#detail() };
  }

  #detail(): string[] {
    const skipped = this.#skippedVerdicts;
    if (skipped === 0) return this.#lines;
    return [...this.#lines, `${skipped} verdict${skipped === 1 ? "" : "s"} skipped: there is no verifier yet`];
  }
}
