import { AsmError, type AsmErrorCode } from "./error.js";

/** A piece of text. `end` closes a statement: a newline, a semicolon, or the end of the text. */
export interface Token {
  readonly kind: "name" | "number" | "symbol" | "end";
  readonly text: string;
  /** Where it begins in the text. */
  readonly at: number;
}

/** Blanks or one comment. A block comment may span lines; the `#` of `call bpf_loop#181` begins none. */
const SKIPPED = /[^\S\n]+|(?:(?<!\w)#|#(?!\d))[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
// `s>` and its like are one symbol, so they are tried before names.
const SYMBOL = /s>>=|s>=|s<=|s>|s<|s\/=|s%=|<<=|>>=|[-+*/|&%^=!<>]=|[-+*&=<>()[\],:]/y;
const NUMBER = /\d\w*/y;
const NAME = /%?[A-Za-z_.$][\w.$]*/y;
/** What makes the name before it a label. */
const LABEL = /[^\S\n]*:/y;
const NEGATION = /-[^\S\n]*[A-Za-z]/y;
/** What no token begins with is shown as one. */
const ANYTHING = /[\s\S]/uy;

/** How much of a token a message shows. */
const SHOWN = 24;

const show = (text: string): string => `\`${text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text}\``;

/** Reads text token by token, and words what is wrong with it. */
export class Lexer {
  readonly text: string;
  /** 1-based line of the next token. */
  line = 1;
  private at = 0;
  private next: Token | undefined;
  private previous: Token | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** The next token, which stays. */
  peek(): Token {
    this.next ??= this.scan();
    return this.next;
  }

  take(): Token {
    const token = this.peek();
    this.previous = token;
    this.next = undefined;
    return token;
  }

  /** Takes the next token if it is this text. */
  accept(text: string): boolean {
    const token = this.peek();
    if (token.kind === "end" || token.text !== text) return false;
    this.take();
    return true;
  }

  /** @throws {AsmError} `SYNTAX` unless the next token is this text. */
  expect(text: string): void {
    if (!this.accept(text)) this.fail(`\`${text}\``);
  }

  /** Takes everything up to a character of the same line, which stays. */
  takeUntil(end: string): string {
    const from = this.peek().at;
    this.next = undefined;
    const newline = this.text.indexOf("\n", from);
    const line = this.text.slice(from, newline < 0 ? undefined : newline);
    const found = line.indexOf(end);
    this.at = from + (found < 0 ? line.length : found);
    return this.text.slice(from, this.at).trim();
  }

  /** Whether the next token is a name with a colon behind it. */
  labelAhead(): boolean {
    const { kind, text, at } = this.peek();
    LABEL.lastIndex = at + text.length;
    return kind === "name" && LABEL.test(this.text);
  }

  /** Whether a minus sign with a name behind it comes next. */
  negationAhead(): boolean {
    NEGATION.lastIndex = this.peek().at;
    return NEGATION.test(this.text);
  }

  /** @throws {AsmError} `SYNTAX`: what was expected here, after what, and what was found. */
  fail(expected: string): never {
    const { kind, text, at } = this.peek();
    const after =
      this.previous === undefined || this.previous.kind === "end" ? "" : ` after ${show(this.previous.text)}`;
    const found = kind === "end" ? "the end of the statement" : show(text);
    return this.failAt("SYNTAX", `expected ${expected}${after}, found ${found}`, at);
  }

  /** @throws {AsmError} always. */
  failAt(code: AsmErrorCode, what: string, at: number): never {
    throw new AsmError(code, what, this.placeOf(at));
  }

  /** 1-based line and column of a position. Counts lines from the start, so it is for errors only. */
  placeOf(at: number): { line: number; column: number } {
    const before = this.text.slice(0, at);
    const line = before.split("\n").length;
    return { line, column: at - before.lastIndexOf("\n") };
  }

  private skip(): void {
    while (true) {
      const skipped = this.match("symbol", SKIPPED);
      if (skipped === undefined) return;
      if (skipped.text.startsWith("/*")) this.line += skipped.text.split("\n").length - 1;
    }
  }

  private scan(): Token {
    this.skip();
    const at = this.at;
    const first = this.text[at];
    if (first === undefined) return { kind: "end", text: "", at };
    if (first === "\n" || first === ";") {
      this.at++;
      if (first === "\n") this.line++;
      return { kind: "end", text: first, at };
    }
    if (this.text.startsWith("/*", at)) this.failAt("SYNTAX", "expected `*/` to close this comment", at);
    return (
      this.match("symbol", SYMBOL) ??
      this.match("number", NUMBER) ??
      this.match("name", NAME) ??
      this.match("symbol", ANYTHING)!
    );
  }

  private match(kind: Token["kind"], pattern: RegExp): Token | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) return undefined;
    const at = this.at;
    this.at += found[0].length;
    return { kind, text: found[0], at };
  }
}
