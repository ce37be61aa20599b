/** Numbers of 32 bits, one added after the other. Code has many labels and branches: as an array they would be objects to the collector. */
export class Int32List {
  /** The numbers, then room for more. */
  data: Int32Array;
  length = 0;

  /** @param capacity numbers to begin with room for. */
  constructor(capacity: number) {
    this.data = new Int32Array(Math.max(capacity, 16));
  }

  /** Adds a number; gives its index. */
  push(value: number): number {
    if (this.length === this.data.length) this.grow();
    this.data[this.length] = value;
    return this.length++;
  }

  private grow(): void {
    const larger = new Int32Array(this.data.length * 2);
    larger.set(this.data);
    this.data = larger;
  }

  at(index: number): number | undefined {
    return index < this.length ? this.data[index] : undefined;
  }
}
