import { LOAD_FLAGS } from "@bpfkit/abi";
import type { MapSpec, Program } from "@bpfkit/core";
import { StackError } from "./error.js";
import type { TailCallSite } from "./flow.js";
import type { ProgramFacts } from "./frames.js";

/** A filled slot of a program array. */
export interface Member {
  readonly index: number;
  readonly program: string;
}

/** A program array and what may be in it. */
export interface ArrayFacts {
  readonly map: string;
  readonly maxEntries: number;
  /** Ascending by index. */
  readonly members: readonly Member[];
  /** Nothing says what is in it: any program of its kind may be, at any index. */
  readonly assumed: boolean;
  /** The program whose kind the array took: the first that names it, else its first member. */
  readonly owner: string | undefined;
  /** Members the kernel refuses with EINVAL, for their kind is not the owner's. */
  readonly wrongTypes: readonly (Member & { readonly why: string })[];
  /** Members no tail call of the set can reach. */
  readonly unreachable: readonly Member[];
}

/** Where a tail call may lead. */
export interface Targets {
  /** Indexes of programs in the set, each once. */
  readonly programs: readonly number[];
  /** Slots and their programs, where the arrays' contents are known. */
  readonly members: readonly Member[];
  /** It may find an empty slot or an index past the end. */
  readonly mayMiss: boolean;
  /** Members were assumed, not known. */
  readonly assumed: boolean;
}

/** The kind of program an array takes (`__bpf_prog_map_compatible`, kernel/bpf/core.c), as words. */
function kindOf({ type, expectedAttachType, flags = 0 }: Program): string {
  const attach = expectedAttachType === undefined ? "" : ` for ${expectedAttachType}`;
  return `${type}${attach}${(flags & LOAD_FLAGS.BPF_F_XDP_HAS_FRAGS) === 0 ? "" : " with frags"}`;
}

/**
 * Program arrays among maps, with their members checked against their owner.
 * @throws {StackError} `UNKNOWN_PROGRAM`
 */
export function readArrays(programs: readonly ProgramFacts[], maps: readonly MapSpec[]): ArrayFacts[] {
  const byName = new Map(programs.map(({ program }) => [program.name, program]));
  return maps.filter(({ type }) => type === "prog_array").map((spec) => readArray(spec, programs, byName));
}

function readArray(spec: MapSpec, programs: readonly ProgramFacts[], byName: ReadonlyMap<string, Program>): ArrayFacts {
  const members = (spec.slots ?? [])
    .filter(({ of }) => of === "program")
    .map(({ index, name }) => ({ index, program: name }))
    .sort((a, b) => a.index - b.index);
  for (const { program, index } of members) {
    if (byName.has(program)) continue;
    const known = [...byName.keys()].join(", ");
    throw new StackError("UNKNOWN_PROGRAM", `slot ${index} of ${spec.name} names ${program}; there are ${known}`);
  }
  const naming = programs.find(({ program }) => namesMap(program, spec.name))?.program;
  const owner = naming ?? byName.get(members[0]?.program ?? "");
  const wrong = members.filter(({ program }) => owner !== undefined && kindOf(byName.get(program)!) !== kindOf(owner));
  const wrongTypes = wrong.map((member) => ({
    ...member,
    why: `${spec.name}[${member.index}]: ${member.program} is ${kindOf(byName.get(member.program)!)}, the array took ${kindOf(owner!)} from ${owner!.name}; the kernel answers EINVAL`,
  }));
  const right = members.filter((member) => !wrong.includes(member));
  const sites = programs.flatMap(({ flow }) => [...flow.tailCalls.values()]);
  return {
    map: spec.name,
    maxEntries: spec.maxEntries,
    members: right,
    assumed: spec.slots === undefined,
    owner: owner?.name,
    wrongTypes,
    unreachable: right.filter(({ index }) => !sites.some((site) => reaches(site, spec.name, index))),
  };
}

function namesMap(program: Program, map: string): boolean {
  return program.references.some((reference) => reference.kind === "map" && reference.map === map);
}

function reaches({ maps, index }: TailCallSite, map: string, at: number): boolean {
  if (maps !== undefined && !maps.includes(map)) return false;
  return index === undefined || (at >= index.min && at <= index.max);
}

/**
 * Where a tail call may lead. With r2 unknown, it may be any program array its program names; through another map it leads
 * nowhere.
 */
export function targetsOf(
  site: TailCallSite,
  from: Program,
  programs: readonly ProgramFacts[],
  arrays: readonly ArrayFacts[],
): Targets {
  const names = site.maps ?? arrays.map(({ map }) => map).filter((map) => namesMap(from, map));
  const found = names.flatMap((name) => arrays.find(({ map }) => map === name) ?? []);
  const parts = found.map((array) => targetsIn(array, site, from, programs));
  return {
    programs: [...new Set(parts.flatMap((part) => part.programs))],
    members: parts.flatMap((part) => part.members),
    mayMiss: parts.length === 0 || parts.some((part) => part.mayMiss),
    assumed: parts.some((part) => part.assumed),
  };
}

function targetsIn(array: ArrayFacts, site: TailCallSite, from: Program, programs: readonly ProgramFacts[]): Targets {
  const { min, max } = site.index ?? { min: 0, max: 2 ** 32 - 1 };
  if (array.assumed) {
    const isOfKind = ({ program }: ProgramFacts): boolean => kindOf(program) === kindOf(from);
    const all = min >= array.maxEntries ? [] : programs.flatMap((facts, index) => (isOfKind(facts) ? [index] : []));
    return { programs: all, members: [], mayMiss: true, assumed: all.length > 0 };
  }
  const members = array.members.filter(({ index }) => index >= min && index <= max);
  const numbers = members.map(({ program }) => programs.findIndex((facts) => facts.program.name === program));
  return { programs: [...new Set(numbers)], members, mayMiss: members.length <= max - min, assumed: false };
}

/** Groups of programs that can reach each other by tail calls, a lone one where it calls itself; by name. */
export function findCycles(edges: readonly ReadonlySet<number>[], programs: readonly ProgramFacts[]): string[][] {
  const reach = edges.map((_, from) => reachable(edges, from));
  const cycles: string[][] = [];
  const done = new Set<number>();
  for (const [from, to] of reach.entries()) {
    if (done.has(from) || !to.has(from)) continue;
    const group = [...to].filter((other) => reach[other]!.has(from)).sort((a, b) => a - b);
    for (const member of group) done.add(member);
    cycles.push(group.map((member) => programs[member]!.program.name));
  }
  return cycles;
}

/** Programs reached from one by one or more tail calls. */
function reachable(edges: readonly ReadonlySet<number>[], from: number): Set<number> {
  const found = new Set<number>();
  const pending = [from];
  while (pending.length > 0) {
    for (const next of edges[pending.pop()!]!) {
      if (found.has(next)) continue;
      found.add(next);
      pending.push(next);
    }
  }
  return found;
}
