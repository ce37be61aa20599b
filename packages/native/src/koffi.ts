import { createRequire } from "node:module";
import type { Availability } from "@bpfkit/core";
import type * as Koffi from "koffi";
import { NativeError } from "./error.js";

/** The FFI with what this package uses of the C library. */
export interface Ffi {
  readonly koffi: typeof Koffi;
  /** `syscall(2)`: -1 and `errno` on failure. Results past 2^53 would come as bigint; no system call here has any. */
  readonly syscall: (number: number, ...args: (number | bigint)[]) => number;
  readonly memcpy: (to: bigint, from: Uint8Array, size: number) => void;
}

let loaded: Ffi | undefined;
let failure: string | undefined;

/** Whether system calls and native code can be reached from this process, and if not, why. Loads the FFI at the first call. */
export function nativeAvailability(): Availability {
  if (process.platform !== "linux") {
    return { available: false, reason: `not available here, because this is ${process.platform} and not Linux` };
  }
  if (process.arch !== "x64") {
    return { available: false, reason: `not available here, because this is ${process.arch} and not x86-64` };
  }
  if (loaded === undefined && failure === undefined) tryLoad();
  return failure === undefined ? { available: true } : { available: false, reason: failure };
}

/** @throws {NativeError} `NOT_AVAILABLE` with the reason. */
export function ffi(): Ffi {
  const answer = nativeAvailability();
  if (!answer.available) throw new NativeError("NOT_AVAILABLE", answer.reason);
  return loaded!;
}

/** `koffi` is an optional dependency: where it is missing or has no binary, everything but native code works. */
function tryLoad(): void {
  try {
    const koffi = createRequire(import.meta.url)("koffi") as typeof Koffi;
    const libc = koffi.load(null);
    loaded = {
      koffi,
      syscall: libc.func("int64 syscall(int64 n, uint64 a, uint64 b, uint64 c, uint64 d, uint64 e, uint64 f)"),
      memcpy: libc.func("void memcpy(uint64 to, void *from, uint64 size)"),
    };
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
    failure = `not available here, because the package koffi could not be loaded: ${why}`;
  }
}
