import { type GuestMemory, MemoryFault } from "@bpfkit/core";

/** Bytes as characters of the same numbers. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Characters as bytes of the same numbers. */
export function fromLatin1(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** Whether a program may read all of `size` bytes. */
export function canRead(memory: GuestMemory, address: number, size: number): boolean {
  try {
    memory.checkRead(address, size);
    return true;
  } catch (error) {
    if (error instanceof MemoryFault) return false;
    throw error;
  }
}

/** A NUL-terminated string, cut off after `max` bytes; empty where it cannot be read, as Linux's `strncpy_from_kernel_nofault` has it. */
export function readString(memory: GuestMemory, address: number, max: number): Uint8Array {
  const bytes = memory.views.u8.subarray(address, address + Math.max(max, 0));
  const end = bytes.indexOf(0);
  const string = end < 0 ? bytes : bytes.subarray(0, end);
  return canRead(memory, address, end < 0 ? max : end + 1) ? string : new Uint8Array(0);
}
