import type { MapEntry } from "@bpfkit/vm";
import { CliError } from "../errors.js";
import { nameOf, readText } from "../files.js";

/** Reads a map's entries: `[{"key":"hex","value":"hex"}, …]`, as `--dump-maps` prints them. @throws {CliError} `UNREADABLE`. */
export async function readMapFile(file: string): Promise<MapEntry[]> {
  const fail = (what: string): CliError => new CliError("UNREADABLE", what, { file: nameOf(file) });
  let list: unknown;
  try {
    list = JSON.parse(readText(file));
  } catch (cause) {
    throw cause instanceof CliError ? cause : fail(`is not JSON: ${(cause as Error).message}`);
  }
  if (!Array.isArray(list)) throw fail('must be a list of entries, [{"key":"hex","value":"hex"}, …]');
  return list.map((entry, index) => checkEntry(entry, (what) => fail(`entry ${index}: ${what}`)));
}

function checkEntry(entry: unknown, fail: (what: string) => CliError): MapEntry {
  if (typeof entry !== "object" || entry === null) throw fail('must be an object with "key" and "value"');
  for (const [field, value] of Object.entries(entry)) {
    const isText = typeof value === "string";
    const isTexts = Array.isArray(value) && value.every((one) => typeof one === "string");
    if (!["key", "value", "values", "decoded"].includes(field))
      throw fail(`there is no field ${JSON.stringify(field)}; there are key, value, values`);
    if ((field === "key" || field === "value") && !isText) throw fail(`"${field}" must be hex`);
    if (field === "values" && !isTexts) throw fail('"values" must be a list of hex, one for each CPU');
  }
  if (!("key" in entry)) throw fail('needs "key"');
  return entry as MapEntry;
}
