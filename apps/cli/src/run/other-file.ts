import type { Program } from "@bpfkit/core";
import type { VmSource } from "@bpfkit/vm";

/** A program as one of the same kind as another, so that both may stand in one program array. */
export function alike(program: Program, { type, expectedAttachType }: Program): Program {
  return { ...program, type, ...(expectedAttachType === undefined ? {} : { expectedAttachType }) };
}

/** Renames programs to `prefix#name` whose names are taken, wherever they are named. */
export function withoutClashes(source: VmSource, taken: ReadonlySet<string>, prefix: string): VmSource {
  const rename = (name: string): string => (taken.has(name) ? `${prefix}#${name}` : name);
  return {
    ...source,
    programs: source.programs.map((program) => renamed(program, rename(program.name))),
    maps: source.maps.map(({ slots, ...spec }) => ({
      ...spec,
      ...(slots && {
        slots: slots.map((slot) => (slot.of === "program" ? { ...slot, name: rename(slot.name) } : slot)),
      }),
    })),
  };
}

/** The entry subprogram is called as its program is. */
function renamed(program: Program, name: string): Program {
  const [entry, ...others] = program.subprograms;
  return { ...program, name, subprograms: entry === undefined ? [] : [{ ...entry, name }, ...others] };
}
