import type { MemoryViews } from "@bpfkit/core";
import { GRANULE } from "./shadow.js";

/** Bytes of a page of `WebAssembly.Memory`. */
export const PAGE = 65_536;

/**
 * A memory of its own with its shadows, all zero; undefined where the platform has not enough. Memory that must grow is
 * copied to a larger one: `WebAssembly.Memory.grow` detaches a buffer, after which V8 checks for detached buffers at every
 * access to any typed array there is (Node 20: 15 to 30 % of the interpreter's speed).
 */
export function newViews(pages: number, epoch: number, shared: boolean): MemoryViews | undefined {
  try {
    const wasm = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
    const granules = (pages * PAGE) / GRANULE;
    const shadow = (): Uint8Array =>
      new Uint8Array(shared ? new SharedArrayBuffer(granules) : new ArrayBuffer(granules));
    return viewsOf(wasm, shadow(), shadow(), epoch);
  } catch {
    return undefined;
  }
}

/** Typed arrays over a memory and its shadows. */
export function viewsOf(
  wasm: WebAssembly.Memory,
  readShadow: Uint8Array,
  writeShadow: Uint8Array,
  epoch: number,
): MemoryViews {
  const { buffer } = wasm;
  return {
    epoch,
    wasm,
    u8: new Uint8Array(buffer),
    i32: new Int32Array(buffer),
    data: new DataView(buffer),
    ...(buffer instanceof ArrayBuffer ? {} : { i64: new BigInt64Array(buffer) }),
    readShadow,
    writeShadow,
  };
}

/** Copies what lies below `end`. */
export function copyViews(from: MemoryViews, to: MemoryViews, end: number): void {
  to.u8.set(from.u8.subarray(0, end));
  to.readShadow.set(from.readShadow.subarray(0, end / GRANULE));
  to.writeShadow.set(from.writeShadow.subarray(0, end / GRANULE));
}
