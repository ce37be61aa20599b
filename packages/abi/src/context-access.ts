/**
 * What programs of each type may do with their context: which bytes, how wide, in which direction, and what a load of a
 * pointer gives (Linux 6.18: the `is_valid_access` of each type in net/core/filter.c, kernel/trace/bpf_trace.c and
 * kernel/bpf/cgroup.c; layouts from uapi/linux/bpf.h).
 */

/** What a load from the context leaves. */
export type ContextValue =
  | "scalar"
  | "packet"
  | "packet_meta"
  | "packet_end"
  | "flow_keys"
  | "socket"
  | "socket_or_null"
  | "sock_common_or_null"
  | "tp_buffer";

/** A range of context bytes with one rule. */
export interface ContextRange {
  /** Bytes from the context's start. */
  readonly start: number;
  /** The byte behind its last. */
  readonly end: number;
  /** Accesses that begin in the range must end by here; where it is not the range's end. */
  readonly limit?: number;
  /** Access sizes in bytes. */
  readonly read: readonly number[];
  readonly write: readonly number[];
  readonly pointer: ContextValue;
  /** Only for programs with one of these attach types. */
  readonly attach?: readonly string[];
}

/** The rules of one program type. Accesses must be aligned to their size, unless said otherwise. */
export interface ContextAccessRules {
  readonly ranges: readonly ContextRange[];
}

type Row = readonly [
  start: number,
  end: number,
  read: string,
  write: string,
  pointer?: ContextValue,
  attach?: string | undefined,
  limit?: number,
];

/** Sizes up to a field of 2, 4 or 8 bytes. */
const SIZES: Readonly<Record<string, readonly number[]>> = {
  "-": [],
  "1": [1],
  "4": [4],
  "8": [8],
  "2,4": [2, 4],
  "4,8": [4, 8],
  n1: [1],
  n2: [1, 2],
  n4: [1, 2, 4],
  n8: [1, 2, 4, 8],
};

/** `struct __sk_buff` for types that see no more than this of it. */
interface SkbRules {
  /** Fields that may be written besides `cb`: byte offsets. */
  readonly writable: readonly number[];
  /** Byte ranges hidden from the type. */
  readonly hidden: readonly (readonly [number, number])[];
  readonly packet: boolean;
  readonly meta: boolean;
  readonly timestampType: boolean;
  readonly control: boolean;
}

const MARK = 8;
const QUEUE_MAPPING = 12;
const PRIORITY = 32;
const TC_INDEX = 44;
const TC_CLASSID = 72;
const TIMESTAMP = 152;

/** Byte ranges of `struct __sk_buff`. */
const HIDE_CLASSID: readonly [number, number] = [72, 76];
const HIDE_DATA: readonly [number, number] = [76, 84];
const HIDE_SOCKET: readonly [number, number] = [88, 140];
const HIDE_META: readonly [number, number] = [140, 144];
const HIDE_TIMESTAMP: readonly [number, number] = [152, 160];
const HIDE_WIRE_LEN: readonly [number, number] = [160, 164];
const HIDE_HWTSTAMP: readonly [number, number] = [184, 192];
const HIDE_MARK: readonly [number, number] = [8, 12];

function skbRows(rules: SkbRules): Row[] {
  const isHidden = (at: number): boolean => rules.hidden.some(([start, end]) => at >= start && at < end);
  const write = (at: number, size: string): string => (rules.writable.includes(at) ? size : "-");
  const rows: Row[] = [];
  // Plain 32-bit fields: any narrower load, whole stores.
  for (let at = 0; at < 48; at += 4) rows.push([at, at + 4, "n4", write(at, "4")]);
  rows.push([48, 68, "n8", rules.control ? "n8" : "-"]);
  for (const at of [68, TC_CLASSID]) rows.push([at, at + 4, "n4", write(at, "4")]);
  rows.push(
    [76, 80, "4", "-", rules.packet ? "packet" : "scalar"],
    [80, 84, "4", "-", rules.packet ? "packet_end" : "scalar"],
  );
  for (const at of [84, 88]) rows.push([at, at + 4, "n4", "-"]);
  for (let at = 92; at < 132; at += 4) rows.push([at, at + 4, "4", "-"]);
  for (const at of [132, 136]) rows.push([at, at + 4, "n4", "-"]);
  rows.push([140, 144, "4", "-", rules.meta ? "packet_meta" : "scalar"]);
  rows.push([TIMESTAMP, TIMESTAMP + 8, "8", write(TIMESTAMP, "8")]);
  for (const at of [160, 164]) rows.push([at, at + 4, "n4", "-"]);
  rows.push([168, 176, "8", "-", "sock_common_or_null"], [176, 180, "n4", "-"]);
  if (rules.timestampType) rows.push([180, 181, "1", "-"]);
  rows.push([184, 192, "8", "-"]);
  return rows.filter(([start]) => !isHidden(start));
}

const SOCKET_FILTER = skbRows({
  writable: [],
  hidden: [HIDE_CLASSID, HIDE_DATA, HIDE_SOCKET, HIDE_META, HIDE_TIMESTAMP, HIDE_WIRE_LEN, HIDE_HWTSTAMP],
  packet: false,
  meta: false,
  timestampType: false,
  control: true,
});

const SCHED_CLS = skbRows({
  writable: [MARK, QUEUE_MAPPING, PRIORITY, TC_INDEX, TC_CLASSID, TIMESTAMP],
  hidden: [HIDE_SOCKET],
  packet: true,
  meta: true,
  timestampType: true,
  control: true,
});

const CGROUP_SKB = skbRows({
  writable: [MARK, PRIORITY, TIMESTAMP],
  hidden: [HIDE_CLASSID, HIDE_META, HIDE_WIRE_LEN],
  packet: true,
  meta: false,
  timestampType: false,
  control: true,
});

const LWT = skbRows({
  writable: [MARK, PRIORITY],
  hidden: [HIDE_CLASSID, HIDE_SOCKET, HIDE_META, HIDE_TIMESTAMP, HIDE_WIRE_LEN, HIDE_HWTSTAMP],
  packet: true,
  meta: false,
  timestampType: false,
  control: true,
});

const SK_SKB = skbRows({
  writable: [PRIORITY, TC_INDEX],
  hidden: [HIDE_CLASSID, HIDE_META, HIDE_TIMESTAMP, HIDE_WIRE_LEN, HIDE_HWTSTAMP, HIDE_MARK],
  packet: true,
  meta: false,
  timestampType: false,
  control: false,
});

/** A 32-bit field of which narrower loads get the first bytes alone. */
const firstBytes = (at: number, attach?: string): Row => [at, at + 1, "n4", "-", "scalar", attach, at + 4];

/** `struct bpf_sock` behind a socket pointer. */
const SOCK_ROWS: readonly Row[] = [
  [0, 4, "4", "4"],
  ...[4, 8, 12].map((at) => firstBytes(at)),
  [16, 24, "4", "4"],
  [24, 44, "n4", "-"],
  firstBytes(44),
  [48, 50, "n4", "-", "scalar", undefined, 52],
  [52, 72, "n4", "-"],
  ...[72, 76].map((at) => firstBytes(at)),
];

const SOCKET_CREATION = "cgroup_inet_sock_create cgroup_inet_sock_release";
const V4 =
  "cgroup_inet4_bind cgroup_inet4_connect cgroup_inet4_getpeername cgroup_inet4_getsockname cgroup_udp4_sendmsg cgroup_udp4_recvmsg";
const V6 =
  "cgroup_inet6_bind cgroup_inet6_connect cgroup_inet6_getpeername cgroup_inet6_getsockname cgroup_udp6_sendmsg cgroup_udp6_recvmsg";

function steps(start: number, end: number, step: number, read: string, write: string, attach?: string): Row[] {
  const rows: Row[] = [];
  for (let at = start; at < end; at += step) {
    rows.push(attach === undefined ? [at, at + step, read, write] : [at, at + step, read, write, "scalar", attach]);
  }
  return rows;
}

/** Sizes of `struct pt_regs` on x86-64 and of `struct bpf_perf_event_data` before its own fields. */
const PT_REGS = 168;

const BY_TYPE: Readonly<Record<string, readonly Row[]>> = {
  socket_filter: SOCKET_FILTER,
  sched_cls: SCHED_CLS,
  sched_act: SCHED_CLS,
  cgroup_skb: CGROUP_SKB,
  lwt_in: LWT,
  lwt_out: LWT,
  lwt_xmit: LWT,
  lwt_seg6local: LWT,
  sk_skb: SK_SKB,
  xdp: [
    [0, 4, "4", "-", "packet"],
    [4, 8, "4", "-", "packet_end"],
    [8, 12, "4", "-", "packet_meta"],
    [12, 20, "4", "-"],
    [20, 24, "4", "-", "scalar", "xdp_devmap"],
  ],
  cgroup_sock: [
    [0, 4, "4", "4", "scalar", SOCKET_CREATION],
    ...[4, 8, 12].map((at) => firstBytes(at)),
    [16, 24, "4", "4", "scalar", SOCKET_CREATION],
    [24, 28, "n4", "-", "scalar", "cgroup_inet4_post_bind"],
    [28, 44, "n4", "-", "scalar", "cgroup_inet6_post_bind"],
    firstBytes(44, "cgroup_inet4_post_bind cgroup_inet6_post_bind"),
    [48, 50, "n4", "-", "scalar", undefined, 52],
    [52, 72, "n4", "-"],
    ...[72, 76].map((at) => firstBytes(at)),
  ],
  cgroup_sock_addr: [
    [0, 4, "4", "-"],
    [4, 8, "n4", "4", "scalar", V4],
    [8, 24, "n8", "4,8", "scalar", V6],
    [24, 28, "n4", "4"],
    [28, 40, "4", "-"],
    [40, 44, "n4", "4", "scalar", "cgroup_udp4_sendmsg"],
    [44, 60, "n8", "4,8", "scalar", "cgroup_udp6_sendmsg"],
    [64, 72, "8", "-", "socket"],
  ],
  sock_ops: [
    [0, 4, "4", "-"],
    [4, 8, "4", "4"],
    ...steps(8, 164, 4, "4", "-"),
    [164, 168, "4", "4"],
    [168, 184, "8", "-"],
    [184, 192, "8", "-", "socket_or_null"],
    [192, 200, "8", "-", "packet"],
    [200, 208, "8", "-", "packet_end"],
    [208, 212, "4", "-"],
    firstBytes(212),
    [216, 224, "8", "-"],
  ],
  sk_msg: [
    [0, 8, "8", "-", "packet"],
    [8, 16, "8", "-", "packet_end"],
    [16, 72, "4", "-"],
    [72, 80, "8", "-", "socket"],
  ],
  sk_lookup: [
    [0, 8, "8", "-", "socket_or_null"],
    ...steps(8, 36, 4, "n4", "-"),
    [36, 38, "n4", "-", "scalar", undefined, 40],
    [38, 40, "n2", "-"],
    ...steps(40, 68, 4, "n4", "-"),
  ],
  sk_reuseport: [
    [0, 8, "8", "-", "packet"],
    [8, 16, "8", "-", "packet_end"],
    [16, 20, "n4", "-"],
    [20, 24, "2,4", "-"],
    [24, 32, "n4", "-"],
    [32, 36, "4", "-"],
    [40, 48, "8", "-", "socket"],
    [48, 56, "8", "-", "sock_common_or_null"],
  ],
  flow_dissector: [
    [76, 80, "4", "-", "packet"],
    [80, 84, "4", "-", "packet_end"],
    [144, 152, "8", "-", "flow_keys"],
  ],
  cgroup_device: [
    [0, 4, "n4", "-"],
    [4, 12, "4", "-"],
  ],
  cgroup_sysctl: [
    [0, 4, "n4", "-"],
    [4, 8, "n4", "4"],
  ],
  cgroup_sockopt: [
    [0, 8, "8", "-", "socket"],
    [8, 16, "8", "-", "packet"],
    [16, 24, "8", "-", "packet_end"],
    [24, 32, "4", "4", "scalar", "cgroup_setsockopt"],
    [24, 32, "4", "-"],
    [32, 36, "4", "4"],
    [36, 40, "4", "4", "scalar", "cgroup_getsockopt"],
  ],
  kprobe: [[0, PT_REGS, "n8", "-"]],
  tracepoint: [[8, 8192, "n8", "-"]],
  perf_event: [
    [0, PT_REGS, "8", "-"],
    [PT_REGS, PT_REGS + 16, "n8", "-"],
  ],
  raw_tracepoint: [[0, 96, "n8", "-"]],
  raw_tracepoint_writable: [
    [0, 1, "8", "-", "tp_buffer", undefined, 8],
    [1, 96, "n8", "-"],
  ],
  tracing: [[0, 96, "8", "-"]],
  lsm: [[0, 96, "8", "-"]],
  struct_ops: [[0, 96, "8", "-"]],
  syscall: [[0, 65535, "n8", "n8"]],
  netfilter: [],
  lirc_mode2: [[0, 4, "n4", "-"]],
};

function toRange([start, end, read, write, pointer = "scalar", attach, limit]: Row): ContextRange {
  return {
    start,
    end,
    read: SIZES[read]!,
    write: SIZES[write]!,
    pointer,
    ...(attach === undefined ? {} : { attach: attach.split(" ") }),
    ...(limit === undefined ? {} : { limit }),
  };
}

const RULES: ReadonlyMap<string, ContextAccessRules> = new Map(
  Object.entries(BY_TYPE).map(([type, rows]) => [type, { ranges: rows.map(toRange) }]),
);

/** The rules of a program type by its kernel name in lower case; undefined for one that is not known. */
export function contextAccess(programType: string): ContextAccessRules | undefined {
  return RULES.get(programType);
}

/** What may be loaded behind a pointer to `struct bpf_sock`; of a `sock_common`, nothing from its type to its priority. */
export const SOCKET_ACCESS: ContextAccessRules = { ranges: SOCK_ROWS.map(toRange) };

/** What may be loaded behind a pointer to `struct bpf_tcp_sock`. */
export const TCP_SOCKET_ACCESS: ContextAccessRules = {
  ranges: ([...steps(0, 80, 4, "4", "-"), [80, 96, "8", "-"], ...steps(96, 112, 4, "4", "-")] as Row[]).map(toRange),
};

/** What may be loaded behind a pointer to `struct bpf_xdp_sock`. */
export const XDP_SOCKET_ACCESS: ContextAccessRules = { ranges: [toRange([0, 4, "4", "-"])] };

/**
 * Finds the range an access of `size` bytes at `off` may be made in: aligned, in one range, of an allowed size, in the
 * allowed direction, for the attach type. Undefined where it may not be made.
 */
export function findContextRange(
  rules: ContextAccessRules,
  off: number,
  size: number,
  access: "read" | "write",
  attachType?: string,
): ContextRange | undefined {
  if (off < 0 || off % size !== 0) return undefined;
  const range = rules.ranges.find(
    ({ start, end, attach }) => off >= start && off < end && (attach?.includes(attachType ?? "") ?? true),
  );
  if (range === undefined || off + size > (range.limit ?? range.end)) return undefined;
  if (!(access === "read" ? range.read : range.write).includes(size)) return undefined;
  return range;
}
