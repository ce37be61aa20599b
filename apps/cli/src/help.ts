import yargs from "yargs";
import { COMMON_OPTIONS } from "./arguments.js";
import type { Command, Option } from "./command.js";
import { COMMANDS, type CommandRow } from "./commands.js";

/*
 * Help is drawn by yargs. Arguments are read by yargs-parser, its parser, alone: all of yargs takes 70 ms to load on Node
 * 20, about as long as Node itself, and its parser 7.
 */

function page(usage: string): ReturnType<typeof yargs> {
  return yargs([]).scriptName("bpfkit").exitProcess(false).fail(false).help(false).version(false).usage(usage);
}

/** What commands there are. */
export async function generalHelp(): Promise<string> {
  const help = page("bpfkit <command> [options]\n\nLoad, run and explain eBPF programs outside the kernel.");
  for (const { name, description } of COMMANDS) help.command(name, description);
  return help
    .options({
      help: { type: "boolean", alias: "h", description: "show this help, or a command's" },
      version: { type: "boolean", alias: "V", description: "show the version" },
    })
    .epilogue("Exit status: 0 all well; 1 a program was refused, faulted or a test failed; 2 wrong use.")
    .getHelp();
}

/** What a command takes. */
export async function commandHelp(row: CommandRow, command: Command): Promise<string> {
  const help = page(`bpfkit ${row.name} ${command.positionals} [options]\n\n${row.description}`);
  for (const [name, option] of Object.entries({ ...command.options, ...COMMON_OPTIONS }))
    help.option(name, draw(option));
  for (const example of command.examples ?? []) help.example(example, "");
  return help.getHelp();
}

function draw({ kind, description, value, short }: Option): { [key: string]: unknown } {
  const text = value === undefined ? description : `${value}: ${description}`;
  const type = kind === "flag" ? "boolean" : kind === "list" ? "array" : "string";
  return { type, description: text, ...(short === undefined ? {} : { alias: short }) };
}
