import type { MapStorage } from "@bpfkit/core";
import type { Stepper } from "@bpfkit/interpreter";
import type { RegisterFact } from "@bpfkit/verifier";

/** A run that claims are held against. */
export interface Watched {
  readonly stepper: Stepper;
  readonly maps: ReadonlyMap<string, MapStorage>;
}

/** Guest addresses from which a pointer's distance may be counted: one of them must fit. */
type Origins = (run: Watched, fact: RegisterFact) => Iterable<number> | undefined;

const one = (address: number | undefined): readonly number[] | undefined =>
  address === undefined ? undefined : [address];

/** By kind of pointer, where its origin can be known of a run. A kind that is not here is not looked at. */
export const ORIGINS: Readonly<Record<string, Origins>> = {
  ctx: ({ stepper }) => [Number(stepper.context.r1)],
  fp: ({ stepper }, { frame }) => one(frame === undefined ? undefined : stepper.stackOf(frame)),
  pkt: ({ stepper }) => one(stepper.context.packet?.data),
  pkt_meta: ({ stepper }) => one(stepper.context.packet?.dataMeta),
  pkt_end: ({ stepper }) => one(stepper.context.packet?.dataEnd),
  // The memory of a raw program; what else is memory (a record, a dynptr's) is wherever its helper put it.
  mem: ({ stepper: { context } }) => (context.type === "raw" ? [Number(context.r1)] : undefined),
  map_ptr: ({ maps }, { map }) => one(map === undefined ? undefined : maps.get(map)?.header),
  map_value: ({ maps }, { map }) => (map === undefined ? undefined : valuesOf(maps.get(map))),
};

/** Where values of a map begin, as far as that is known. */
const values: WeakMap<MapStorage, Set<number>> = new WeakMap();

function valuesOf(map: MapStorage | undefined): Iterable<number> | undefined {
  if (map?.layout === undefined || map.layout.cpuStride !== 0) return undefined;
  return values.get(map) ?? [];
}

/**
 * Takes in the values a map has now; false where there was none to be learned. Values of a hash come and go, and what points
 * to one that is gone still counts from it, so all that ever were are kept.
 */
export function learnValues({ maps }: Watched, { kind, map: name }: RegisterFact): boolean {
  const map = kind === "map_value" && name !== undefined ? maps.get(name) : undefined;
  if (map?.guest === undefined) return false;
  const known = values.get(map) ?? new Set<number>();
  values.set(map, known);
  const { size } = known;
  const entry = { key: 0, value: 0 };
  for (let cursor = map.guest.next(0, 0, entry); cursor !== -1; cursor = map.guest.next(cursor, 0, entry)) {
    known.add(entry.value);
  }
  return known.size > size;
}
