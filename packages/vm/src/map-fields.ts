import { type Btf, resolve, sizeOf, typeById } from "@bpfkit/btf";
import type { MapSpec } from "@bpfkit/core";
import type { MapField } from "@bpfkit/verifier";

/** Structures that are special inside a map's value, by their names in the kernel. */
const STRUCTURES: Readonly<Record<string, MapField["kind"]>> = {
  bpf_spin_lock: "spin_lock",
  bpf_timer: "timer",
  bpf_wq: "workqueue",
  bpf_list_head: "list_head",
  bpf_rb_root: "rb_root",
};

/** Type tags of pointers that the kernel keeps in map values. */
const POINTER_TAGS: Readonly<Record<string, MapField["kind"]>> = {
  kptr_untrusted: "kptr_untrusted",
  kptr: "kptr",
  percpu_kptr: "kptr_percpu",
};

/** The special fields of each map's value, where its BTF says so. */
export function mapFieldsOf(btf: Btf, specs: readonly MapSpec[]): Map<string, readonly MapField[]> {
  const typed = specs.filter(({ btfValueTypeId }) => btfValueTypeId);
  return new Map(typed.map(({ name, btfValueTypeId }) => [name, fieldsIn(btf, btfValueTypeId!, 0)]));
}

/** The special fields of a type whose value begins `base` bytes into the map's. */
function fieldsIn(btf: Btf, id: number, base: number): MapField[] {
  const type = typeById(btf, resolve(btf, id));
  if (type.kind === "ptr") return pointerField(btf, type.type, base);
  if (type.kind !== "struct") return [];
  const kind = STRUCTURES[type.name];
  if (kind !== undefined) return [{ kind, offset: base, size: type.size }];
  return type.members.flatMap((member) => fieldsIn(btf, member.type, base + member.bitOffset / 8));
}

function pointerField(btf: Btf, id: number, offset: number): MapField[] {
  const tag = typeById(btf, id);
  const kind = tag.kind === "type_tag" ? POINTER_TAGS[tag.name] : undefined;
  if (kind === undefined) return [];
  const target = resolve(btf, id);
  const pointed = typeById(btf, target);
  const size = pointed.kind === "struct" ? { structSize: sizeOf(btf, target) } : {};
  return [{ kind, offset, size: 8, struct: pointed.name, ...size }];
}
