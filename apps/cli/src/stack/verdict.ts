import { isBpfkitError, type Program } from "@bpfkit/core";
import { load, type Vm, type VmSource } from "@bpfkit/vm";

/** Bytes behind r1 that the verifier takes a `raw` program to have. */
const RAW_MEMORY = 64;

/**
 * Asks the verifier for the bytes of each subprogram's frame. A program it rejects is left out: the walk ended somewhere on
 * its way, and the analysis' own estimate knows more.
 */
export function verifiedFrames(source: VmSource): ReadonlyMap<Program, readonly number[]> {
  const frames = new Map<Program, readonly number[]>();
  const vm = orUndefined(() => load(source));
  if (vm === undefined) return frames;
  for (const program of source.programs) {
    const bytes = orUndefined(() => framesBy(vm, program));
    if (bytes !== undefined) frames.set(program, bytes);
  }
  vm.dispose();
  return frames;
}

function framesBy(vm: Vm, program: Program): readonly number[] | undefined {
  const { verdict, subprograms } = vm.verify(program, { facts: false, memorySize: RAW_MEMORY });
  if (verdict === "reject") return undefined;
  const bytes = new Map(subprograms.map(({ start, stackDepth }) => [start, stackDepth]));
  return program.subprograms.map(({ start }) => bytes.get(start) ?? 0);
}

/** Undefined for a map or helper that is not there: the estimate needs neither. */
function orUndefined<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (isBpfkitError(error)) return undefined;
    throw error;
  }
}
