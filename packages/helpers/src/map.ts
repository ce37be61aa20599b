import type { HelperCall } from "@bpfkit/core";
import { guestOperations, map, number64, readable, u32 } from "./arguments.js";

/** `bpf_map_lookup_elem(map, key)`: the value's address, or 0. */
export function mapLookupElem(call: HelperCall): number {
  const storage = map(call, 1);
  return guestOperations(storage).lookup(readable(call, 2, storage.spec.keySize), call.effects.cpu());
}

/** `bpf_map_lookup_percpu_elem(map, key, cpu)`: the address of that CPU's value, or 0. */
export function mapLookupPercpuElem(call: HelperCall): number {
  const storage = map(call, 1);
  const key = readable(call, 2, storage.spec.keySize);
  const cpu = u32(call, 3);
  return cpu < (storage.cpus ?? 1) ? guestOperations(storage).lookup(key, cpu) : 0;
}

/** `bpf_map_update_elem(map, key, value, flags)`: 0 or a negative errno. */
export function mapUpdateElem(call: HelperCall): number {
  const storage = map(call, 1);
  const key = readable(call, 2, storage.spec.keySize);
  const value = readable(call, 3, storage.spec.valueSize);
  return guestOperations(storage).update(key, value, number64(call, 4), call.effects.cpu());
}

/** `bpf_map_delete_elem(map, key)`: 0 or a negative errno. */
export function mapDeleteElem(call: HelperCall): number {
  const storage = map(call, 1);
  return guestOperations(storage).delete(readable(call, 2, storage.spec.keySize));
}
