/**
 * Checksum arithmetic as Linux does it (include/net/checksum.h, lib/checksum.c): one's complement, on words in memory order.
 * A partial sum is unsigned 32 bits, a folded one unsigned 16.
 */

const FOLD_32 = 2 ** 32 - 1;

/** Adds two partial sums. */
export function add(one: number, other: number): number {
  const sum = one + other;
  return sum > FOLD_32 ? sum - FOLD_32 : sum;
}

/** Takes one partial sum from another. */
export function subtract(from: number, what: number): number {
  return add(from, ~what >>> 0);
}

/** The partial sum of bytes, begun at `seed`: 0 only where all of them and the seed are 0. */
export function partial(bytes: Uint8Array, seed: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length - (bytes.length % 4);
  let sum = seed;
  for (let at = 0; at < whole; at += 4) sum = add(sum, view.getUint32(at, true));
  let last = 0;
  for (let at = bytes.length - 1; at >= whole; at--) last = last * 256 + bytes[at]!;
  return add(sum, last);
}

/** A partial sum in 16 bits (`csum_from32to16`). */
export function fold(sum: number): number {
  const folded = (sum & 0xffff) + (sum >>> 16);
  return (folded & 0xffff) + (folded >>> 16);
}

/** A header's checksum from a partial sum (`csum_fold`). */
export function finish(sum: number): number {
  return ~fold(sum) & 0xffff;
}

/** A header's checksum after `from` became `to`, 32 bits each (`csum_replace4`). */
export function replace(checksum: number, from: number, to: number): number {
  return finish(add(subtract(~checksum >>> 0, from), to));
}

/** A header's checksum after something changed whose partial sum is `difference` (`csum_replace_by_diff`). */
export function replaceByDifference(checksum: number, difference: number): number {
  return finish(add(difference, ~checksum >>> 0));
}
