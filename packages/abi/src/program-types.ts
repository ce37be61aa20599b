import { AbiError } from "./error.js";

/** What Linux knows of one program type. */
export interface ProgramTypeFacts {
  /** As `Program.type` has it: the kernel's name in lower case without prefix. */
  readonly name: string;
  /** `BPF_PROG_TYPE_*`. */
  readonly id: number;
  /** The first kernel that has it. */
  readonly since: string;
  /** What r1 points to, as the user ABI names it; undefined where it depends on what the program is attached to. */
  readonly context?: string;
  /** Where the data a program sees begins, if it has a packet: at the Ethernet header or behind it. */
  readonly packet?: "link" | "network";
  /** Attach types programs of this type may be loaded for or attached to. */
  readonly attachTypes: readonly string[];
  /** What Linux takes expected attach type 0 for at load (`bpf_prog_load_fixup_attach_type`). */
  readonly defaultAttachType?: string;
  /** Loading is refused (EINVAL) for any other expected attach type; elsewhere Linux does not look. */
  readonly checksAttachType?: true;
  /** Names of what r0 may say, by its value as a signed 32-bit number. */
  readonly returns?: ReadonlyMap<number, string>;
  /** From 6.13 frames may lie on a stack of their own (`bpf_enable_priv_stack`): always, for all but iterators, or on request. */
  readonly privateStack?: "always" | "not-iterators" | "on-request";
  /** `BPF_PROG_TEST_RUN` runs it; elsewhere the answer is ENOTSUPP (524). */
  readonly testRun?: true;
}

const names = (list: readonly string[], first = 0): ReadonlyMap<number, string> =>
  new Map(list.map((name, index) => [first + index, name]));

const XDP_ACTIONS = names(["XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT"]);
const TC_ACTIONS = names(
  [
    "TC_ACT_UNSPEC",
    "TC_ACT_OK",
    "TC_ACT_RECLASSIFY",
    "TC_ACT_SHOT",
    "TC_ACT_PIPE",
    "TC_ACT_STOLEN",
    "TC_ACT_QUEUED",
    "TC_ACT_REPEAT",
    "TC_ACT_REDIRECT",
    "TC_ACT_TRAP",
  ],
  -1,
);
const LWT_ACTIONS: ReadonlyMap<number, string> = new Map([
  [0, "BPF_OK"],
  [2, "BPF_DROP"],
  [7, "BPF_REDIRECT"],
  [128, "BPF_LWT_REROUTE"],
]);
const FLOW_DISSECTOR_ACTIONS: ReadonlyMap<number, string> = new Map([
  [0, "BPF_OK"],
  [2, "BPF_DROP"],
  [129, "BPF_FLOW_DISSECTOR_CONTINUE"],
]);
const SK_ACTIONS = names(["SK_DROP", "SK_PASS"]);
const NF_ACTIONS = names(["NF_DROP", "NF_ACCEPT"]);

const SKB = "__sk_buff";
const LWT = { context: SKB, packet: "network", attachTypes: [], returns: LWT_ACTIONS } as const;
const TRACED = { privateStack: "always" } as const;

/** Every program type of Linux 6.18, ascending by id. */
// biome-ignore format: a table reads by its rows
export const PROGRAM_TYPES: readonly ProgramTypeFacts[] = [
  { name: "socket_filter", id: 1, since: "3.19", context: SKB, packet: "network", attachTypes: [], testRun: true },
  { name: "kprobe", id: 2, since: "4.1", context: "bpf_user_pt_regs_t", attachTypes: ["trace_kprobe_multi", "trace_uprobe_multi", "trace_kprobe_session", "trace_uprobe_session"], ...TRACED },
  { name: "sched_cls", id: 3, since: "4.1", context: SKB, packet: "link", attachTypes: ["tcx_ingress", "tcx_egress", "netkit_primary", "netkit_peer"], returns: TC_ACTIONS, testRun: true },
  { name: "sched_act", id: 4, since: "4.1", context: SKB, packet: "link", attachTypes: [], returns: TC_ACTIONS, testRun: true },
  { name: "tracepoint", id: 5, since: "4.7", context: "__u64", attachTypes: [], ...TRACED },
  { name: "xdp", id: 6, since: "4.8", context: "xdp_md", packet: "link", attachTypes: ["xdp", "xdp_devmap", "xdp_cpumap"], returns: XDP_ACTIONS, testRun: true },
  { name: "perf_event", id: 7, since: "4.9", context: "bpf_perf_event_data", attachTypes: ["perf_event"], ...TRACED },
  { name: "cgroup_skb", id: 8, since: "4.10", context: SKB, packet: "network", attachTypes: ["cgroup_inet_ingress", "cgroup_inet_egress"], checksAttachType: true, testRun: true },
  { name: "cgroup_sock", id: 9, since: "4.10", context: "bpf_sock", attachTypes: ["cgroup_inet_sock_create", "cgroup_inet_sock_release", "cgroup_inet4_post_bind", "cgroup_inet6_post_bind"], defaultAttachType: "cgroup_inet_sock_create", checksAttachType: true },
  { name: "lwt_in", id: 10, since: "4.10", ...LWT, testRun: true },
  { name: "lwt_out", id: 11, since: "4.10", ...LWT, testRun: true },
  { name: "lwt_xmit", id: 12, since: "4.10", ...LWT, testRun: true },
  { name: "sock_ops", id: 13, since: "4.13", context: "bpf_sock_ops", attachTypes: ["cgroup_sock_ops"] },
  { name: "sk_skb", id: 14, since: "4.14", context: SKB, packet: "network", attachTypes: ["sk_skb_stream_parser", "sk_skb_stream_verdict", "sk_skb_verdict"], returns: SK_ACTIONS },
  { name: "cgroup_device", id: 15, since: "4.15", context: "bpf_cgroup_dev_ctx", attachTypes: ["cgroup_device"] },
  { name: "sk_msg", id: 16, since: "4.17", context: "sk_msg_md", attachTypes: ["sk_msg_verdict"], returns: SK_ACTIONS },
  { name: "raw_tracepoint", id: 17, since: "4.17", context: "bpf_raw_tracepoint_args", attachTypes: ["trace_raw_tp"], ...TRACED, testRun: true },
  {
    name: "cgroup_sock_addr", id: 18, since: "4.17", context: "bpf_sock_addr",
    attachTypes: [
      "cgroup_inet4_bind", "cgroup_inet6_bind", "cgroup_inet4_connect", "cgroup_inet6_connect", "cgroup_unix_connect",
      "cgroup_inet4_getpeername", "cgroup_inet6_getpeername", "cgroup_unix_getpeername",
      "cgroup_inet4_getsockname", "cgroup_inet6_getsockname", "cgroup_unix_getsockname",
      "cgroup_udp4_sendmsg", "cgroup_udp6_sendmsg", "cgroup_unix_sendmsg",
      "cgroup_udp4_recvmsg", "cgroup_udp6_recvmsg", "cgroup_unix_recvmsg",
    ],
    checksAttachType: true,
  },
  { name: "lwt_seg6local", id: 19, since: "4.18", ...LWT },
  { name: "lirc_mode2", id: 20, since: "4.18", context: "__u32", attachTypes: ["lirc_mode2"] },
  { name: "sk_reuseport", id: 21, since: "4.19", context: "sk_reuseport_md", attachTypes: ["sk_reuseport_select", "sk_reuseport_select_or_migrate"], defaultAttachType: "sk_reuseport_select", checksAttachType: true, returns: SK_ACTIONS },
  { name: "flow_dissector", id: 22, since: "4.20", context: SKB, packet: "network", attachTypes: ["flow_dissector"], returns: FLOW_DISSECTOR_ACTIONS, testRun: true },
  { name: "cgroup_sysctl", id: 23, since: "5.2", context: "bpf_sysctl", attachTypes: ["cgroup_sysctl"] },
  { name: "raw_tracepoint_writable", id: 24, since: "5.2", context: "bpf_raw_tracepoint_args", attachTypes: ["trace_raw_tp"] },
  { name: "cgroup_sockopt", id: 25, since: "5.3", context: "bpf_sockopt", attachTypes: ["cgroup_getsockopt", "cgroup_setsockopt"], checksAttachType: true },
  { name: "tracing", id: 26, since: "5.5", attachTypes: ["trace_raw_tp", "trace_fentry", "trace_fexit", "modify_return", "trace_iter"], privateStack: "not-iterators", testRun: true },
  { name: "struct_ops", id: 27, since: "5.6", attachTypes: ["struct_ops"], privateStack: "on-request", testRun: true },
  { name: "ext", id: 28, since: "5.6", attachTypes: [] },
  { name: "lsm", id: 29, since: "5.7", attachTypes: ["lsm_mac", "lsm_cgroup"] },
  { name: "sk_lookup", id: 30, since: "5.9", context: "bpf_sk_lookup", attachTypes: ["sk_lookup"], checksAttachType: true, returns: SK_ACTIONS, testRun: true },
  { name: "syscall", id: 31, since: "5.14", attachTypes: [], testRun: true },
  { name: "netfilter", id: 32, since: "6.4", context: "bpf_nf_ctx", attachTypes: ["netfilter"], checksAttachType: true, returns: NF_ACTIONS, testRun: true },
];

const byName: ReadonlyMap<string, ProgramTypeFacts> = new Map(PROGRAM_TYPES.map((facts) => [facts.name, facts]));
const byId: ReadonlyMap<number, ProgramTypeFacts> = new Map(PROGRAM_TYPES.map((facts) => [facts.id, facts]));

/** A program type by its name. @throws {AbiError} `UNKNOWN_NAME`. */
export function programTypeByName(name: string): ProgramTypeFacts {
  const facts = byName.get(name);
  if (facts !== undefined) return facts;
  throw new AbiError("UNKNOWN_NAME", `${name} is no program type of Linux; there are ${[...byName.keys()].join(", ")}`);
}

/** A program type by its `BPF_PROG_TYPE_*` number; undefined where Linux 6.18 has none. */
export function programTypeById(id: number): ProgramTypeFacts | undefined {
  return byId.get(id);
}

/** What a program's result says, by name (`XDP_PASS`, `TC_ACT_SHOT`); undefined where the type or the value has no name. */
export function actionName(programType: string, r0: bigint): string | undefined {
  return byName.get(programType)?.returns?.get(Number(BigInt.asIntN(32, r0)));
}
