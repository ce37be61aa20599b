import { writeSync } from "node:fs";
import { isatty } from "node:tty";
import { styleText } from "node:util";
import { isBpfkitError } from "@bpfkit/core";
import { fileError, OutputClosed } from "./errors.js";
import { toHex } from "./hex.js";

/** What may be styled, and how. */
const STYLES = { good: "green", bad: "red", note: "yellow", name: "cyan", strong: "bold", faint: "dim" } as const;

export type Style = keyof typeof STYLES;

/** Bytes of text after which it is written, and milliseconds after which it is, too: a long run shows where it is. */
const CHUNK = 1 << 14;
const PATIENCE = 50;

/**
 * Standard output of one command. Text for people or, with `--json`, one JSON object a line and nothing else.
 * Written synchronously, so that nothing is lost however the process ends, and a closed pipe stops an endless run.
 */
export class Output {
  readonly json: boolean;
  readonly #terminal: boolean;
  readonly #colours: boolean;
  #waiting = "";
  #written = 0;

  constructor(json: boolean) {
    this.json = json;
    this.#terminal = isatty(1);
    this.#colours = this.#terminal && !json && (process.env["NO_COLOR"] ?? "") === "";
  }

  /** Writes a line of text. @throws {OutputClosed} */
  line(text = ""): void {
    this.#write(printable(text));
  }

  #write(line: string): void {
    this.#waiting += `${line}\n`;
    if (this.#terminal || this.#waiting.length > CHUNK || performance.now() - this.#written > PATIENCE) this.flush();
  }

  /** Writes a value as one line of JSON: bigints as decimal strings, bytes as hex, undefined left out. @throws {OutputClosed} */
  object(value: unknown): void {
    this.#write(toJson(value));
  }

  /** Colours text where standard output is a terminal. */
  style(style: Style, text: string): string {
    return this.#colours ? styleText(STYLES[style], text) : text;
  }

  /** Writes what waits. @throws {OutputClosed} */
  flush(): void {
    const text = this.#waiting;
    this.#waiting = "";
    this.#written = performance.now();
    if (text !== "") writeAll(1, text);
  }
}

/** Names come from files of strangers: what could steer a terminal is shown as a mark. Colours stay. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/\x1b\[\d{1,2}m|[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, (found) =>
    found.length > 1 ? found : "\ufffd",
  );
}

/** A value as one line of JSON, as `Output.object` writes it. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === "bigint") return String(part);
    return part instanceof Uint8Array ? toHex(part) : part;
  });
}

/** Writes a line to standard error. */
export function complain(text: string): void {
  writeToStderr(`${printable(text)}\n`);
}

/** A line on standard error that is written over by the next; nothing where standard error is no terminal. */
export class Progress {
  readonly #shown: boolean = isatty(2);
  #last = 0;

  show(text: string): void {
    if (!this.#shown || performance.now() - this.#last < 100) return;
    this.#last = performance.now();
    writeToStderr(`\r\x1b[K${printable(text).slice(0, 70)}`);
  }

  done(): void {
    if (this.#shown && this.#last > 0) writeToStderr("\r\x1b[K");
  }
}

/** Where standard error cannot be written, there is nobody to tell. */
function writeToStderr(text: string): void {
  try {
    writeAll(2, text);
  } catch (error) {
    if (!(error instanceof OutputClosed) && !isBpfkitError(error)) throw error;
  }
}

/** Writes all of a text to a file descriptor, waiting where a pipe without blocking is full. */
function writeAll(descriptor: number, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(descriptor, bytes, done);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EAGAIN") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
      else if (code === "EPIPE" || code === "EOF") throw new OutputClosed();
      else throw fileError("UNWRITABLE", descriptor === 1 ? "standard output" : "standard error", error);
    }
  }
}
