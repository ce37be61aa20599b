import { VmError } from "./error.js";

/** Bytes as lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** Hex digits without white space; undefined where they are none, or odd. */
function digitsOf(text: string): string | undefined {
  const digits = text.replace(/\s+/g, "");
  return digits.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(digits) ? digits : undefined;
}

/** Whether `fromHex` takes a text. */
export function isHex(text: string): boolean {
  return digitsOf(text) !== undefined;
}

/**
 * Hex to bytes; white space between bytes is allowed. `what` names it in the error.
 * @throws {VmError} `BAD_CONTENTS`.
 */
export function fromHex(text: string, what: string): Uint8Array {
  const digits = digitsOf(text);
  if (digits === undefined) throw new VmError("BAD_CONTENTS", `${what} ${HEX_RULE}, not "${cut(text)}"`);
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) =>
    Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16),
  );
}

/** How errors say what hex is. */
export const HEX_RULE = "must be hex, two digits a byte";

/** A text as errors show it. */
export function cut(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
