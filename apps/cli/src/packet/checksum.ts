/** The Internet checksum of some bytes (RFC 1071), 16 bits; odd lengths count a zero byte more. */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 2) {
      sum += (part[at]! << 8) | (part[at + 1] ?? 0);
      if (sum > 0xffff) sum = (sum & 0xffff) + 1;
    }
  }
  return ~sum & 0xffff;
}
