import {
  type Engine,
  isBpfkitError,
  isProgramArray,
  type Linked,
  type LinkSet,
  type MapStorage,
  type Profile,
  type Program,
  type SharedCode,
  type SharedMap,
} from "@bpfkit/core";
import { GAP, type OwnMemory, type SharedMemory } from "@bpfkit/memory";
import { VmError } from "./error.js";

/** How a VM is shared. */
export interface VmShareOptions {
  /** Names of the programs that are shared. Default: all. */
  readonly programs?: readonly string[];
  /** Threads that may be attached at one time. Default 1. */
  readonly threads?: number;
  /** Bytes each thread has for its stacks, contexts and packets. Default 1 MiB. */
  readonly bytes?: number;
}

/** A VM for other threads: plain data that `postMessage` and `workerData` take. */
export interface SharedVm {
  readonly engine: string;
  readonly memory: SharedMemory;
  readonly maps: readonly SharedMap[];
  readonly programs: readonly Program[];
  /** What a lookup in a program array gives for each program. */
  readonly programIds: readonly number[];
  readonly profile: Profile;
  readonly code: SharedCode;
}

const DEFAULT_BYTES = 1 << 20;

/** What a VM gives to be shared. */
export interface Shareable {
  readonly engine: Engine;
  readonly memory: OwnMemory;
  /** What is shared. Its effects are used by no thread that attaches. */
  readonly set: LinkSet;
  programId(program: Program): number;
}

/**
 * Links the programs of a set for other threads.
 * @throws {VmError} `UNSUPPORTED` where the engine or a map cannot be shared; what linking, maps and memory throw.
 */
export function shareVm(
  { engine, memory, set, programId }: Shareable,
  { threads = 1, bytes = DEFAULT_BYTES }: VmShareOptions,
): { readonly shared: SharedVm; readonly linked: Linked } {
  if (!engine.capabilities.workers)
    throw new VmError("UNSUPPORTED", `engine ${engine.name} cannot share maps and code with other threads`);
  const { programs, profile } = set;
  // Cells would be one thread's; each that attaches has effects of its own.
  const { clock, random, cpu, trace } = set.effects;
  const linked = engine.link({ ...set, effects: { clock, random, cpu, trace } });
  try {
    const code = linked.share!();
    const maps = shareMaps(set);
    const own = bytes + maps.reduce((sum, map) => sum + scratchBytes(map), 0);
    const programIds = programs.map(programId);
    const shared = { engine: engine.name, memory: memory.share({ threads, bytes: own }), maps, programs };
    return { shared: { ...shared, programIds, profile, code }, linked };
  } catch (error) {
    linked.dispose();
    throw error;
  }
}

/** All maps but those that cannot be shared and no program names. */
function shareMaps({ maps, programs }: LinkSet): SharedMap[] {
  const references = programs.flatMap((program) => program.references);
  const named = new Set(references.flatMap((reference) => (reference.kind === "extern" ? [] : [reference.map])));
  // Program arrays last: sharing one changes what may be put in.
  const ordered = [...maps.values()].sort((one, other) => Number(isProgramArray(one)) - Number(isProgramArray(other)));
  return ordered.flatMap((map) => {
    try {
      return [shareMap(map, programs)];
    } catch (error) {
      if (named.has(map.spec.name) || !isBpfkitError(error)) throw error;
      return [];
    }
  });
}

function shareMap(map: MapStorage, programs: readonly Program[]): SharedMap {
  const shared = map.share?.(programs);
  if (shared !== undefined) return shared;
  throw new VmError("UNSUPPORTED", `map ${map.spec.name} cannot be shared: its storage belongs to one thread`);
}

/** What each thread reserves for a key and a value. */
function scratchBytes({ spec, cpus = 1 }: SharedMap): number {
  return spec.keySize + (spec.valueSize + 8) * cpus + 16 + GAP;
}
