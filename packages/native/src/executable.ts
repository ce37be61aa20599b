import type { Availability, CodePages, ExecutableMemory, NativeArguments } from "@bpfkit/core";
import type { TypeObject } from "koffi";
import { addressOf } from "./address.js";
import { nativeCallback } from "./callback.js";
import { NativeError } from "./error.js";
import { guardRegions } from "./guard.js";
import { ffi, nativeAvailability } from "./koffi.js";
import { errnoName, SYSCALLS, syscall } from "./syscall.js";

const PAGE = 4096;
/** One compile never needs more; a larger request is a mistake. */
const MAX_SIZE = 2 ** 30;
/** `PROT_*` and `MAP_*` (uapi/asm-generic/mman-common.h). */
const PROT_READ_WRITE = 3;
const PROT_READ_EXECUTE = 5;
const MAP_PRIVATE_ANONYMOUS = 0x22;

/** Executable memory of this process. It always exists; its `availability` says whether it can be used. */
export const executableMemory: ExecutableMemory = {
  availability: executableAvailability,
  reserve: reservePages,
  attach: (address, size) => codePages(address, size, "executable", () => {}),
  addressOf,
  callback: nativeCallback,
  guardRegions,
};

let probed: Availability | undefined;

/** Tried out once with real pages: hardened systems refuse to turn written pages executable. */
function executableAvailability(): Availability {
  const native = nativeAvailability();
  if (!native.available) return native;
  probed ??= probe();
  return probed;
}

function probe(): Availability {
  try {
    const pages = reservePages(PAGE);
    try {
      // mov eax, 42; ret
      pages.seal(Uint8Array.of(0xb8, 42, 0, 0, 0, 0xc3));
      if (pages.entry(0, "i32")() === 42) return { available: true };
      return { available: false, reason: "not available here, because freshly written code did not run as written" };
    } finally {
      pages.free();
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { available: false, reason: `not available here, because the system refuses executable pages: ${why}` };
  }
}

function reservePages(bytes: number): CodePages {
  if (!(Number.isInteger(bytes) && bytes > 0 && bytes <= MAX_SIZE)) {
    throw new NativeError("BAD_ARGUMENT", `code pages must have 1 to ${MAX_SIZE} bytes, not ${bytes}`);
  }
  const size = Math.ceil(bytes / PAGE) * PAGE;
  const address = checked("mmap", syscall(SYSCALLS.mmap, 0, size, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0));
  const unmap = (): void => void checked("munmap", syscall(SYSCALLS.munmap, address, size));
  return codePages(BigInt(address), size, "writable", unmap);
}

function codePages(address: bigint, size: number, first: "writable" | "executable", unmap: () => void): CodePages {
  let state: "writable" | "executable" | "freed" = first;
  const need = (wanted: "writable" | "executable", action: string): void => {
    if (state !== wanted) {
      throw new NativeError("BAD_STATE", `cannot ${action} code pages that are ${state}: they must be ${wanted}`);
    }
  };
  return {
    address,
    size,
    seal(code) {
      need("writable", "seal");
      if (code.length > size) {
        throw new NativeError("BAD_ARGUMENT", `${code.length} bytes of code do not fit into pages of ${size}`);
      }
      ffi().memcpy(address, code, code.length);
      checked("mprotect", syscall(SYSCALLS.mprotect, address, size, PROT_READ_EXECUTE));
      state = "executable";
    },
    entry(offset: number, result: "u64" | "i32") {
      need("executable", "take an entry of");
      if (!(Number.isInteger(offset) && offset >= 0 && offset < size)) {
        throw new NativeError("BAD_ARGUMENT", `an entry must lie at 0 to ${size - 1}, not ${offset}`);
      }
      const call = nativeFunction(address + BigInt(offset), result);
      return (...args: NativeArguments) => {
        need("executable", "call into");
        // biome-ignore lint/suspicious/noExplicitAny: the overloads of `entry` give the result its type
        return call(args[0] ?? 0, args[1] ?? 0, args[2] ?? 0, args[3] ?? 0) as any;
      };
    },
    free() {
      if (state === "freed") return;
      unmap();
      state = "freed";
    },
  };
}

type NativeFunction = (a: number | bigint, b: number | bigint, c: number | bigint, d: number | bigint) => unknown;

const FOUR = ["uint64", "uint64", "uint64", "uint64"];
let prototypes: { readonly u64: TypeObject; readonly i32: TypeObject } | undefined;

function nativeFunction(address: bigint, result: "u64" | "i32"): NativeFunction {
  const { koffi } = ffi();
  prototypes ??= {
    u64: koffi.proto("uint64", FOUR),
    i32: koffi.proto("int32", FOUR),
  };
  const call = koffi.decode(address, prototypes[result]) as NativeFunction;
  // The FFI gives a number where one is exact.
  return result === "i32" ? call : (a, b, c, d) => BigInt(call(a, b, c, d) as number | bigint);
}

function checked(name: string, result: number): number {
  if (result >= 0) return result;
  throw new NativeError("SYSCALL_FAILED", `${name} failed with ${errnoName(result)}`);
}
