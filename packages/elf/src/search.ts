/** The index of the first item of an ascending list whose key is not below `key`; the length where none is. */
export function lowerBound<T>(items: readonly T[], key: number, keyOf: (item: T) => number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keyOf(items[middle]!) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The last item of an ascending list whose key is not above `key`; undefined where none is. */
export function lastAtOrBefore<T>(items: readonly T[], key: number, keyOf: (item: T) => number): T | undefined {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keyOf(items[middle]!) <= key) low = middle + 1;
    else high = middle;
  }
  return items[low - 1];
}
