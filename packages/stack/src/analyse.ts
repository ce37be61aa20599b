import type { MapSpec, Program } from "@bpfkit/core";
import { type ArrayFacts, readArrays } from "./arrays.js";
import { readCode } from "./code.js";
import { walkCode } from "./flow.js";
import type { ProgramFacts } from "./frames.js";

/** What is analysed together: programs that may tail-call each other, and their maps. */
export interface StackInput {
  readonly programs: readonly Program[];
  /** `slots` of a program array are its members; without them, any program of its kind may be in it. */
  readonly maps: readonly MapSpec[];
  /** Bytes of each subprogram's frame, in order, as a verifier found them; undefined where there is no verdict. */
  readonly frameBytes?: (program: Program) => readonly number[] | undefined;
  /** Whether a subprogram (by index) returns an int, as its BTF says; undefined where that is not known. */
  readonly returnsInt?: (program: Program, subprogram: number) => boolean | undefined;
}

/** A set as analysed, good for every profile. */
export interface StackFacts {
  readonly programs: readonly ProgramFacts[];
  readonly arrays: readonly ArrayFacts[];
}

/**
 * Reads the calls, tail calls and frames of a set of programs. Nothing runs.
 * @throws {StackError} `BAD_CODE` for code that cannot be read, `UNKNOWN_PROGRAM` for a member of a program array that is not
 * among the programs.
 */
export function analyseStack(input: StackInput): StackFacts {
  const maps = new Map(input.maps.map((spec) => [spec.name, spec]));
  const programs = input.programs.map((program) => {
    const flow = walkCode(readCode(program), maps);
    const verdict = input.frameBytes?.(program);
    return {
      program,
      flow,
      bytes: verdict ?? flow.bytes,
      estimated: verdict === undefined,
      returnsInt: (subprogram: number) => input.returnsInt?.(program, subprogram),
    };
  });
  return { programs, arrays: readArrays(programs, [...input.maps, ...undescribed(programs, maps)]) };
}

/** Arrays that tail calls name and nobody described: they may hold anything. */
function undescribed(programs: readonly ProgramFacts[], maps: ReadonlyMap<string, MapSpec>): MapSpec[] {
  const named = programs.flatMap(({ flow }) => [...flow.tailCalls.values()].flatMap((site) => site.maps ?? []));
  const missing = [...new Set(named)].filter((name) => !maps.has(name));
  const array = { type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 2 ** 32 - 1, flags: 0 };
  return missing.map((name) => ({ ...array, name }));
}
