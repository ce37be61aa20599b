/** What a section's name says of its programs. */
export interface SectionType {
  /** The kernel's program type in lower case; `raw` where the name says nothing. */
  readonly type: string;
  readonly expectedAttachType?: string;
  /** `BPF_F_*` load flags. */
  readonly flags?: number;
}

/** `BPF_F_SLEEPABLE` and `BPF_F_XDP_HAS_FRAGS` (uapi/linux/bpf.h). */
const SLEEPABLE = 1 << 4;
const FRAGS = 1 << 5;

/**
 * Section names as libbpf 1.5 (Linux 6.12) knows them: name, program type, expected attach type, load flags.
 * A name that ends in `+` also takes `name/anything`; the others are taken as they are.
 */
const SECTION_TYPES: readonly (readonly [
  name: string,
  type: string,
  attachType?: string | undefined,
  flags?: number,
])[] = [
  ["socket", "socket_filter"],
  ["sk_reuseport/migrate", "sk_reuseport", "sk_reuseport_select_or_migrate"],
  ["sk_reuseport", "sk_reuseport", "sk_reuseport_select"],
  ["kprobe+", "kprobe"],
  ["uprobe+", "kprobe"],
  ["uprobe.s+", "kprobe", undefined, SLEEPABLE],
  ["kretprobe+", "kprobe"],
  ["uretprobe+", "kprobe"],
  ["uretprobe.s+", "kprobe", undefined, SLEEPABLE],
  ["kprobe.multi+", "kprobe", "trace_kprobe_multi"],
  ["kretprobe.multi+", "kprobe", "trace_kprobe_multi"],
  ["kprobe.session+", "kprobe", "trace_kprobe_session"],
  ["uprobe.multi+", "kprobe", "trace_uprobe_multi"],
  ["uretprobe.multi+", "kprobe", "trace_uprobe_multi"],
  ["uprobe.multi.s+", "kprobe", "trace_uprobe_multi", SLEEPABLE],
  ["uretprobe.multi.s+", "kprobe", "trace_uprobe_multi", SLEEPABLE],
  ["ksyscall+", "kprobe"],
  ["kretsyscall+", "kprobe"],
  ["usdt+", "kprobe"],
  ["usdt.s+", "kprobe", undefined, SLEEPABLE],
  ["tc/ingress", "sched_cls", "tcx_ingress"],
  ["tc/egress", "sched_cls", "tcx_egress"],
  ["tcx/ingress", "sched_cls", "tcx_ingress"],
  ["tcx/egress", "sched_cls", "tcx_egress"],
  ["tc", "sched_cls"],
  ["classifier", "sched_cls"],
  ["action", "sched_act"],
  ["netkit/primary", "sched_cls", "netkit_primary"],
  ["netkit/peer", "sched_cls", "netkit_peer"],
  ["tracepoint+", "tracepoint"],
  ["tp+", "tracepoint"],
  ["raw_tracepoint+", "raw_tracepoint"],
  ["raw_tp+", "raw_tracepoint"],
  ["raw_tracepoint.w+", "raw_tracepoint_writable"],
  ["raw_tp.w+", "raw_tracepoint_writable"],
  ["tp_btf+", "tracing", "trace_raw_tp"],
  ["fentry+", "tracing", "trace_fentry"],
  ["fmod_ret+", "tracing", "modify_return"],
  ["fexit+", "tracing", "trace_fexit"],
  ["fentry.s+", "tracing", "trace_fentry", SLEEPABLE],
  ["fmod_ret.s+", "tracing", "modify_return", SLEEPABLE],
  ["fexit.s+", "tracing", "trace_fexit", SLEEPABLE],
  ["freplace+", "ext"],
  ["lsm+", "lsm", "lsm_mac"],
  ["lsm.s+", "lsm", "lsm_mac", SLEEPABLE],
  ["lsm_cgroup+", "lsm", "lsm_cgroup"],
  ["iter+", "tracing", "trace_iter"],
  ["iter.s+", "tracing", "trace_iter", SLEEPABLE],
  ["syscall", "syscall", undefined, SLEEPABLE],
  ["xdp.frags/devmap", "xdp", "xdp_devmap", FRAGS],
  ["xdp/devmap", "xdp", "xdp_devmap"],
  ["xdp.frags/cpumap", "xdp", "xdp_cpumap", FRAGS],
  ["xdp/cpumap", "xdp", "xdp_cpumap"],
  ["xdp.frags", "xdp", "xdp", FRAGS],
  ["xdp", "xdp", "xdp"],
  ["perf_event", "perf_event"],
  ["lwt_in", "lwt_in"],
  ["lwt_out", "lwt_out"],
  ["lwt_xmit", "lwt_xmit"],
  ["lwt_seg6local", "lwt_seg6local"],
  ["sockops", "sock_ops", "cgroup_sock_ops"],
  ["sk_skb/stream_parser", "sk_skb", "sk_skb_stream_parser"],
  ["sk_skb/stream_verdict", "sk_skb", "sk_skb_stream_verdict"],
  ["sk_skb/verdict", "sk_skb", "sk_skb_verdict"],
  ["sk_skb", "sk_skb"],
  ["sk_msg", "sk_msg", "sk_msg_verdict"],
  ["lirc_mode2", "lirc_mode2", "lirc_mode2"],
  ["flow_dissector", "flow_dissector", "flow_dissector"],
  ["cgroup_skb/ingress", "cgroup_skb", "cgroup_inet_ingress"],
  ["cgroup_skb/egress", "cgroup_skb", "cgroup_inet_egress"],
  ["cgroup/skb", "cgroup_skb"],
  ["cgroup/sock_create", "cgroup_sock", "cgroup_inet_sock_create"],
  ["cgroup/sock_release", "cgroup_sock", "cgroup_inet_sock_release"],
  ["cgroup/sock", "cgroup_sock", "cgroup_inet_sock_create"],
  ["cgroup/post_bind4", "cgroup_sock", "cgroup_inet4_post_bind"],
  ["cgroup/post_bind6", "cgroup_sock", "cgroup_inet6_post_bind"],
  ["cgroup/bind4", "cgroup_sock_addr", "cgroup_inet4_bind"],
  ["cgroup/bind6", "cgroup_sock_addr", "cgroup_inet6_bind"],
  ["cgroup/connect4", "cgroup_sock_addr", "cgroup_inet4_connect"],
  ["cgroup/connect6", "cgroup_sock_addr", "cgroup_inet6_connect"],
  ["cgroup/connect_unix", "cgroup_sock_addr", "cgroup_unix_connect"],
  ["cgroup/sendmsg4", "cgroup_sock_addr", "cgroup_udp4_sendmsg"],
  ["cgroup/sendmsg6", "cgroup_sock_addr", "cgroup_udp6_sendmsg"],
  ["cgroup/sendmsg_unix", "cgroup_sock_addr", "cgroup_unix_sendmsg"],
  ["cgroup/recvmsg4", "cgroup_sock_addr", "cgroup_udp4_recvmsg"],
  ["cgroup/recvmsg6", "cgroup_sock_addr", "cgroup_udp6_recvmsg"],
  ["cgroup/recvmsg_unix", "cgroup_sock_addr", "cgroup_unix_recvmsg"],
  ["cgroup/getpeername4", "cgroup_sock_addr", "cgroup_inet4_getpeername"],
  ["cgroup/getpeername6", "cgroup_sock_addr", "cgroup_inet6_getpeername"],
  ["cgroup/getpeername_unix", "cgroup_sock_addr", "cgroup_unix_getpeername"],
  ["cgroup/getsockname4", "cgroup_sock_addr", "cgroup_inet4_getsockname"],
  ["cgroup/getsockname6", "cgroup_sock_addr", "cgroup_inet6_getsockname"],
  ["cgroup/getsockname_unix", "cgroup_sock_addr", "cgroup_unix_getsockname"],
  ["cgroup/sysctl", "cgroup_sysctl", "cgroup_sysctl"],
  ["cgroup/getsockopt", "cgroup_sockopt", "cgroup_getsockopt"],
  ["cgroup/setsockopt", "cgroup_sockopt", "cgroup_setsockopt"],
  ["cgroup/dev", "cgroup_device", "cgroup_device"],
  ["struct_ops+", "struct_ops"],
  ["struct_ops.s+", "struct_ops", undefined, SLEEPABLE],
  ["sk_lookup", "sk_lookup", "sk_lookup"],
  ["netfilter", "netfilter", "netfilter"],
];

/** A section's name without the `?` by which libbpf marks programs that are not loaded unless asked for. */
export const programSection = (section: string): string => section.replace(/^\?/, "");

/**
 * The program type of a section, from its name: as libbpf has it, else as libbpf before 1.0 had it, which took any name
 * that began with a known one (`xdp_prog`, `socket1`, `tc/entry`); here a letter must not follow. Else `raw`.
 */
export function sectionType(section: string): SectionType {
  const name = programSection(section);
  const exact = SECTION_TYPES.find(([pattern]) =>
    pattern.endsWith("+") ? `${name}/`.startsWith(`${pattern.slice(0, -1)}/`) : pattern === name,
  );
  const row = exact ?? longestPrefix(name);
  if (row === undefined) return { type: "raw" };
  const [, type, expectedAttachType, flags] = row;
  return {
    type,
    ...(expectedAttachType === undefined ? {} : { expectedAttachType }),
    ...(flags === undefined ? {} : { flags }),
  };
}

function longestPrefix(name: string): (typeof SECTION_TYPES)[number] | undefined {
  let longest: (typeof SECTION_TYPES)[number] | undefined;
  for (const row of SECTION_TYPES) {
    const prefix = row[0].replace("+", "");
    if (!name.startsWith(prefix) || /^[a-z]/i.test(name.slice(prefix.length))) continue;
    if (longest === undefined || prefix.length > longest[0].replace("+", "").length) longest = row;
  }
  return longest;
}
