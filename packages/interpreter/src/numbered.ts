/** Things known by a number, from 0; each once. */
export class Numbered<T> {
  readonly #items: T[] = [];
  readonly #numbers = new Map<T, number>();

  /** The thing's number: a new one where it has none yet. */
  numberOf(item: T): number {
    const known = this.#numbers.get(item);
    if (known !== undefined) return known;
    this.#numbers.set(item, this.#items.length);
    return this.#items.push(item) - 1;
  }

  at(number: number): T | undefined {
    return this.#items[number];
  }
}
