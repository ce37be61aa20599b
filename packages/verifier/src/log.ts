/** The verifier's log: text that can be cut back when a path that led nowhere is left, as the kernel does at level 1. */
export interface Log {
  readonly level: number;
  readonly parts: string[];
  /** Characters so far. */
  length: number;
  /** Where the last instruction line ended, so that what it changed can be put behind it. */
  lastLineEnd: number;
  /** Characters of that line, its newline included. */
  lastLineLength: number;
  /** The last source line printed. */
  lastSource: number;
  /** The log was full and lost its beginning. */
  truncated: boolean;
}

/** Characters a log keeps. */
const MAX_LOG = 64 * 1024 * 1024;

/** An empty log. */
export function newLog(level: number): Log {
  return { level, parts: [], length: 0, lastLineEnd: 0, lastLineLength: 0, lastSource: -1, truncated: false };
}

/** Appends text; level 0 keeps only what the last rejection says, which is what is left once paths are cut. */
export function write(log: Log, text: string): void {
  if (log.length + text.length > MAX_LOG) {
    log.truncated = true;
    return;
  }
  log.parts.push(text);
  log.length += text.length;
}

/** Cuts the log back to `length` characters. */
export function cut(log: Log, length: number): void {
  while (log.length > length) {
    const last = log.parts.pop()!;
    log.length -= last.length;
    if (log.length >= length) continue;
    const kept = last.slice(0, length - log.length);
    log.parts.push(kept);
    log.length += kept.length;
  }
}

/** The text so far. */
export const logText = (log: Log): string => log.parts.join("");
