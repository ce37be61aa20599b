import { BpfkitError, isBpfkitError, type Place } from "@bpfkit/core";

/** What `CliError.code` may be. */
export type CliErrorCode =
  /** The command line asks for something there is not. */
  | "USAGE"
  /** A file that cannot be read, or holds something else than what was asked for. */
  | "UNREADABLE"
  /** A file that cannot be written. */
  | "UNWRITABLE"
  /** What is not available here: an engine, a kind of case. */
  | "NOT_AVAILABLE"
  /** An engine refused the program. */
  | "REFUSED";

/** The only error `bpfkit` throws itself. */
export class CliError extends BpfkitError<CliErrorCode> {}

/** Thrown where whoever reads standard output has closed it (`| head -1`): there is nobody to tell anything. */
export class OutputClosed extends Error {}

/** The exit status an error ends the process with: 1 where a program was refused, 2 for everything that is the caller's to mend. */
export function statusOf(error: unknown): 1 | 2 {
  return isBpfkitError(error) && error.code === "REFUSED" ? 1 : 2;
}

/** An error in one line, without a stack. */
export function lineOf(error: unknown): string {
  if (isBpfkitError(error)) return error.message;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return `bpfkit failed on this input, which is a bug of its own: ${text.replace(/\s*\n\s*/g, "; ")}`;
}

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "is a directory, not a file",
  ENOTDIR: "a part of the path is not a directory",
  EACCES: "permission denied",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "no space is left on the device",
  ELOOP: "too many symbolic links",
  ENAMETOOLONG: "the name is too long",
};

/** An error of the file system in words. */
export function fileError(code: "UNREADABLE" | "UNWRITABLE", file: string, cause: unknown): CliError {
  const errno = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const what =
    SYSTEM_ERRORS[errno] ?? `cannot be ${code === "UNREADABLE" ? "read" : "written"} (${errno || String(cause)})`;
  return new CliError(code, what, { file } satisfies Place, { cause });
}

/** Runs what an engine may refuse; its refusal is the program's, not a mistake of the caller, who only chose the type. */
export function orRefused<T>(link: () => T): T {
  try {
    return link();
  } catch (cause) {
    if (!isBpfkitError(cause) || cause.code === "UNSUPPORTED_PROGRAM_TYPE") throw cause;
    throw new CliError("REFUSED", `refused: ${cause.message}`, {}, { cause });
  }
}
