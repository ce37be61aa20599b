import { type PrintedLine, toText } from "@bpfkit/asm";
import { formatPlace, isBpfkitError, type Program, type SourceLine, sourceLineAt } from "@bpfkit/core";
import type { Command } from "../command.js";
import { readBytes } from "../files.js";
import { toHex } from "../hex.js";
import { INPUT_OPTIONS, type Input, type InputOptions, inputFromBytes, inputOptions, programsNamed } from "../input.js";
import type { Output } from "../output.js";

/** `bpfkit disasm`: programs as text. */
export const command: Command = {
  positionals: "<file>",
  count: [1, 1],
  options: {
    program: { kind: "text", value: "NAME", description: "only this program (function or section name)" },
    bytes: { kind: "flag", description: "show each instruction's bytes" },
    "no-source": { kind: "flag", description: "leave out the lines of C" },
    plain: { kind: "flag", description: "only text that bpfkit asm takes" },
    ...INPUT_OPTIONS,
    syntax: { kind: "text", value: "kernel|ubpf", description: "of the text that is printed (kernel)" },
  },
  examples: ["bpfkit disasm prog.o --program xdp_main --bytes"],
  async run(given, output) {
    const file = given.positionals[0]!;
    const options = inputOptions(given);
    const { source } = await readEitherSyntax(file, options);
    const programs = programsNamed(source, given.text("program"), file);
    const { disassemble } = await import("../disassembly.js");
    const style = { bytes: given.flag("bytes"), source: !given.flag("no-source") };
    for (const program of programs) {
      const lines = disassemble(program, options.syntax);
      if (output.json) printObjects(program, lines, output);
      else if (given.flag("plain")) output.line(toText(lines).trimEnd());
      else printText(program, lines, style, output);
    }
    return 0;
  },
};

/** Text may be of the syntax it is to be printed in, or of the other: turning one into the other is what is asked for. */
async function readEitherSyntax(file: string, options: InputOptions): Promise<Input> {
  const bytes = readBytes(file);
  try {
    return await inputFromBytes(bytes, file, { ...options, syntax: "kernel" });
  } catch (error) {
    const inText = isBpfkitError(error) && error.place.line !== undefined;
    if (!inText) throw error;
    return await inputFromBytes(bytes, file, { ...options, syntax: "ubpf" }).catch(() => {
      throw error;
    });
  }
}

function printObjects(program: Program, lines: readonly PrintedLine[], output: Output): void {
  for (const { slot, text, bytes } of lines) {
    output.object({ program: program.name, slot, text, bytes, source: sourceLineAt(program, slot) });
  }
}

function printText(
  program: Program,
  lines: readonly PrintedLine[],
  style: { readonly bytes: boolean; readonly source: boolean },
  output: Output,
): void {
  const section =
    program.section === undefined || program.section === program.name ? "" : `, section ${program.section}`;
  output.line(output.style("strong", `; ${program.name} (${program.type}${section})`));
  let last: SourceLine | undefined;
  for (const { slot, label, text, bytes } of lines) {
    if (label !== undefined) output.line(output.style("name", `${label}:`));
    const source = style.source ? sourceLineAt(program, slot) : undefined;
    if (source !== undefined && (source.line !== last?.line || source.file !== last?.file)) {
      output.line(output.style("faint", `; ${source.text || "…"}  ${formatPlace({ source }).trim()}`));
    }
    last = source;
    const hex = toHex(bytes).replace(/(.{16})(?=.)/, "$1 ");
    output.line(`${String(slot).padStart(5)}: ${style.bytes ? `${hex.padEnd(33)}  ` : ""}${text}`);
  }
  output.line();
}
