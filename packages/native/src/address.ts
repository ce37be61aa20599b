import { ffi } from "./koffi.js";

/**
 * Where the first byte of a typed array, view or `WebAssembly.Memory` lies in this process. It stays there while the object
 * lives, unless the memory grows or the buffer is detached.
 * @throws {NativeError} `NOT_AVAILABLE`.
 */
export function addressOf(data: ArrayBufferView | WebAssembly.Memory): bigint {
  const { koffi } = ffi();
  // Through a view, because the FFI takes no bare SharedArrayBuffer.
  return koffi.address(data instanceof WebAssembly.Memory ? new Uint8Array(data.buffer) : data);
}
