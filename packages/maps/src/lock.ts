import type { MemoryViews } from "@bpfkit/core";
import { MapError } from "./error.js";

/** Values of a lock's word. */
const FREE = 0;
const HELD = 1;
/** Held, and somebody sleeps until it is free. */
const WAITED_FOR = 2;

/** Looks at a held lock before the thread goes to sleep: what is done under it takes less than a microsecond. */
const SPINS = 200;
/** A holder that takes longer than this ended in the middle. */
const PATIENCE_MILLISECONDS = 10_000;

/**
 * Does something while no other thread does anything under the lock at a guest address. Not to be nested. Memory that is not
 * shared needs no lock.
 * @throws {MapError} `LOCKED` where the lock does not become free.
 */
export function locked<T>({ i64, i32 }: MemoryViews, lock: number, map: string, body: () => T): T {
  if (i64 === undefined) return body();
  const word = lock >>> 2;
  if (Atomics.compareExchange(i32, word, FREE, HELD) !== FREE) takeHeld(i32, word, map);
  try {
    return body();
  } finally {
    if (Atomics.exchange(i32, word, FREE) === WAITED_FOR) Atomics.notify(i32, word, 1);
  }
}

function takeHeld(i32: Int32Array, word: number, map: string): void {
  for (let spin = 0; spin < SPINS; spin++) if (Atomics.compareExchange(i32, word, FREE, HELD) === FREE) return;
  const end = performance.now() + PATIENCE_MILLISECONDS;
  // Who slept cannot know whether others still do, so it takes the lock as one that is waited for.
  while (Atomics.exchange(i32, word, WAITED_FOR) !== FREE) {
    const left = end - performance.now();
    if (left <= 0) {
      throw new MapError(
        "LOCKED",
        `map ${map}: a thread has held its lock for ${PATIENCE_MILLISECONDS / 1000} seconds; it must have ended in the middle of an update`,
      );
    }
    sleep(i32, word, left);
  }
}

/** A browser's main thread may not sleep: it goes on looking. */
function sleep(i32: Int32Array, word: number, milliseconds: number): void {
  try {
    Atomics.wait(i32, word, WAITED_FOR, milliseconds);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}
