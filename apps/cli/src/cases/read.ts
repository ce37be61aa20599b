import { isBpfkitError } from "@bpfkit/core";
import { type AnyCase, parseCase } from "@bpfkit/vm";
import { CliError } from "../errors.js";
import { nameOf, readText } from "../files.js";

/** A declarative test and the file it came from. */
export interface FoundCase {
  readonly file: string;
  readonly parsed: AnyCase;
}

/** A value of a test file and where it stands. */
interface Raw {
  readonly value: unknown;
  readonly where: string;
}

/**
 * The cases of a file: JSON lines, or one JSON or YAML array.
 * @throws {CliError} `UNREADABLE` where it is none of these; `VmError` `BAD_CASE` for a case that does not follow the format.
 */
export async function readCases(file: string): Promise<FoundCase[]> {
  const text = readText(file);
  const name = nameOf(file);
  const raw = await readValues(text, name);
  if (raw.length === 0) throw new CliError("UNREADABLE", "holds no case", { file: name });
  return raw.map(({ value, where }) => ({ file, parsed: parseCase(value, where) }));
}

async function readValues(text: string, file: string): Promise<Raw[]> {
  const start = text.trimStart()[0];
  if (/\.ya?ml$/i.test(file)) return readYaml(text, file);
  if (start === "[") return fromList(parseJson(text, file), file);
  return start === "{" ? readLines(text, file) : readYaml(text, file);
}

/** One object a line; or one alone over several. */
function readLines(text: string, file: string): Raw[] {
  const lines = text.split("\n").map((line, index) => ({ line, where: `${file}:${index + 1}` }));
  const filled = lines.filter(({ line }) => line.trim() !== "");
  if (filled.length > 1 && isJson(text)) return [{ value: JSON.parse(text), where: file }];
  return filled.map(({ line, where }) => ({ value: parseJson(line, where), where }));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CliError("UNREADABLE", `${where}: is not JSON: ${(cause as Error).message}`, {}, { cause });
  }
}

async function readYaml(text: string, file: string): Promise<Raw[]> {
  const { parseDocument } = await import("yaml");
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) throw new CliError("UNREADABLE", `is not YAML: ${error.message.split("\n")[0]}`, { file });
  try {
    return fromList(document.toJS(), file);
  } catch (cause) {
    if (isBpfkitError(cause)) throw cause;
    throw new CliError("UNREADABLE", `is not YAML: ${(cause as Error).message}`, { file }, { cause });
  }
}

function fromList(value: unknown, file: string): Raw[] {
  if (!Array.isArray(value))
    throw new CliError("UNREADABLE", "must be a list of cases, or JSON lines with a case each", { file });
  return value.map((one, index) => ({ value: one, where: `${file}[${index}]` }));
}
