import type { GuestMemory, Region } from "@bpfkit/core";
import { MemoryError } from "./error.js";
import type { Description } from "./explain.js";
import { RegionMemory } from "./regions.js";
import { Seats } from "./seats.js";
import { viewsOf } from "./views.js";

/** How guest memory is shared. */
export interface ShareOptions {
  /** Threads that may be attached at one time. */
  readonly threads: number;
  /** Bytes of each thread's own area. */
  readonly bytes: number;
}

/** Guest memory for other threads: plain data that `postMessage` takes. */
export interface SharedMemory {
  readonly wasm: WebAssembly.Memory;
  readonly readShadow: Uint8Array;
  readonly writeShadow: Uint8Array;
  /** Each thread's area, from thread 1 on. */
  readonly areas: readonly Region[];
  /** What was described when it was shared, for the words of faults. */
  readonly known: readonly Description[];
  readonly seats: Int32Array;
}

/** Guest memory that another thread made. Regions are reserved in this thread's own area. */
export interface AttachedMemory extends GuestMemory {
  /** This thread's number, from 1; the memory's owner is 0. */
  readonly thread: number;
  /** Ends the use of it; its area may become another thread's. A second call does nothing. */
  detach(): void;
}

/** Attaches this thread. @throws {MemoryError} `NO_SEAT`, `CLOSED`. */
export function attachGuestMemory(shared: SharedMemory): AttachedMemory {
  return new AreaMemory(shared);
}

class AreaMemory extends RegionMemory implements AttachedMemory {
  readonly thread: number;
  readonly #seats: Seats;
  readonly #area: Region;
  #attached = true;

  constructor({ wasm, readShadow, writeShadow, areas, known, seats }: SharedMemory) {
    const taken = new Seats(seats);
    const thread = taken.take();
    const area = areas[thread - 1]!;
    super(viewsOf(wasm, readShadow, writeShadow, 1), area.start, known);
    this.thread = thread;
    this.#seats = taken;
    this.#area = area;
    // A thread that ended in the middle of something leaves its area as it was then.
    this.#clear();
  }

  #clear(): void {
    const { start, size } = this.#area;
    this.permit(start, size, "none");
    this.views.u8.fill(0, start, start + size);
  }

  protected growTo(to: number, name: string): void {
    const { start, size } = this.#area;
    if (to <= start + size) return;
    throw new MemoryError(
      "OUT_OF_MEMORY",
      `region ${name} does not fit into the area of thread ${this.thread}, which has ${size} bytes`,
    );
  }

  detach(): void {
    if (!this.#attached) return;
    this.#attached = false;
    this.#clear();
    this.#seats.leave(this.thread);
  }
}
