/** A place in machine code that JavaScript may be asked about. */
export type Site = {
  readonly slot: number;
  /** Where the function begins that it is in. */
  readonly start: number;
} & (
  | { /** A failed access of `size` bytes. */ readonly kind: "access"; readonly size: number }
  | {
      /** Fuel ran out somewhere in `count` instructions from `slot` on. */ readonly kind: "fuel";
      readonly count: number;
    }
  | { readonly kind: "helper"; readonly helper: number }
  | { readonly kind: "kfunc"; readonly name: string }
  | { readonly kind: "packet"; readonly size: number }
  | { readonly kind: "not-available"; readonly reason: string }
  | { readonly kind: "tail-call" | "call-depth" | "open-frame" | "bad-jump" }
);

const KINDS: readonly Site["kind"][] = [
  "access",
  "fuel",
  "helper",
  "kfunc",
  "packet",
  "not-available",
  "tail-call",
  "call-depth",
  "open-frame",
  "bad-jump",
];

/** Of each site: kind, slot, start, and a size, count or helper where the kind has one. */
const WORDS = 4;

/** The same as plain data, for other threads. */
export interface SitesData {
  readonly words: Int32Array;
  readonly texts: ReadonlyMap<number, string>;
}

/** The sites of a program by their numbers. Checked code has one for nearly each instruction, so they are kept as numbers. */
export class Sites {
  #words: Int32Array;
  #count: number;
  /** A reason or a name, by the site's number. */
  readonly #texts: Map<number, string>;

  /** `data`: what another thread's sites gave. */
  constructor(data: SitesData = { words: new Int32Array(0), texts: new Map() }) {
    this.#count = data.words.length / WORDS;
    this.#words = this.#count === 0 ? new Int32Array(64 * WORDS) : data.words;
    this.#texts = new Map(data.texts);
  }

  /** All of them as plain data. */
  data(): SitesData {
    return { words: this.#words.slice(0, this.#count * WORDS), texts: this.#texts };
  }

  /** Adds a site; gives its number. */
  add(site: Site): number {
    const at = this.#count * WORDS;
    if (at === this.#words.length) this.#grow();
    this.#words[at] = KINDS.indexOf(site.kind);
    this.#words[at + 1] = site.slot;
    this.#words[at + 2] = site.start;
    this.#words[at + 3] = numberOf(site);
    if (site.kind === "not-available") this.#texts.set(this.#count, site.reason);
    if (site.kind === "kfunc") this.#texts.set(this.#count, site.name);
    return this.#count++;
  }

  #grow(): void {
    const larger = new Int32Array(this.#words.length * 2);
    larger.set(this.#words);
    this.#words = larger;
  }

  /** The site of a number that `add` gave. */
  at(number: number): Site {
    const at = number * WORDS;
    const kind = KINDS[this.#words[at]!]!;
    const slot = this.#words[at + 1]!;
    const start = this.#words[at + 2]!;
    const value = this.#words[at + 3]!;
    switch (kind) {
      case "access":
      case "packet":
        return { slot, start, kind, size: value };
      case "fuel":
        return { slot, start, kind, count: value };
      case "helper":
        return { slot, start, kind, helper: value };
      case "not-available":
        return { slot, start, kind, reason: this.#texts.get(number)! };
      case "kfunc":
        return { slot, start, kind, name: this.#texts.get(number)! };
      default:
        return { slot, start, kind };
    }
  }
}

function numberOf(site: Site): number {
  if (site.kind === "access" || site.kind === "packet") return site.size;
  return site.kind === "fuel" ? site.count : site.kind === "helper" ? site.helper : 0;
}
