import { VmError } from "./error.js";

/** Bytes as lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/**
 * Hex to bytes; white space between bytes is allowed. `what` names it in the error.
 * @throws {VmError} `BAD_CONTENTS`.
 */
export function fromHex(text: string, what: string): Uint8Array {
  const digits = text.replace(/\s+/g, "");
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) {
    const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
    throw new VmError("BAD_CONTENTS", `${what} must be hex, two digits a byte, not "${shown}"`);
  }
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) =>
    Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16),
  );
}
