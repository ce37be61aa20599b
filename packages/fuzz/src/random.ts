/** A seeded source of random choices: the same seed gives the same choices on every machine. */
export interface Random {
  /** Unsigned 32 bits. */
  word(): number;
  /** An integer from `min` to `max`, both included. */
  integer(min: number, max: number): number;
  /** True this often, 0 to 1. */
  chance(probability: number): boolean;
  pick<T>(choices: readonly T[]): T;
  /** One of the keys, as often as its weight says. */
  weighted<Key extends string>(weights: Readonly<Partial<Record<Key, number>>>): Key;
}

/** `mulberry32`: 32 bits of state, every seed good. */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  const word = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const integer = (min: number, max: number): number => min + (word() % (max - min + 1));
  return {
    word,
    integer,
    chance: (probability) => word() < probability * 2 ** 32,
    pick: (choices) => choices[word() % choices.length]!,
    weighted(weights) {
      const entries = Object.entries(weights) as [never, number][];
      let rest = (word() / 2 ** 32) * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [key, weight] of entries) {
        rest -= weight;
        if (rest < 0) return key;
      }
      return entries.at(-1)![0];
    },
  };
}

/** The seed of the program with a number, in a session with a seed. */
export function programSeed(session: number, index: number): number {
  return seededRandom(session ^ Math.imul(index + 1, 0x9e3779b1)).word();
}
