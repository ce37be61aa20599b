import type { NativeCallback } from "@bpfkit/core";
import type { TypeObject } from "koffi";
import { ffi } from "./koffi.js";

/** What native code gets back from a callback that threw. */
const THREW = -1;

let prototype: TypeObject | undefined;

/**
 * Makes a JavaScript function callable from machine code of this thread. A throw inside is kept, because it must not cross
 * native frames.
 * @throws {NativeError} `NOT_AVAILABLE`. The FFI has 8,192 callbacks in a process and throws past that.
 */
export function nativeCallback(body: (a: number, b: number) => number): NativeCallback {
  const { koffi } = ffi();
  prototype ??= koffi.pointer(koffi.proto("int32", ["uint32", "uint32"]));
  let thrown: unknown;
  const guarded = (a: number, b: number): number => {
    try {
      return body(a, b) | 0;
    } catch (error) {
      thrown = error;
      return THREW;
    }
  };
  const address = koffi.register(guarded, prototype);
  let freed = false;
  return {
    address,
    takeError() {
      const error = thrown;
      thrown = undefined;
      return error;
    },
    free() {
      if (!freed) koffi.unregister(address);
      freed = true;
    },
  };
}
