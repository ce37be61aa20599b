import { BpfkitError } from "@bpfkit/core";

/** A packet's text that makes no packet; `place.column` is where, 1-based. */
export class PacketError extends BpfkitError<"BAD_PACKET"> {}

/** A word of a packet's text and where it stands. */
export interface Word {
  readonly text: string;
  /** 1-based. */
  readonly column: number;
  readonly quoted: boolean;
}

/** One layer as written: `udp(dport=53)`. */
export interface LayerText {
  readonly name: Word;
  readonly fields: ReadonlyMap<string, Word>;
}

/** An error at a column of a packet's text. */
export function packetError(what: string, column: number): PacketError {
  return new PacketError("BAD_PACKET", `column ${column} of the packet: ${what}`, { column });
}

/**
 * Reads a packet's text: layers from the outside in, `eth/ipv4(src=10.0.0.1,ttl=3)/udp(dport=53)/payload("hi")`. What
 * stands in the brackets without a name is the field `data`.
 * @throws {PacketError}
 */
export function parsePacketText(text: string): LayerText[] {
  const scanner = new Scanner(text);
  const layers: LayerText[] = [];
  do {
    const name = scanner.word("a layer's name");
    layers.push({ name, fields: scanner.accept("(") ? takeFields(scanner) : new Map() });
  } while (scanner.accept("/"));
  scanner.end();
  return layers;
}

function takeFields(scanner: Scanner): Map<string, Word> {
  const fields = new Map<string, Word>();
  if (scanner.accept(")")) return fields;
  do {
    const first = scanner.word("a field");
    const named = !first.quoted && scanner.accept("=");
    const key = named ? first.text : "data";
    if (fields.has(key)) throw packetError(`${key} is there twice`, first.column);
    fields.set(key, named ? scanner.word(`a value for ${key}`) : first);
  } while (scanner.accept(","));
  scanner.expect(")", "`,` or `)`");
  return fields;
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  #skip(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at++;
  }

  accept(character: string): boolean {
    this.#skip();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  expect(character: string, expected: string): void {
    if (!this.accept(character)) throw packetError(`expected ${expected}, found ${this.#found()}`, this.#at + 1);
  }

  end(): void {
    this.#skip();
    if (this.#at < this.#text.length)
      throw packetError(`expected \`/\` or the end, found ${this.#found()}`, this.#at + 1);
  }

  word(expected: string): Word {
    this.#skip();
    const column = this.#at + 1;
    if (this.#text[this.#at] === '"') return { text: this.#string(column), column, quoted: true };
    const text = /^[^\s(),=/"]+/.exec(this.#text.slice(this.#at, this.#at + 65536))?.[0];
    if (text === undefined) throw packetError(`expected ${expected}, found ${this.#found()}`, column);
    this.#at += text.length;
    return { text, column, quoted: false };
  }

  #string(column: number): string {
    const end = /^"(?:[^"\\]|\\.)*"/s.exec(this.#text.slice(this.#at))?.[0];
    if (end === undefined) throw packetError("this text has no closing quote", column);
    this.#at += end.length;
    return end
      .slice(1, -1)
      .replace(/\\(.)/gs, (_, character: string) => ({ n: "\n", r: "\r", t: "\t", 0: "\0" })[character] ?? character);
  }

  #found(): string {
    const character = this.#text[this.#at];
    return character === undefined ? "the end" : `\`${character}\``;
  }
}
