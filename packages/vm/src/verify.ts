import { parseBtf } from "@bpfkit/btf";
import { isProgramArray, type MapSpec, type MapStorage, type Program } from "@bpfkit/core";
import { type MapField, type Verdict, type VerifyOptions, verify } from "@bpfkit/verifier";
import { mapFieldsOf } from "./map-fields.js";
import type { VmSource } from "./types.js";

/** How a VM's program is verified; what the VM knows itself is left out. */
export type VmVerifyOptions = Omit<VerifyOptions, "maps" | "profile" | "mapFields">;

/** Everything verdicts are given against. */
export interface Ground {
  readonly sources: readonly VmSource[];
  readonly specs: ReadonlyMap<string, MapSpec>;
  readonly profile: VerifyOptions["profile"];
}

/** Gives the verdict on a program with the maps of a VM. @throws as `verify` of `@bpfkit/verifier`. */
export function verifyWith(program: Program, { sources, specs, profile }: Ground, options: VmVerifyOptions): Verdict {
  return verify(program, { ...options, maps: specs, profile, mapFields: specialFields(sources) });
}

function specialFields(sources: readonly VmSource[]): Map<string, readonly MapField[]> {
  const fields = new Map<string, readonly MapField[]>();
  for (const { btf, maps, mapFields } of sources) {
    if (btf !== undefined) for (const [name, list] of mapFieldsOf(parseBtf(btf), maps)) fields.set(name, list);
    for (const [name, list] of mapFields ?? []) fields.set(name, list);
  }
  return fields;
}

/** A program and all that its program arrays hold, and theirs: what runs when it runs, each once. */
export function reachable(program: Program, maps: ReadonlyMap<string, MapStorage>): Program[] {
  const found = new Set([program]);
  for (const one of found) {
    for (const reference of one.references) {
      const map = reference.kind === "map" ? maps.get(reference.map) : undefined;
      if (map !== undefined && isProgramArray(map)) for (const [, member] of map.programs()) found.add(member);
    }
  }
  return [...found];
}
