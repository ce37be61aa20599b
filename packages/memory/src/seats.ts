import { MemoryError } from "./error.js";

const FREE = 0;
const TAKEN = 1;

/** Which threads are attached to a memory: a word for each, numbered from 1; the first word says whether its owner closed it. */
export class Seats {
  readonly words: Int32Array;

  /** For so many threads, or over words that another thread made. */
  constructor(threads: number | Int32Array) {
    this.words = typeof threads === "number" ? new Int32Array(new SharedArrayBuffer(4 * (threads + 1))) : threads;
  }

  get taken(): number {
    let taken = 0;
    for (let seat = 1; seat < this.words.length; seat++) if (Atomics.load(this.words, seat) === TAKEN) taken++;
    return taken;
  }

  /** Takes a seat and gives its number. @throws {MemoryError} `NO_SEAT`, `CLOSED`. */
  take(): number {
    const { words } = this;
    for (let seat = 1; seat < words.length; seat++) {
      if (Atomics.compareExchange(words, seat, FREE, TAKEN) !== FREE) continue;
      // Behind the seat's own word: whoever closes looks at the seats behind the first word, so one of the two sees the other.
      if (Atomics.load(words, 0) === FREE) return seat;
      this.leave(seat);
      throw new MemoryError("CLOSED", "the thread that made the guest memory closed it");
    }
    throw new MemoryError(
      "NO_SEAT",
      `guest memory is shared with ${words.length - 1} threads, and as many are attached`,
    );
  }

  leave(seat: number): void {
    if (seat > 0 && seat < this.words.length) Atomics.store(this.words, seat, FREE);
  }

  /** @throws {MemoryError} `ATTACHED`. */
  close(): void {
    Atomics.store(this.words, 0, TAKEN);
    const { taken } = this;
    if (taken === 0) return;
    Atomics.store(this.words, 0, FREE);
    throw new MemoryError("ATTACHED", `guest memory cannot be closed: ${taken} threads are attached to it`);
  }
}
