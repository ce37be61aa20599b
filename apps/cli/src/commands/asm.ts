import { usage } from "../arguments.js";
import type { Command } from "../command.js";
import { writeBytes } from "../files.js";
import { toHex } from "../hex.js";
import { INPUT_OPTIONS, inputOptions, programNamed, readInput } from "../input.js";

/** `bpfkit asm`: assembly text to wire bytes. */
export const command: Command = {
  positionals: "<file>",
  count: [1, 1],
  options: {
    output: { kind: "text", short: "o", value: "FILE", description: "write the bytes there instead of printing hex" },
    syntax: INPUT_OPTIONS["syntax"]!,
  },
  examples: ["bpfkit asm drop.bpf -o drop.bin", "echo 'r0 = 2; exit' | bpfkit asm -"],
  async run(given, output) {
    const file = given.positionals[0]!;
    const target = given.text("output");
    if (target === "") throw usage("--output needs a file name");
    const { source } = await readInput(file, { ...inputOptions(given), format: "asm" });
    const { code } = programNamed(source, undefined, file);
    if (target !== undefined && target !== "-") writeBytes(target, code);
    else if (!output.json) output.line(toHex(code));
    if (output.json) output.object({ insns: code });
    return 0;
  },
};
