/** Bytes as lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/** Hex text with white space anywhere to bytes; else what is wrong with it, in words. */
export function fromHex(text: string): Uint8Array | string {
  const wrong = /[^0-9a-fA-F\s]/u.exec(text);
  if (wrong !== null) return `character ${wrong.index + 1} is ${JSON.stringify(wrong[0])}, no hex digit`;
  const digits = text.replace(/\s+/g, "");
  if (digits.length % 2 !== 0) return `it has ${digits.length} digits, and two make a byte`;
  return new Uint8Array(Buffer.from(digits, "hex"));
}
