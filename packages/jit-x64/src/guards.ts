import type { ExecutableMemory, MemoryViews } from "@bpfkit/core";
import { JitError } from "./error.js";

/** A 32-bit index reaches 4 GiB, a 16-bit displacement a little to either side, and an interval kept uncut less than these. */
const GUARD_BEFORE = 2 ** 31;
const GUARD_BEHIND = 2 ** 33;

const proven = new WeakSet<WebAssembly.Memory>();

/**
 * Proves that a wrong address with 32 bits cannot reach anything but guest memory: once for each memory.
 * @throws {JitError} `NOT_AVAILABLE` where it can.
 */
export function proveGuards({ wasm }: MemoryViews, native: ExecutableMemory): void {
  if (wasm !== undefined) {
    if (proven.has(wasm)) return;
    const { before, behind } = native.guardRegions(wasm);
    if (before >= GUARD_BEFORE && behind >= GUARD_BEHIND) {
      proven.add(wasm);
      return;
    }
  }
  throw new JitError(
    "NOT_AVAILABLE",
    "confined needs inaccessible memory around guest memory, which is not proven here; use checked",
  );
}
