import { basename } from "node:path";
import { profileFor } from "@bpfkit/abi";
import { isBpfkitError, isProgramArray, type Program } from "@bpfkit/core";
import { load, type Vm, type VmOptions, type VmProgram } from "@bpfkit/vm";
import { type Arguments, shown, usage } from "../arguments.js";
import type { Option } from "../command.js";
import { INPUT_OPTIONS, inputOptions, programNamed, readInput } from "../input.js";
import { readMapFile } from "./map-file.js";
import { alike, withoutClashes } from "./other-file.js";

/** Options that say which program runs, with what maps, by whose rules. */
export const PROGRAM_OPTIONS: Readonly<Record<string, Option>> = {
  program: { kind: "text", value: "NAME", description: "function or section name, where the file holds several" },
  ...INPUT_OPTIONS,
  profile: { kind: "text", value: "VERSION", description: "the kernel whose rules apply (6.18)" },
  arch: { kind: "text", value: "ARCH", description: "the architecture whose rules apply (x86-64)" },
  cpus: { kind: "text", value: "N", description: "CPUs that per-CPU maps have values for (1)" },
  slot: {
    kind: "list",
    value: "MAP:INDEX=PROGRAM…",
    description: "fill a slot of a program array; FILE#PROGRAM of another file, - empties it",
  },
  map: { kind: "list", value: "NAME=FILE.json…", description: 'fill a map: [{"key":"hex","value":"hex"}, …]' },
};

/** A program ready to run, and the VM around it. */
export interface Prepared {
  readonly vm: Vm;
  readonly runnable: VmProgram;
}

/** Reads the file and makes the VM as `PROGRAM_OPTIONS` say. */
export async function prepare(given: Arguments, options: VmOptions): Promise<Prepared> {
  const file = given.positionals[0]!;
  const { source } = await readInput(file, inputOptions(given));
  const program = programNamed(source, given.text("program"), file);
  const profile = profileFor(given.text("profile"), given.text("arch"));
  const vm = load(source, { ...options, profile, cpus: given.whole("cpus", 1, 1024) ?? 1 });
  for (const text of given.list("map")) await seed(vm, text);
  const others = new OtherFiles(vm, given, program);
  for (const text of given.list("slot")) await fillSlot(vm, text, others);
  return { vm, runnable: vm.runnable(program) };
}

async function seed(vm: Vm, text: string): Promise<void> {
  const [, name, file] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || file === undefined) throw usage(`--map ${shown(text)} must be NAME=FILE.json`);
  const entries = await readMapFile(file);
  during(`--map ${text}`, () => vm.seed(name, entries));
}

async function fillSlot(vm: Vm, text: string, others: OtherFiles): Promise<void> {
  const [, map, colon, bracket, name] =
    /^([^=]+?)(?::(\d+|0x[0-9a-fA-F]+)|\[(\d+|0x[0-9a-fA-F]+)\])=(.+)$/s.exec(text) ?? [];
  if (map === undefined || name === undefined)
    throw usage(`--slot ${shown(text)} must be MAP:INDEX=PROGRAM or MAP[INDEX]=PROGRAM`);
  const index = Number(colon ?? bracket);
  const program = name === "-" ? undefined : await others.program(name);
  during(`--slot ${text}`, () => {
    const array = vm.map(map);
    // Emptying is asked for, so an empty slot is no mistake; past the end is.
    const empty = isProgramArray(array) && index < array.spec.maxEntries && array.programAt(index) === undefined;
    if (program !== undefined || !empty) vm.setSlot(map, index, program);
  });
}

/** Says which option an error is about. */
function during(option: string, act: () => void): void {
  try {
    act();
  } catch (cause) {
    throw isBpfkitError(cause) ? usage(`${option}: ${cause.message}`) : cause;
  }
}

/** Programs by `NAME` or `FILE#NAME`; each other file is read once. */
class OtherFiles {
  readonly #vm: Vm;
  readonly #given: Arguments;
  readonly #entry: Program;
  readonly #read = new Map<string, readonly Program[]>();

  constructor(vm: Vm, given: Arguments, entry: Program) {
    this.#vm = vm;
    this.#given = given;
    this.#entry = entry;
  }

  async program(text: string): Promise<Program> {
    const hash = text.lastIndexOf("#");
    if (hash < 0) return this.#vm.program(text).program;
    const file = text.slice(0, hash);
    const known = this.#read.get(file) ?? (await this.#take(file));
    this.#read.set(file, known);
    const name = text.slice(hash + 1);
    const clashed = known.find((program) => program.name === `${basename(file)}#${name}`);
    return clashed ?? programNamed({ programs: known, maps: [] }, name || undefined, file);
  }

  async #take(file: string): Promise<readonly Program[]> {
    const { type, syntax } = inputOptions(this.#given);
    const { format, source } = await readInput(file, { type, syntax });
    // Bare code does not say what it is: it is what the program is that it is called from.
    const bare = format !== "elf" && type === undefined;
    const typed = bare ? { ...source, programs: source.programs.map((one) => alike(one, this.#entry)) } : source;
    const prefix = basename(file);
    return this.#vm.add(withoutClashes(typed, new Set(this.#vm.programs.map(({ name }) => name)), prefix), prefix);
  }
}
