import { MAP_FLAGS, MAP_TYPES } from "@bpfkit/abi";
import type { MapSpec } from "@bpfkit/core";

/** A field of a map's value that programs may not touch as plain bytes. */
export interface MapField {
  readonly kind:
    | "spin_lock"
    | "timer"
    | "kptr_untrusted"
    | "kptr"
    | "kptr_percpu"
    | "workqueue"
    | "list_head"
    | "rb_root";
  /** Bytes from the value's start. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** The structure a kptr points to. */
  readonly struct?: string;
  /** Bytes of that structure, where known. */
  readonly structSize?: number;
}

/** A map as the verifier needs it. Two registers have the same map when this is the same object. */
export interface MapInfo {
  readonly spec: MapSpec;
  /** As the log has it: what a map of maps holds has none. */
  readonly name: string;
  /** Ascending by offset; undefined where the value has no BTF. */
  readonly fields: readonly MapField[] | undefined;
  readonly inner: MapInfo | undefined;
}

const TYPE_NUMBERS: ReadonlyMap<string, number> = new Map(MAP_TYPES.map(({ name, id }) => [name, id]));

/** The kernel's number of a map type, as messages print it; 0 for an unknown one. */
export const mapTypeNumber = (type: string): number => TYPE_NUMBERS.get(type) ?? 0;

/** Makes the verifier's view of a map. */
export function mapInfo(spec: MapSpec, fields?: readonly MapField[]): MapInfo {
  // A lookup in these gives the kernel's own data (kernel/bpf/devmap.c, `dev_map_alloc`).
  const isReadOnly = spec.type === "devmap" || spec.type === "devmap_hash";
  return {
    spec: isReadOnly ? { ...spec, flags: spec.flags | F_RDONLY_PROG } : spec,
    name: spec.name.slice(0, 15),
    fields: fields === undefined ? undefined : [...fields].sort((a, b) => a.offset - b.offset),
    inner: spec.inner === undefined ? undefined : { ...mapInfo(spec.inner), name: "" },
  };
}

/** Whether a map's value has a field of a kind. */
export const hasField = (map: MapInfo, kind: MapField["kind"]): boolean =>
  map.fields?.some((field) => field.kind === kind) ?? false;

/** Flags of map creation: what programs may not do. */
export const F_RDONLY_PROG: number = MAP_FLAGS.BPF_F_RDONLY_PROG;
export const F_WRONLY_PROG: number = MAP_FLAGS.BPF_F_WRONLY_PROG;

/** Whether loads of the map's values are constants: read-only to programs and to user space alike. */
export function isConstant(map: MapInfo): boolean {
  return map.spec.frozen === true && (map.spec.flags & F_RDONLY_PROG) !== 0;
}

/** Whether addresses of the map's values can stand in a program. */
export const hasDirectValues = (map: MapInfo): boolean => map.spec.type === "array" || map.spec.type === "arena";
