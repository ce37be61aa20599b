import { hasField, type MapField } from "./map-info.js";
import { kptrAt } from "./region-access.js";
import { fixedOffset, isFixed, type Register } from "./register.js";
import { reg, reject, type Verification } from "./verification.js";

const NAMES = { spin_lock: "bpf_spin_lock", timer: "bpf_timer" } as const;

/** The register of an argument that must point exactly to a map's special field. */
function pointToField(v: Verification, number: number, kind: keyof typeof NAMES): Register {
  const r = reg(v, number);
  const name = NAMES[kind];
  if (!isFixed(r)) {
    reject(v, "EINVAL", `R${number} doesn't have constant offset. ${name} has to be at the constant offset`);
  }
  const map = r.map!;
  if (map.fields === undefined) {
    reject(v, "EINVAL", `map '${map.spec.name}' has to have BTF in order to use ${name}`);
  }
  const field = map.fields.find((candidate) => candidate.kind === kind);
  if (field === undefined) reject(v, "EINVAL", `map '${map.spec.name}' has no valid ${name}`);
  const off = r.off + fixedOffset(r);
  if (field.offset !== off) {
    reject(v, "EINVAL", `off ${off} doesn't point to 'struct ${name}' that is at ${field.offset}`);
  }
  return r;
}

/** Takes or gives back a spin lock: one at a time, and the same one. */
export function processSpinLock(v: Verification, number: number, isLock: boolean): void {
  const r = pointToField(v, number, "spin_lock");
  const { lock } = v.state;
  if (isLock) {
    if (lock !== undefined) reject(v, "EINVAL", "Locking two bpf_spin_locks are not allowed");
    v.state.lock = { map: r.map!, id: r.id };
    return;
  }
  if (lock === undefined) reject(v, "EINVAL", "bpf_spin_unlock without taking a lock");
  if (lock.map !== r.map || lock.id !== r.id) reject(v, "EINVAL", "bpf_spin_unlock of different lock");
  v.state.lock = undefined;
}

/** Checks a timer argument. */
export function processTimer(v: Verification, number: number): Register {
  return pointToField(v, number, "timer");
}

/** The kptr an argument of `bpf_kptr_xchg` points to. */
export function processKptr(v: Verification, number: number): MapField {
  const r = reg(v, number);
  const map = r.map!;
  if (map.fields === undefined) {
    reject(v, "EINVAL", `map '${map.spec.name}' has to have BTF in order to use bpf_kptr_xchg`);
  }
  if (!isFixed(r)) {
    reject(v, "EINVAL", `R${number} doesn't have constant offset. kptr has to be at the constant offset`);
  }
  const hasKptr = hasField(map, "kptr") || hasField(map, "kptr_untrusted") || hasField(map, "kptr_percpu");
  if (!hasKptr) reject(v, "EINVAL", `R${number} has no valid kptr`);
  const off = r.off + fixedOffset(r);
  const field = kptrAt(map, off);
  if (field === undefined) reject(v, "EACCES", `off=${off} doesn't point to kptr`);
  if (field.kind === "kptr_untrusted") reject(v, "EACCES", `off=${off} kptr isn't referenced kptr`);
  return field;
}
