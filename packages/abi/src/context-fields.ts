/** What the verifier makes of a register loaded from a field. */
export type ContextPointer = "packet" | "packet_end" | "packet_meta" | "flow_keys" | "sock_common_or_null";

/** One field of a context structure as the user ABI lays it out (uapi/linux/bpf.h), with who may touch it (`is_valid_access`, net/core/filter.c). */
export interface ContextField {
  readonly name: string;
  /** Bytes from the start of the structure. */
  readonly offset: number;
  /** Bytes; of all elements for an array. */
  readonly size: number;
  /** Elements of an array. */
  readonly count?: number;
  /**
   * How many bytes an access may have. `exact`: those of one element. `narrow`: a load may take any aligned part of it, a
   * store the whole. `any`: loads and stores of 1, 2, 4 or 8 aligned bytes, over elements too.
   */
  readonly access: "exact" | "narrow" | "any";
  /** Program types that may load it. */
  readonly readable: readonly string[];
  /** Program types that may store to it. */
  readonly writable: readonly string[];
  readonly pointer?: ContextPointer;
}

/** A context structure; bytes in no field may not be touched. */
export interface ContextStruct {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Ascending by offset. */
  readonly fields: readonly ContextField[];
}

const TC = ["sched_cls", "sched_act"];
const LWT = ["lwt_in", "lwt_out", "lwt_xmit", "lwt_seg6local"];
const SKB = ["socket_filter", ...TC, "cgroup_skb", ...LWT, "sk_skb"];
const not = (...types: readonly string[]): readonly string[] => SKB.filter((type) => !types.includes(type));

/** `data` and `data_end`, which flow dissectors also read. */
const PACKET_READERS = [...not("socket_filter"), "flow_dissector"];
const SOCKET_READERS = ["cgroup_skb", "sk_skb"];
const NONE: readonly string[] = [];

/** `struct __sk_buff` of Linux 6.18. */
// biome-ignore format: a table reads by its rows
const SK_BUFF: ContextStruct = {
  name: "__sk_buff",
  size: 192,
  fields: [
    { name: "len", offset: 0, size: 4, access: "narrow", readable: SKB, writable: NONE },
    { name: "pkt_type", offset: 4, size: 4, access: "narrow", readable: SKB, writable: NONE },
    { name: "mark", offset: 8, size: 4, access: "narrow", readable: not("sk_skb"), writable: [...TC, "cgroup_skb", ...LWT] },
    { name: "queue_mapping", offset: 12, size: 4, access: "narrow", readable: SKB, writable: TC },
    { name: "protocol", offset: 16, size: 4, access: "narrow", readable: SKB, writable: NONE },
    { name: "vlan_present", offset: 20, size: 4, access: "narrow", readable: SKB, writable: NONE },
    { name: "vlan_tci", offset: 24, size: 4, access: "narrow", readable: SKB, writable: NONE },
    { name: "vlan_proto", offset: 28, size: 4, access: "narrow", readable: SKB, writable: NONE },
    { name: "priority", offset: 32, size: 4, access: "narrow", readable: SKB, writable: [...TC, "cgroup_skb", ...LWT, "sk_skb"] },
    { name: "ingress_ifindex", offset: 36, size: 4, access: "narrow", readable: SKB, writable: NONE },
    { name: "ifindex", offset: 40, size: 4, access: "narrow", readable: SKB, writable: NONE },
    { name: "tc_index", offset: 44, size: 4, access: "narrow", readable: SKB, writable: [...TC, "sk_skb"] },
    { name: "cb", offset: 48, size: 20, count: 5, access: "any", readable: SKB, writable: not("sk_skb") },
    { name: "hash", offset: 68, size: 4, access: "narrow", readable: SKB, writable: NONE },
    { name: "tc_classid", offset: 72, size: 4, access: "narrow", readable: TC, writable: TC },
    { name: "data", offset: 76, size: 4, access: "exact", readable: PACKET_READERS, writable: NONE, pointer: "packet" },
    { name: "data_end", offset: 80, size: 4, access: "exact", readable: PACKET_READERS, writable: NONE, pointer: "packet_end" },
    { name: "napi_id", offset: 84, size: 4, access: "narrow", readable: SKB, writable: NONE },
    { name: "family", offset: 88, size: 4, access: "narrow", readable: SOCKET_READERS, writable: NONE },
    { name: "remote_ip4", offset: 92, size: 4, access: "exact", readable: SOCKET_READERS, writable: NONE },
    { name: "local_ip4", offset: 96, size: 4, access: "exact", readable: SOCKET_READERS, writable: NONE },
    { name: "remote_ip6", offset: 100, size: 16, count: 4, access: "exact", readable: SOCKET_READERS, writable: NONE },
    { name: "local_ip6", offset: 116, size: 16, count: 4, access: "exact", readable: SOCKET_READERS, writable: NONE },
    { name: "remote_port", offset: 132, size: 4, access: "narrow", readable: SOCKET_READERS, writable: NONE },
    { name: "local_port", offset: 136, size: 4, access: "narrow", readable: SOCKET_READERS, writable: NONE },
    { name: "data_meta", offset: 140, size: 4, access: "exact", readable: TC, writable: NONE, pointer: "packet_meta" },
    { name: "flow_keys", offset: 144, size: 8, access: "exact", readable: ["flow_dissector"], writable: NONE, pointer: "flow_keys" },
    { name: "tstamp", offset: 152, size: 8, access: "exact", readable: [...TC, "cgroup_skb"], writable: [...TC, "cgroup_skb"] },
    { name: "wire_len", offset: 160, size: 4, access: "narrow", readable: TC, writable: NONE },
    { name: "gso_segs", offset: 164, size: 4, access: "narrow", readable: SKB, writable: NONE },
    { name: "sk", offset: 168, size: 8, access: "exact", readable: SKB, writable: NONE, pointer: "sock_common_or_null" },
    { name: "gso_size", offset: 176, size: 4, access: "narrow", readable: SKB, writable: NONE },
    { name: "tstamp_type", offset: 180, size: 1, access: "exact", readable: TC, writable: NONE },
    { name: "hwtstamp", offset: 184, size: 8, access: "exact", readable: [...TC, "cgroup_skb"], writable: NONE },
  ],
};

const XDP = ["xdp"];

/** `struct xdp_md`. Programs of attach type `xdp_devmap` alone may load `egress_ifindex`. */
// biome-ignore format: a table reads by its rows
const XDP_MD: ContextStruct = {
  name: "xdp_md",
  size: 24,
  fields: [
    { name: "data", offset: 0, size: 4, access: "exact", readable: XDP, writable: NONE, pointer: "packet" },
    { name: "data_end", offset: 4, size: 4, access: "exact", readable: XDP, writable: NONE, pointer: "packet_end" },
    { name: "data_meta", offset: 8, size: 4, access: "exact", readable: XDP, writable: NONE, pointer: "packet_meta" },
    { name: "ingress_ifindex", offset: 12, size: 4, access: "exact", readable: XDP, writable: NONE },
    { name: "rx_queue_index", offset: 16, size: 4, access: "exact", readable: XDP, writable: NONE },
    { name: "egress_ifindex", offset: 20, size: 4, access: "exact", readable: XDP, writable: NONE },
  ],
};

/** Context structures by name, as `ProgramTypeFacts.context` names them. */
export const CONTEXT_STRUCTS: ReadonlyMap<string, ContextStruct> = new Map(
  [SK_BUFF, XDP_MD].map((struct) => [struct.name, struct]),
);

/** The field of a context structure that holds the byte at an offset; undefined for padding and beyond. */
export function contextFieldAt(struct: ContextStruct, offset: number): ContextField | undefined {
  return struct.fields.find((field) => offset >= field.offset && offset < field.offset + field.size);
}

/**
 * Whether Linux lets a program of a type load or store `size` bytes at `offset` of its context. The offset must be a
 * multiple of the size. `egress_ifindex` counts as readable for every XDP program here.
 */
export function contextAccessOk(
  struct: ContextStruct,
  programType: string,
  access: "read" | "write",
  offset: number,
  size: number,
): boolean {
  const field = contextFieldAt(struct, offset);
  if (field === undefined || offset % size !== 0 || offset + size > field.offset + field.size) return false;
  const types = access === "read" ? field.readable : field.writable;
  if (!types.includes(programType)) return false;
  const element = field.size / (field.count ?? 1);
  if (field.access === "any") return true;
  return field.access === "narrow" && access === "read" ? size <= element : size === element;
}
