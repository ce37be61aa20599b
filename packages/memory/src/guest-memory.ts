import type { GuestMemory } from "@bpfkit/core";
import { MemoryError } from "./error.js";
import { FUNCTION_BASE, LOWEST_MAPPED } from "./explain.js";
import { GAP, RegionMemory } from "./regions.js";
import { Seats } from "./seats.js";
import type { SharedMemory, ShareOptions } from "./shared-memory.js";
import { copyViews, newViews, PAGE } from "./views.js";

const DEFAULT_BYTES = 1 << 20;
const HIGHEST_PAGE_COUNT = FUNCTION_BASE / PAGE;

export interface GuestMemoryOptions {
  /** Bytes to begin with; more are taken as regions are reserved. Default 1 MiB. */
  readonly initialBytes?: number;
  /** Bytes it may grow to; at most 3,840 MiB, the default. */
  readonly maxBytes?: number;
  /** Makes memory that `share` can open to other threads (in a browser: of a page that is cross-origin isolated). Default false. */
  readonly shared?: boolean;
}

/** Guest memory in the thread that made it. */
export interface OwnMemory extends GuestMemory {
  /**
   * Opens it to other threads, once; it cannot grow any more. Each thread that attaches has an area of its own for its stacks,
   * contexts and packets.
   * @throws {MemoryError} `NOT_SHARED`, `ALREADY_SHARED`, `BAD_SIZE`, and as `reserve` does.
   */
  share(options: ShareOptions): SharedMemory;
  /**
   * Gives back the seat of a thread that ended without detaching. Only once it has ended: what it would still write, it would
   * write to another thread's area.
   */
  detach(thread: number): void;
  /** Lets no more threads attach. @throws {MemoryError} `ATTACHED` where some are; then all is as before. */
  close(): void;
}

/** Makes empty guest memory. @throws {MemoryError} `OUT_OF_MEMORY` where the platform has not enough, `NOT_SHARED` where it shares none. */
export function createGuestMemory(options: GuestMemoryOptions = {}): OwnMemory {
  return new WasmGuestMemory(options);
}

class WasmGuestMemory extends RegionMemory implements OwnMemory {
  readonly #maxPages: number;
  readonly #shared: boolean;
  #seats: Seats | undefined;

  constructor(options: GuestMemoryOptions) {
    const { initialBytes = DEFAULT_BYTES, maxBytes = HIGHEST_PAGE_COUNT * PAGE, shared = false } = options;
    const maxPages = Math.min(Math.ceil(maxBytes / PAGE), HIGHEST_PAGE_COUNT);
    const initial = Math.min(Math.ceil(initialBytes / PAGE), maxPages);
    if (shared && typeof SharedArrayBuffer === "undefined")
      throw new MemoryError("NOT_SHARED", "there is no shared memory here: the page is not cross-origin isolated");
    const views = newViews(initial, 1, shared);
    if (views === undefined)
      throw new MemoryError("OUT_OF_MEMORY", `no ${initial * PAGE} bytes of guest memory to be had`);
    super(views, LOWEST_MAPPED);
    this.#maxPages = maxPages;
    this.#shared = shared;
  }

  get attached(): number {
    return this.#seats?.taken ?? 0;
  }

  protected growTo(end: number, name: string): void {
    const have = this.views.u8.length;
    if (end <= have) return;
    if (this.#seats !== undefined)
      throw new MemoryError(
        "GROWTH_SHARED",
        `region ${name} needs more guest memory, which must be reserved before it is shared with other threads`,
      );
    if (this.runs > 0)
      throw new MemoryError(
        "GROWTH_IN_RUN",
        `region ${name} needs more guest memory, which must be reserved before a run begins`,
      );
    const pages = Math.ceil(end / PAGE);
    if (pages > this.#maxPages)
      throw new MemoryError(
        "OUT_OF_MEMORY",
        `region ${name} would bring guest memory to ${end} bytes, over its limit of ${this.#maxPages * PAGE}`,
      );
    const doubled = Math.min(Math.max(pages, (2 * have) / PAGE), this.#maxPages);
    const epoch = this.views.epoch + 1;
    const larger = newViews(doubled, epoch, this.#shared) ?? newViews(pages, epoch, this.#shared);
    if (larger === undefined)
      throw new MemoryError(
        "OUT_OF_MEMORY",
        `region ${name}: the platform gave no ${pages * PAGE} bytes of guest memory`,
      );
    copyViews(this.views, larger, this.end);
    this.views = larger;
  }

  share({ threads, bytes }: ShareOptions): SharedMemory {
    if (!this.#shared)
      throw new MemoryError(
        "NOT_SHARED",
        "guest memory was not made to be shared: createGuestMemory({ shared: true })",
      );
    if (this.#seats !== undefined) throw new MemoryError("ALREADY_SHARED", "guest memory is shared already");
    if (!Number.isInteger(threads) || threads < 1)
      throw new MemoryError("BAD_SIZE", `guest memory is shared with at least one thread, not ${threads}`);
    const areas = Array.from({ length: threads }, (_, index) =>
      // A gap of the thread's own before its first region and behind its last.
      this.reserve(`the area of thread ${index + 1}`, bytes + 2 * GAP, "none"),
    );
    // As much for the thread that shares it: it may still have programs to link.
    this.growTo(this.end + bytes + 2 * GAP, "the area of the thread that shares it");
    this.#seats = new Seats(threads);
    const { wasm, readShadow, writeShadow } = this.views;
    const known = this.descriptions();
    return { wasm: wasm!, readShadow, writeShadow, areas, known, seats: this.#seats.words };
  }

  detach(thread: number): void {
    this.#seats?.leave(thread);
  }

  close(): void {
    this.#seats?.close();
  }
}
