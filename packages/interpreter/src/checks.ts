/**
 * The rest of the shadow check, for an access whose bytes are not all valid in its first granule: it may straddle into a
 * second one. Out of range and high bits fail.
 */
export function straddles(shadow: Uint8Array, high: number, address: number, size: number): boolean {
  if (high !== 0) return false;
  const granule = address >>> 3;
  const first = 8 - (address & 7);
  return first < size && shadow[granule] === 8 && shadow[granule + 1]! >= size - first;
}
