import type { Command } from "../command.js";
import { nameOf } from "../files.js";
import { INPUT_OPTIONS, inputOptions, readInput } from "../input.js";

/** `bpfkit inspect`: what a file holds. */
export const command: Command = {
  positionals: "<file>",
  count: [1, 1],
  options: INPUT_OPTIONS,
  examples: ["bpfkit inspect prog.o", "bpfkit inspect prog.o --json | jq '.maps[].name'"],
  async run(given, output) {
    const file = given.positionals[0]!;
    const input = await readInput(file, inputOptions(given));
    const { describe } = await import("../inspect/object.js");
    const about = describe(nameOf(file), input);
    if (output.json) output.object(about);
    else (await import("../inspect/tables.js")).printDescription(about, output);
    return 0;
  },
};
