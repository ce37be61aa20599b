import type { MapStorage, Program } from "@bpfkit/core";
import { VmError } from "./error.js";

/** A program by its function or section name; without a name, the only one. @throws {VmError} `NO_SUCH_PROGRAM`, `AMBIGUOUS`. */
export function findProgram(programs: readonly Program[], name?: string): Program {
  const byName = programs.filter((program) => name === undefined || program.name === name);
  const found = byName.length > 0 ? byName : programs.filter((program) => program.section === name);
  if (found.length === 1) return found[0]!;
  if (name === undefined && found.length > 1)
    throw listing(programs, "AMBIGUOUS", "one of several programs must be named");
  if (found.length > 1) throw listing(programs, "AMBIGUOUS", `${name} names ${found.length} programs`);
  throw listing(
    programs,
    "NO_SUCH_PROGRAM",
    name === undefined ? "there is no program" : `there is no program ${name}`,
  );
}

function listing(programs: readonly Program[], code: "NO_SUCH_PROGRAM" | "AMBIGUOUS", what: string): VmError {
  const names = programs.map((program) => program.name);
  return new VmError(code, names.length === 0 ? what : `${what}; there are ${names.join(", ")}`);
}

/** A map by its name or its section (`.bss`); undefined where there is none. */
export function findMap(maps: ReadonlyMap<string, MapStorage>, name: string): MapStorage | undefined {
  return maps.get(name) ?? [...maps.values()].find(({ spec }) => spec.section === name);
}

/** The error that there is no such map. */
export function noSuchMap(maps: ReadonlyMap<string, MapStorage>, name: string): VmError {
  const names = [...maps.values()].map(({ spec }) => spec.section ?? spec.name);
  const known = names.length === 0 ? "" : `; there are ${names.join(", ")}`;
  return new VmError("NO_SUCH_MAP", `there is no map ${name}${known}`);
}
