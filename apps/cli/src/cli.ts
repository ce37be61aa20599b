import { COMMON_OPTIONS, distance, parseArguments, shown, usage } from "./arguments.js";
import { COMMANDS, type CommandRow } from "./commands.js";
import { lineOf, OutputClosed, statusOf } from "./errors.js";
import { complain, Output } from "./output.js";

/** Runs one command line; gives the exit status. Whatever goes wrong is one line on standard error. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  if (args[0] === "help") return runCommandLine([...args.slice(1), "--help"]);
  const at = args.findIndex((arg) => !arg.startsWith("-"));
  const name = at < 0 ? undefined : args[at]!;
  try {
    if (name === undefined) return await withoutCommand(args);
    return await runCommand(commandNamed(name), args.toSpliced(at, 1));
  } catch (error) {
    if (error instanceof OutputClosed) return 0;
    const known = COMMANDS.some((row) => row.name === name);
    complain(`bpfkit${known ? ` ${name}` : ""}: ${lineOf(error)}`);
    return statusOf(error);
  }
}

async function runCommand(row: CommandRow, args: readonly string[]): Promise<number> {
  const { command } = await row.load();
  const given = parseArguments(args, command.options, command.positionals, command.count);
  const output = new Output(given.flag("json"));
  if (given.flag("help")) {
    const { commandHelp } = await import("./help.js");
    output.line(await commandHelp(row, command));
    output.flush();
    return 0;
  }
  try {
    return await command.run(given, output);
  } finally {
    output.flush();
  }
}

/** `bpfkit`, `bpfkit --help`: what commands there are. */
async function withoutCommand(args: readonly string[]): Promise<number> {
  const given = parseArguments(args, COMMON_OPTIONS, "<command>", [0, 0]);
  if (!given.flag("help"))
    throw usage(`needs a command: ${COMMANDS.map(({ name }) => name).join(", ")}; see bpfkit --help`);
  const { generalHelp } = await import("./help.js");
  const output = new Output(false);
  output.line(await generalHelp());
  output.flush();
  return 0;
}

function commandNamed(name: string): CommandRow {
  const row = COMMANDS.find((one) => one.name === name);
  if (row !== undefined) return row;
  const near = COMMANDS.find((one) => distance(one.name, name) <= 2);
  const hint =
    near === undefined ? `there are ${COMMANDS.map((one) => one.name).join(", ")}` : `did you mean ${near.name}?`;
  throw usage(`there is no command ${shown(name)}; ${hint}`);
}
