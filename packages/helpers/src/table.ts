import { helperByName } from "@bpfkit/abi";
import type { CallbackBody, HelperBody, HelperImplementation, HelperTable } from "@bpfkit/core";
import { forEachMapElem, loop } from "./loop.js";
import { mapDeleteElem, mapLookupElem, mapUpdateElem } from "./map.js";
import { ktime, prandom, processorId } from "./time.js";

/** Helpers by the kernel's name, without `bpf_`. */
const BODIES: Readonly<Record<string, HelperBody>> = {
  map_lookup_elem: mapLookupElem,
  map_update_elem: mapUpdateElem,
  map_delete_elem: mapDeleteElem,
  ktime_get_ns: ktime,
  ktime_get_boot_ns: ktime,
  ktime_get_coarse_ns: ktime,
  get_prandom_u32: prandom,
  get_smp_processor_id: processorId,
};

/** Helpers that call back into the program. */
const CALLBACKS: Readonly<Record<string, CallbackBody>> = {
  loop,
  for_each_map_elem: forEachMapElem,
};

/** Every helper there is a body for, by id, and `tail_call`, which engines do themselves. */
export function helperTable(): HelperTable {
  const rows: [string, HelperImplementation][] = [
    ...Object.entries(BODIES).map(
      ([name, body]) => [name, { kind: "body", name, body }] as [string, HelperImplementation],
    ),
    ...Object.entries(CALLBACKS).map(
      ([name, body]) => [name, { kind: "callback", name, body }] as [string, HelperImplementation],
    ),
    ["tail_call", { kind: "intrinsic", name: "tail_call" }],
  ];
  return new Map(rows.map(([name, helper]) => [helperByName(name)!.id, helper]));
}
