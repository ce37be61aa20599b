import type { Syntax } from "@bpfkit/asm";
import { formatPlace, isBpfkitError, type Program } from "@bpfkit/core";
import type { ObjectSpec } from "@bpfkit/elf";
import type { VmSource } from "@bpfkit/vm";
import { type Arguments, usage } from "./arguments.js";
import type { Option } from "./command.js";
import { detectFormat, FORMATS, type Format } from "./detect.js";
import { CliError } from "./errors.js";
import { asText, nameOf, readBytes } from "./files.js";
import { fromHex } from "./hex.js";

/** Options of every command that reads a program file. */
export const INPUT_OPTIONS: Readonly<Record<string, Option>> = {
  format: { kind: "text", value: "elf|raw|asm|hex", description: "what the file holds (found from its content)" },
  syntax: { kind: "text", value: "kernel|ubpf", description: "of assembly text (kernel)" },
  type: {
    kind: "text",
    value: "TYPE",
    description: "program type: xdp, sched_cls, socket_filter, raw, … (by section name)",
  },
};

/** Both syntaxes of assembly text. */
export const SYNTAXES: readonly Syntax[] = ["kernel", "ubpf"];

/** How a program file is to be read. */
export interface InputOptions {
  readonly format?: Format | undefined;
  readonly syntax?: Syntax | undefined;
  /** The program type of every program in it. */
  readonly type?: string | undefined;
}

/** Reads `INPUT_OPTIONS`. */
export function inputOptions(given: Arguments): InputOptions {
  const type = given.text("type");
  return { format: given.choice("format", FORMATS), syntax: given.choice("syntax", SYNTAXES), type };
}

/** What a program file holds. */
export interface Input {
  readonly format: Format;
  readonly bytes: Uint8Array;
  readonly source: VmSource;
  /** All that an ELF object says. */
  readonly object?: ObjectSpec;
}

/**
 * Reads a program file: programs, maps and types of an ELF object, or the one program `main` of anything else.
 * @throws {CliError} for a file that cannot be read, is empty, or holds something else.
 */
export async function readInput(file: string, options: InputOptions = {}): Promise<Input> {
  return inputFromBytes(readBytes(file), file, options);
}

/** The same of bytes; `file` is what messages call them. */
export async function inputFromBytes(bytes: Uint8Array, file: string, options: InputOptions = {}): Promise<Input> {
  const name = nameOf(file);
  if (bytes.length === 0) throw new CliError("UNREADABLE", "is empty", { file: name });
  const format = options.format ?? detectFormat(bytes, file);
  await checkType(options.type);
  const source = await inFile(name, () => READERS[format](bytes, name, options));
  const object = format === "elf" ? { object: source as ObjectSpec } : {};
  return { format, bytes, source: withType(source, options.type), ...object };
}

async function checkType(type: string | undefined): Promise<void> {
  if (type === undefined || type === "raw") return;
  const { PROGRAM_TYPES } = await import("@bpfkit/abi");
  const names = PROGRAM_TYPES.map(({ name }) => name);
  if (!names.includes(type))
    throw usage(`--type ${JSON.stringify(type)}: there is no such program type; there are raw, ${names.join(", ")}`);
}

function withType(source: VmSource, type: string | undefined): VmSource {
  if (type === undefined) return source;
  const programs = source.programs.map(({ expectedAttachType: _, ...program }): Program => ({ ...program, type }));
  return { ...source, programs };
}

const READERS: Readonly<Record<Format, (bytes: Uint8Array, file: string, options: InputOptions) => Promise<VmSource>>> =
  {
    async elf(bytes, file) {
      const { parseObject } = await import("@bpfkit/elf");
      return parseObject(bytes, { file });
    },
    async raw(bytes, file) {
      return onlyProgram(wholeSlots(bytes, file));
    },
    async hex(bytes, file) {
      const code = fromHex(textOf(bytes, file));
      if (typeof code === "string") throw new CliError("UNREADABLE", `is not hex: ${code}`, { file });
      return onlyProgram(wholeSlots(code, file));
    },
    async asm(bytes, file, { syntax = "kernel" }) {
      return assemble(textOf(bytes, file), syntax);
    },
  };

function textOf(bytes: Uint8Array, file: string): string {
  const text = asText(bytes);
  if (text === undefined) throw new CliError("UNREADABLE", "is not text in UTF-8", { file });
  return text;
}

function wholeSlots(code: Uint8Array, file: string): Uint8Array {
  if (code.length > 0 && code.length % 8 === 0) return code;
  throw new CliError("UNREADABLE", `${code.length} bytes are not whole slots of 8 bytes`, { file });
}

async function onlyProgram(code: Uint8Array): Promise<VmSource> {
  const { programFromCode } = await import("@bpfkit/vm");
  return { programs: [programFromCode(code, { name: "main", type: "raw" })], maps: [] };
}

/** One program of text; what is called in it keeps the label it stands behind. */
async function assemble(text: string, syntax: Syntax): Promise<VmSource> {
  const [{ parse }, { helperByName }, { programFromCode }] = await Promise.all([
    import("@bpfkit/asm"),
    import("@bpfkit/abi"),
    import("@bpfkit/vm"),
  ]);
  const { code, references, labels } = parse(text, { syntax, helperId: (name) => helperByName(name)?.id });
  if (code.length === 0) throw new CliError("UNREADABLE", "holds no instruction");
  const facts = { name: "main", type: "raw", references };
  const starts = new Set(programFromCode(code, facts).subprograms.map(({ start }) => start));
  const functions = [...labels].flatMap(([name, slot]) => (slot > 0 && starts.has(slot) ? [{ slot, name }] : []));
  return { programs: [programFromCode(code, { ...facts, functions })], maps: [] };
}

/** Puts a file's name before what is wrong in it. */
async function inFile<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (!isBpfkitError(cause) || cause.place.file !== undefined) throw cause;
    const where = formatPlace(cause.place);
    const what = where === "" ? cause.message : cause.message.slice(where.length + 2);
    throw new CliError("UNREADABLE", what, { ...cause.place, file }, { cause });
  }
}

/** The program of that function or section name; without a name the only one. @throws {CliError} `USAGE`. */
export function programNamed(source: VmSource, name: string | undefined, file: string): Program {
  const found = programsNamed(source, name, file);
  if (found.length === 1) return found[0]!;
  throw usage(
    `${nameOf(file)} holds ${found.length} programs; choose one with --program: ${found.map((one) => one.name).join(", ")}`,
  );
}

/** The programs of that function or section name; without a name all. @throws {CliError} `USAGE` where there is none. */
export function programsNamed(source: VmSource, name: string | undefined, file: string): readonly Program[] {
  const { programs, problems = [] } = source;
  const byName = programs.filter((program) => program.name === name);
  const found =
    name === undefined ? programs : byName.length > 0 ? byName : programs.filter(({ section }) => section === name);
  if (found.length > 0) return found;
  const problem = problems.find(({ program }) => name === undefined || program === name);
  if (problem !== undefined) throw new CliError("UNREADABLE", problem.message);
  const there =
    programs.length === 0 ? "it holds no program" : `there are ${programs.map((one) => one.name).join(", ")}`;
  throw usage(`${nameOf(file)}: there is no program ${name ?? ""}; ${there}`.replace("program ;", "program;"));
}
