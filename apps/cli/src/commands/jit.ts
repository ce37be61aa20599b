import type { Program } from "@bpfkit/core";
import { formatListing, type Listing, listProgram } from "@bpfkit/jit-x64";
import { load, type VmSource } from "@bpfkit/vm";
import type { Command } from "../command.js";
import { disassemble } from "../disassembly.js";
import { INPUT_OPTIONS, inputOptions, programsNamed, readInput } from "../input.js";
import type { Output } from "../output.js";

/** Levels the code can be made for. */
const LEVELS = ["confined", "checked", "unchecked"] as const;

/** `bpfkit jit`: machine code beside BPF; works anywhere, since nothing is run. */
export const command: Command = {
  positionals: "<file>",
  count: [1, 1],
  options: {
    program: { kind: "text", value: "NAME", description: "only this program (function or section name)" },
    safety: { kind: "text", value: LEVELS.join("|"), description: "the level the code is made for (confined)" },
    ...INPUT_OPTIONS,
  },
  examples: ["bpfkit jit prog.o --program xdp_main", "bpfkit jit prog.o --safety checked --json"],
  async run(given, output) {
    const file = given.positionals[0]!;
    const { source } = await readInput(file, inputOptions(given));
    const safety = given.choice("safety", LEVELS) ?? "confined";
    const programs = programsNamed(source, given.text("program"), file);
    for (const { program, listing } of listings(source, programs, safety)) print(program, listing, output);
    return 0;
  },
};

/** Compiles programs against their own maps, laid out as a run would. */
function listings(
  source: VmSource,
  programs: readonly Program[],
  safety: (typeof LEVELS)[number],
): { program: Program; listing: Listing }[] {
  const vm = load(source);
  try {
    const maps = new Map(source.maps.map(({ name }) => [name, vm.map(name)]));
    const { helpers, profile, effects } = vm;
    return programs.map((program) => ({
      program,
      listing: listProgram(program, { maps, helpers, profile, effects }, safety),
    }));
  } finally {
    vm.dispose();
  }
}

function print(program: Program, listing: Listing, output: Output): void {
  if (output.json) {
    const images = listing.images.map(({ subprogram, size, rows }) => ({
      subprogram,
      bytes: size,
      fixups: rows.flatMap(({ machine }) =>
        machine.flatMap(({ fixup }) =>
          fixup === undefined ? [] : [{ at: fixup.at, target: fixup.name, before: fixup.before, after: fixup.after }],
        ),
      ),
    }));
    output.object({ program: program.name, images });
    return;
  }
  const texts = new Map<number, string>(disassemble(program).map(({ slot, text }) => [slot, text]));
  for (const line of formatListing(listing, (slot) => texts.get(slot) ?? "")) output.line(line);
}
