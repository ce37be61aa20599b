/** A line of C as a compiler recorded it in BTF.ext. */
export interface SourceLine {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based; 0 where the compiler gave none. */
  readonly column: number;
  /** The line's text as written; empty where the object does not carry it. */
  readonly text: string;
}

/** Where something is or went wrong, from the outside in. Every part is optional; what is not known is left out. */
export interface Place {
  readonly file?: string;
  readonly section?: string;
  readonly program?: string;
  readonly subprogram?: string;
  /** Slot index within the program. */
  readonly slot?: number;
  /** Byte offset within `file` or `section`. */
  readonly offset?: number;
  /** 1-based line of assembly text. */
  readonly line?: number;
  /** 1-based column of assembly text. */
  readonly column?: number;
  readonly source?: SourceLine;
}

/** Names a place in one phrase: `xdp.o, section xdp, program main, slot 4 (main.c:12)`. Empty for an empty place. */
export function formatPlace(place: Place): string {
  const parts: string[] = [];
  if (place.line !== undefined) {
    const column = place.column === undefined ? "" : `:${place.column}`;
    parts.push(`${place.file ?? "line "}${place.file === undefined ? "" : ":"}${place.line}${column}`);
  } else if (place.file !== undefined) parts.push(place.file);
  if (place.section !== undefined) parts.push(`section ${place.section}`);
  if (place.program !== undefined) parts.push(`program ${place.program}`);
  if (place.subprogram !== undefined && place.subprogram !== place.program) {
    parts.push(`subprogram ${place.subprogram}`);
  }
  if (place.slot !== undefined) parts.push(`slot ${place.slot}`);
  if (place.offset !== undefined) parts.push(`offset ${place.offset}`);
  const text = parts.join(", ");
  return place.source === undefined ? text : `${text} (${place.source.file}:${place.source.line})`;
}

/**
 * The shape of every error bpfkit throws: a stable `code`, the `place`, and a message of one line that says where, what,
 * and what would be right. Each package has one class of its own; recognise errors by `code`, not by `instanceof`.
 */
export class BpfkitError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly place: Place;

  constructor(code: Code, what: string, place: Place = {}, options?: ErrorOptions) {
    const where = formatPlace(place);
    super(oneLine(where === "" ? what : `${where}: ${what}`), options);
    this.name = new.target.name;
    this.code = code;
    this.place = place;
  }
}

/** Escapes control characters: names out of hostile files are in messages too, and those go to terminals and logs. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Whether a caught value is an error of this project (of any copy of it in the process). */
export function isBpfkitError(error: unknown): error is BpfkitError {
  return error instanceof Error && "code" in error && typeof error.code === "string" && "place" in error;
}

/** What `@bpfkit/core` itself throws: `OUT_OF_RANGE` from a checked constructor of a branded number. */
export class CoreError extends BpfkitError<"OUT_OF_RANGE"> {}
