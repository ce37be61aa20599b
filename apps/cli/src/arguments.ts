import parser from "yargs-parser";
import type { Option } from "./command.js";
import { CliError } from "./errors.js";

/** Options every command takes. */
export const COMMON_OPTIONS: Readonly<Record<string, Option>> = {
  json: { kind: "flag", description: "one JSON object a line, and nothing else" },
  help: { kind: "flag", short: "h", description: "show this help" },
};

type Value = string | boolean | readonly (string | boolean)[] | undefined;

/** A command's arguments, checked against its options. Reading one as something it is not is the caller's error, in words. */
export class Arguments {
  readonly positionals: readonly string[];
  readonly #values: Readonly<Record<string, Value>>;

  constructor(positionals: readonly string[], values: Readonly<Record<string, Value>>) {
    this.positionals = positionals;
    this.#values = values;
  }

  flag(name: string): boolean {
    return this.#values[name] !== undefined && this.#values[name] !== false;
  }

  /** @throws {CliError} `USAGE` where it was given more than once. */
  text(name: string): string | undefined {
    const value = this.#values[name];
    if (Array.isArray(value)) throw usage(`--${name} was given ${value.length} times; it takes one value`);
    return value as string | undefined;
  }

  list(name: string): readonly string[] {
    const value = this.#values[name];
    return value === undefined ? [] : (([] as unknown[]).concat(value) as string[]);
  }

  /** A whole number, decimal or 0x. @throws {CliError} `USAGE` unless it is one from `least` to `most`. */
  whole(name: string, least: number, most: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^(0x[0-9a-fA-F]+|\d+)$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw usage(`--${name} must be a whole number from ${least} to ${most}, not ${shown(text)}`);
  }

  /** @throws {CliError} `USAGE` unless it is one of `choices`. */
  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined || choices.includes(text as T)) return text as T | undefined;
    throw usage(`--${name} must be ${choices.join(" or ")}, not ${shown(text)}`);
  }
}

/** A value for a message: quoted, and cut where it is long. */
export function shown(text: string): string {
  return `"${text.length > 60 ? `${text.slice(0, 60)}…` : text}"`;
}

/** An error about how a command was called. */
export function usage(what: string): CliError {
  return new CliError("USAGE", what);
}

/**
 * Reads the arguments of a command.
 * @throws {CliError} `USAGE` for an option there is not, one without its value, or a wrong number of positional arguments.
 */
export function parseArguments(
  args: readonly string[],
  options: Readonly<Record<string, Option>>,
  positionals: string,
  [least, most]: readonly [number, number],
): Arguments {
  const all = { ...options, ...COMMON_OPTIONS };
  const { argv, error } = parser.detailed(spreadLists(args, all), parserOptions(all));
  if (error) throw usage(wordError(error.message, all));
  const { _: found, ...values } = argv;
  for (const name of Object.keys(values)) if (!(name in all) && !isShort(name, all)) throw unknownOption(name, all);
  const given = new Arguments(found.map(String), values);
  if (given.flag("help")) return given;
  if (found.length < least) throw usage(`needs ${positionals}; see --help`);
  if (found.length > most) {
    throw usage(`takes ${positionals || "no argument"}, so ${shown(String(found[most]))} is one too many`);
  }
  return given;
}

const isShort = (name: string, options: Readonly<Record<string, Option>>): boolean =>
  Object.values(options).some(({ short }) => short === name);

/**
 * `--ctx mark=1 priority=2` means `--ctx mark=1 --ctx priority=2`: what follows a list and has a `=` belongs to it.
 * @throws {CliError} `USAGE` for a flag with a value.
 */
function spreadLists(args: readonly string[], options: Readonly<Record<string, Option>>): string[] {
  const spread: string[] = [];
  let list: string | undefined;
  for (const arg of args) {
    if (arg.startsWith("-")) {
      const [, name, value] = /^--([a-z-]+)(=.*)?$/s.exec(arg) ?? [];
      if (value !== undefined && options[name!]?.kind === "flag") throw usage(`--${name} takes no value`);
      list = name !== undefined && options[name]?.kind === "list" ? `--${name}` : undefined;
    } else if (list !== undefined && spread.at(-1) !== list) {
      if (arg.includes("=")) spread.push(list);
      else list = undefined;
    }
    spread.push(arg);
  }
  return spread;
}

function parserOptions(options: Readonly<Record<string, Option>>): parser.Options {
  const names = (kind: Option["kind"]): string[] =>
    Object.entries(options).flatMap(([name, option]) => (option.kind === kind ? [name] : []));
  const texts = [...names("text"), ...names("list")];
  return {
    string: texts,
    boolean: names("flag"),
    // Not a number: one value, and an error without it.
    narg: Object.fromEntries(texts.map((name) => [name, Number.NaN])),
    alias: Object.fromEntries(Object.entries(options).flatMap(([name, { short }]) => (short ? [[name, short]] : []))),
    configuration: {
      "boolean-negation": false,
      "camel-case-expansion": false,
      "dot-notation": false,
      "duplicate-arguments-array": true,
      "greedy-arrays": false,
      "parse-numbers": false,
      "parse-positional-numbers": false,
      "short-option-groups": false,
      "strip-aliased": true,
    },
  };
}

function wordError(message: string, options: Readonly<Record<string, Option>>): string {
  const missing = /^Not enough arguments following: (.*)$/.exec(message)?.[1];
  if (missing === undefined) return message;
  const [name] = Object.entries(options).find(([, { short }]) => short === missing) ?? [missing];
  return `--${name} needs a value, ${options[name]?.value ?? "a text"}`;
}

function unknownOption(name: string, options: Readonly<Record<string, Option>>): CliError {
  const names = Object.keys(options);
  const [nearest] = names.map((one) => [distance(name, one), one] as const).sort(([a], [b]) => a - b);
  const dashes = name.length === 1 ? "-" : "--";
  const hint =
    nearest !== undefined && nearest[0] <= 2 && name.length > 2
      ? `did you mean --${nearest[1]}?`
      : `there are ${names.map((one) => `--${one}`).join(", ")}`;
  return usage(`there is no option ${dashes}${name}; ${hint}`);
}

/** How many letters must be changed, added or left out (Levenshtein). */
export function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1];
    for (const [j, wanted] of [...other].entries()) {
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (letter === wanted ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1)!;
}
