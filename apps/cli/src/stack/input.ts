import { profileFor } from "@bpfkit/abi";
import type { MapSpec, Profile } from "@bpfkit/core";
import { analyseStack, type StackFacts } from "@bpfkit/stack";
import type { VmSource } from "@bpfkit/vm";
import { type Arguments, shown, usage } from "../arguments.js";
import { nameOf } from "../files.js";
import { inputOptions, programsNamed, readInput } from "../input.js";
import { returnsIntBy } from "./returns-int.js";
import { verifiedFrames } from "./verdict.js";

/** A file analysed, and the programs of it that were asked for. */
export interface StackRequest {
  readonly facts: StackFacts;
  /** Names of programs. */
  readonly wanted: ReadonlySet<string>;
  readonly profiles: readonly Profile[];
  readonly file: string;
}

/** Reads what `bpfkit stack` was asked. @throws {CliError} for a file or an option that is not right. */
export async function readRequest(given: Arguments): Promise<StackRequest> {
  const file = given.positionals[0]!;
  const { source } = await readInput(file, inputOptions(given));
  const wanted = programsNamed(source, given.text("program"), file);
  const maps = withSlots(source, given.list("slot"));
  const frames = given.flag("no-verify") ? undefined : verifiedFrames(source);
  return {
    facts: analyseStack({
      programs: source.programs,
      maps,
      returnsInt: returnsIntBy(),
      frameBytes: (program) => frames?.get(program),
    }),
    wanted: new Set(wanted.map(({ name }) => name)),
    profiles: profilesOf(given),
    file: nameOf(file),
  };
}

/** Every version on every architecture. */
function profilesOf(given: Arguments): Profile[] {
  const list = (name: string): (string | undefined)[] => given.text(name)?.split(",") ?? [undefined];
  return list("arch").flatMap((arch) => list("profile").map((version) => profileFor(version, arch)));
}

/** What one `--slot` says. */
interface Slot {
  readonly map: string;
  readonly index: number;
  /** `-` empties it. */
  readonly name: string;
}

/** The maps, with slots filled or emptied as `--slot` says. */
function withSlots(source: VmSource, texts: readonly string[]): readonly MapSpec[] {
  const maps = [...source.maps, ...undescribed(source)];
  const slots = texts.map((text) => readSlot(text, maps, source));
  return maps.flatMap((spec) => {
    const mine = slots.filter(({ map }) => map === spec.name);
    // What nobody described and nobody filled is left to the analysis.
    if (mine.length === 0) return source.maps.includes(spec) ? [spec] : [];
    const filled = new Map((spec.slots ?? []).map((slot) => [slot.index, slot]));
    for (const { index, name } of mine) {
      if (name === "-") filled.delete(index);
      else filled.set(index, { index, of: "program", name });
    }
    return [{ ...spec, slots: [...filled.values()] }];
  });
}

/** Maps that bare code names: those that are given slots must be program arrays. */
function undescribed({ maps, programs }: VmSource): MapSpec[] {
  const named = programs.flatMap(({ references }) =>
    references.flatMap((reference) => (reference.kind === "map" ? [reference.map] : [])),
  );
  const missing = [...new Set(named)].filter((name) => !maps.some((spec) => spec.name === name));
  const array = { type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 2 ** 32 - 1, flags: 0 };
  return missing.map((name) => ({ ...array, name }));
}

function readSlot(text: string, maps: readonly MapSpec[], { programs }: VmSource): Slot {
  const [, map, colon, bracket, name] =
    /^([^=]+?)(?::(\d+|0x[0-9a-fA-F]+)|\[(\d+|0x[0-9a-fA-F]+)\])=(.+)$/s.exec(text) ?? [];
  const wrong = (what: string): never => {
    throw usage(`--slot ${shown(text)}${what}`);
  };
  if (map === undefined || name === undefined) return wrong(" must be MAP:INDEX=PROGRAM or MAP[INDEX]=PROGRAM");
  const array = maps.find((spec) => spec.name === map && spec.type === "prog_array");
  if (array === undefined) return wrong(`: there is no program array ${map}`);
  const index = Number(colon ?? bracket);
  if (index >= array.maxEntries) return wrong(`: ${map} has ${array.maxEntries} slots`);
  if (name !== "-" && !programs.some((program) => program.name === name)) {
    return wrong(`: there is no program ${name}; there are ${programs.map((program) => program.name).join(", ")}`);
  }
  return { map, index, name };
}
