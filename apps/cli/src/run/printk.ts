/** Lines kept of one run; a program in a loop prints without end. */
const MOST = 1000;

/** Keeps what programs print (`bpf_trace_printk`), run by run. */
export class Printk {
  #lines: string[] = [];
  #left = 0;

  add(line: string): void {
    if (this.#lines.length < MOST) this.#lines.push(line);
    else this.#left++;
  }

  /** The lines since the last call. */
  take(): readonly string[] {
    const lines = this.#left === 0 ? this.#lines : [...this.#lines, `… and ${this.#left} lines more`];
    this.#lines = [];
    this.#left = 0;
    return lines;
  }
}
