/**
 * The hash of a key in guest memory: signed 32 bits. Keys are taken as little-endian 32-bit words, the last filled up with
 * zeros. Each word is mixed in by `h = (h ^ word) * 0x85ebca6b; h ^= h >>> 15`; at the end `h *= 0xc2b2ae35; h ^= h >>> 16`.
 * Machine code that looks up inline computes the same (`MapLayout.hash`).
 */
export function hashKey(data: DataView, key: number, size: number): number {
  let hash = 0;
  const whole = size & ~3;
  for (let offset = 0; offset < whole; offset += 4) hash = mix(hash, data.getInt32(key + offset, true));
  if (whole < size) hash = mix(hash, lastWord(data, key + whole, size - whole));
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** What `MapLayout.hash` calls it. */
export const HASH_NAME = "mix32-words";

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

/** Up to three bytes as a word. */
function lastWord(data: DataView, at: number, size: number): number {
  let word = 0;
  for (let index = size - 1; index >= 0; index--) word = (word << 8) | data.getUint8(at + index);
  return word;
}

/** Whether two keys in guest memory are equal. */
export function equalKeys(data: DataView, one: number, other: number, size: number): boolean {
  let offset = 0;
  for (; offset + 4 <= size; offset += 4) {
    if (data.getInt32(one + offset, true) !== data.getInt32(other + offset, true)) return false;
  }
  for (; offset < size; offset++) {
    if (data.getUint8(one + offset) !== data.getUint8(other + offset)) return false;
  }
  return true;
}
