import { closeSync, fstatSync, openSync, readSync, writeFileSync } from "node:fs";
import { CliError, fileError } from "./errors.js";

/** Bytes of a file that are read at most. A device that never ends must not fill memory. */
const LIMIT = 2 ** 30;
const CHUNK = 1 << 16;

/** What `-` is called in messages. */
export const STDIN_NAME = "standard input";

/** Reads a file whole; `-` is standard input. @throws {CliError} `UNREADABLE`. */
export function readBytes(file: string): Uint8Array {
  if (file === "-") return readAll(0, STDIN_NAME);
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch (error) {
    throw fileError("UNREADABLE", file, error);
  }
  try {
    return readAll(descriptor, file);
  } finally {
    closeSync(descriptor);
  }
}

/** Reads a file as UTF-8. @throws {CliError} `UNREADABLE`, also where it is no text. */
export function readText(file: string): string {
  const text = asText(readBytes(file));
  if (text === undefined) throw new CliError("UNREADABLE", "is not text in UTF-8", { file: nameOf(file) });
  return text;
}

/** A file's name as messages have it. */
export function nameOf(file: string): string {
  return file === "-" ? STDIN_NAME : file;
}

/** Bytes as text; undefined where they are no UTF-8 or hold control characters. */
export function asText(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    return /[\x00-\x08\x0e-\x1f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Writes a file. @throws {CliError} `UNWRITABLE`. */
export function writeBytes(file: string, bytes: Uint8Array): void {
  try {
    writeFileSync(file, bytes);
  } catch (error) {
    throw fileError("UNWRITABLE", file, error);
  }
}

function readAll(descriptor: number, file: string): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    const { size } = fstatSync(descriptor);
    let part = new Uint8Array(Math.min(size + 1, LIMIT) || CHUNK);
    for (let used = 0; ; ) {
      const count = readSome(descriptor, part, used);
      if (count === 0) {
        parts.push(part.subarray(0, used));
        return parts.length === 1 ? parts[0]! : concat(parts);
      }
      used += count;
      length += count;
      if (length > LIMIT) throw new CliError("UNREADABLE", "is longer than 1 GiB", { file });
      if (used < part.length) continue;
      parts.push(part);
      part = new Uint8Array(Math.max(CHUNK, length));
      used = 0;
    }
  } catch (error) {
    throw error instanceof CliError ? error : fileError("UNREADABLE", file, error);
  }
}

/** Reads into the rest of a buffer, waiting where a pipe without blocking is empty; 0 at the end. */
function readSome(descriptor: number, into: Uint8Array, from: number): number {
  while (true) {
    try {
      return readSync(descriptor, into, from, into.length - from, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EOF") return 0;
      if (code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
