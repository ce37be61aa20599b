import type { GuestAddress, GuestMemory, Region } from "@bpfkit/core";

/** Byte offsets of a hash map's own words. */
const OFFSETS = { lock: 0, version: 4, free: 8, handedOut: 12, size: 16, spare: 20, hand: 24 } as const;
/** Where the stack of freed entries begins. */
const STACK = 32;

/** A number a hash map keeps of itself. */
type Count = "free" | "handedOut" | "size" | "spare" | "hand";

/** Bytes of the state of a map with so many entries. */
export function stateBytes(capacity: number, evicts: boolean): number {
  return STACK + 4 * capacity + (evicts ? capacity : 0);
}

/**
 * What a hash map knows beside its entries, in guest memory, so that every thread the map is shared with knows the same:
 * counts, the numbers of freed entries (last in, first out) and, where it makes room by itself, which were used lately.
 * Changed under the lock only.
 */
export class HashState {
  readonly lock: number;
  readonly version: GuestAddress;
  readonly #memory: GuestMemory;
  readonly #stack: number;
  readonly #used: number;

  constructor(memory: GuestMemory, { start }: Region, capacity: number) {
    this.#memory = memory;
    this.lock = start + OFFSETS.lock;
    this.version = (start + OFFSETS.version) as GuestAddress;
    this.#stack = start + STACK;
    this.#used = start + STACK + 4 * capacity;
  }

  get(count: Count): number {
    return this.#memory.views.i32[(this.lock + OFFSETS[count]) >>> 2]!;
  }

  set(count: Count, value: number): void {
    this.#memory.views.i32[(this.lock + OFFSETS[count]) >>> 2] = value;
  }

  /** A freed entry's number; undefined where there is none. */
  pop(): number | undefined {
    const free = this.get("free");
    if (free === 0) return undefined;
    this.set("free", free - 1);
    return this.#memory.views.i32[(this.#stack >>> 2) + free - 1]!;
  }

  push(entry: number): void {
    const free = this.get("free");
    this.#memory.views.i32[(this.#stack >>> 2) + free] = entry;
    this.set("free", free + 1);
  }

  wasUsed(entry: number): boolean {
    return this.#memory.views.u8[this.#used + entry] !== 0;
  }

  setUsed(entry: number, used: boolean): void {
    this.#memory.views.u8[this.#used + entry] = used ? 1 : 0;
  }

  /** Odd while an entry is taken out of its chain. */
  readVersion(): number {
    return Atomics.load(this.#memory.views.i32, this.version >>> 2);
  }

  /** Takes an entry out of its chain, so that those who look up meanwhile know. */
  whileOdd(takeOut: () => void): void {
    const { i32 } = this.#memory.views;
    Atomics.add(i32, this.version >>> 2, 1);
    takeOut();
    Atomics.add(i32, this.version >>> 2, 1);
  }
}
