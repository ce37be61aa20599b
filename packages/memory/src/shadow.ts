/** Guest bytes one shadow byte speaks for. */
export const GRANULE = 8;

/**
 * Marks `size` bytes from `start` as valid or invalid in one shadow table. A shadow byte counts the valid bytes of its
 * granule from the first, so the end is exact and the start is rounded down.
 */
export function mark(shadow: Uint8Array, start: number, size: number, valid: boolean): void {
  if (size <= 0) return;
  const end = start + size;
  const first = Math.floor(start / GRANULE);
  const last = Math.floor(end / GRANULE);
  shadow.fill(valid ? GRANULE : 0, first, last);
  if (end % GRANULE !== 0) shadow[last] = valid ? end % GRANULE : 0;
}

/** Whether all of `size` bytes from `address` are valid in one shadow table. */
export function allValid(shadow: Uint8Array, address: number, size: number): boolean {
  if (size <= 0) return size === 0;
  const end = address + size;
  const lastGranule = Math.floor((end - 1) / GRANULE);
  if (lastGranule >= shadow.length) return false;
  for (let granule = Math.floor(address / GRANULE); granule < lastGranule; granule++) {
    if (shadow[granule] !== GRANULE) return false;
  }
  return shadow[lastGranule]! >= end - lastGranule * GRANULE;
}
