/**
 * Prototypes of every helper function of Linux 6.12 (uapi/linux/bpf.h `__BPF_FUNC_MAPPER`; argument and return kinds from
 * the `bpf_func_proto` of each; program types as Linux 6.18 answered, where it could be asked).
 */

/** What an argument must be. The kernel's `ARG_*` in lower case, without `PTR_TO_` and `CONST_`. */
export type HelperArgumentKind =
  | "anything"
  | "scalar"
  | "map"
  | "map_key"
  | "map_value"
  | "mem"
  | "size"
  | "size_or_zero"
  | "alloc_size_or_zero"
  | "ctx"
  | "spin_lock"
  | "sock_common"
  | "socket"
  | "btf_id"
  | "btf_id_sock_common"
  | "percpu_btf_id"
  | "ringbuf_mem"
  | "func"
  | "stack"
  | "const_str"
  | "timer"
  | "kptr_xchg_dest"
  | "dynptr";

/** One argument of a helper. */
export interface HelperArgument {
  readonly kind: HelperArgumentKind;
  /** A null pointer is accepted as well. */
  readonly nullable: boolean;
  /** The helper fills the memory (or dynptr): it need not be initialised. */
  readonly uninit: boolean;
  /** The helper writes the memory. */
  readonly write: boolean;
  /** The helper only reads the memory. */
  readonly readonly: boolean;
  /** The memory must be aligned to its size. */
  readonly aligned: boolean;
  /** The helper gives the reference back. */
  readonly release: boolean;
  /** Bytes, where the memory's size is fixed and no size argument follows. */
  readonly size?: number;
  /** The kernel structure of a `btf_id`. */
  readonly struct?: string;
  /** The kind of a `dynptr`, where the helper asks for one. */
  readonly dynptr?: "local" | "ringbuf";
}

/** What r0 is after the call. The kernel's `RET_*` in lower case, without `PTR_TO_`. */
export type HelperReturnKind =
  | "integer"
  | "void"
  | "map_value"
  | "socket"
  | "tcp_sock"
  | "sock_common"
  | "ringbuf_mem"
  | "dynptr_mem"
  | "mem_or_btf_id"
  | "btf_id";

/** What a helper returns. */
export interface HelperReturn {
  readonly kind: HelperReturnKind;
  /** May be a null pointer. */
  readonly nullable: boolean;
  /** The kernel structure of a `btf_id`. */
  readonly struct?: string;
}

/** A helper as the verifier sees it. */
export interface HelperPrototype {
  /** `BPF_FUNC_*`. */
  readonly id: number;
  /** Without the `bpf_` prefix. */
  readonly name: string;
  /** The first Linux version with it. */
  readonly since: string;
  /** r1 first. */
  readonly args: readonly HelperArgument[];
  readonly returns: HelperReturn;
  /** Kernel program types that may call it. */
  readonly programTypes: ReadonlySet<string>;
  /** Of program types that may call it for some attach types alone: those. */
  readonly attachTypes: ReadonlyMap<string, ReadonlySet<string>>;
  /** Only for programs with a GPL-compatible license. */
  readonly gplOnly: boolean;
  /** Packet pointers are invalid after the call (`bpf_helper_changes_pkt_data`). */
  readonly changesPacket: boolean;
  /** Packet memory may be passed to it (`pkt_access`). */
  readonly packetAccess: boolean;
  /** Only for sleepable programs. */
  readonly mightSleep: boolean;
}

/** Program types by the short names the table uses; `*` is every type but `lirc_mode2`. */
const GROUPS: Readonly<Record<string, string>> = {
  "*": "socket_filter kprobe sched_cls sched_act tracepoint xdp perf_event cgroup_skb cgroup_sock lwt_in lwt_out lwt_xmit sock_ops sk_skb cgroup_device sk_msg raw_tracepoint cgroup_sock_addr lwt_seg6local sk_reuseport flow_dissector cgroup_sysctl raw_tracepoint_writable cgroup_sockopt sk_lookup syscall netfilter tracing lsm struct_ops",
  trace: "kprobe tracepoint perf_event raw_tracepoint raw_tracepoint_writable tracing lsm struct_ops",
  tc: "sched_cls sched_act",
  lwt: "lwt_in lwt_out lwt_xmit",
};

type Row = readonly [
  id: number,
  name: string,
  since: string,
  programTypes: string,
  /** `kind[:size][=struct][?][+mark…]`; `?` may be null. */
  args: string,
  /** `kind[=struct][?]`. */
  returns: string,
  marks: string,
];

// One row a helper, in the order of their ids.
// biome-ignore format: a table reads by its columns
const ROWS: readonly Row[] = [
  [1, "map_lookup_elem", "3.19", "* lirc_mode2", "map map_key", "map_value?", "packet-access"],
  [2, "map_update_elem", "3.19", "* lirc_mode2", "map map_key map_value anything", "integer", "packet-access"],
  [3, "map_delete_elem", "3.19", "* lirc_mode2", "map map_key", "integer", "packet-access"],
  [4, "probe_read", "4.1", "trace syscall lirc_mode2", "mem+uninit+write size_or_zero anything", "integer", "gpl"],
  [5, "ktime_get_ns", "4.1", "* lirc_mode2", "", "integer", ""],
  [6, "trace_printk", "4.1", "* lirc_mode2", "mem+readonly size", "integer", "gpl"],
  [7, "get_prandom_u32", "4.1", "* lirc_mode2", "", "integer", ""],
  [8, "get_smp_processor_id", "4.1", "*", "", "integer", ""],
  [9, "skb_store_bytes", "4.1", "tc lwt_xmit sk_skb", "ctx anything mem+readonly size anything", "integer", "changes-packet"],
  [10, "l3_csum_replace", "4.1", "tc lwt_xmit", "ctx anything anything anything anything", "integer", "changes-packet"],
  [11, "l4_csum_replace", "4.1", "tc lwt_xmit", "ctx anything anything anything anything", "integer", "changes-packet"],
  [12, "tail_call", "4.2", "* lirc_mode2", "ctx map anything", "void", "changes-packet"],
  [13, "clone_redirect", "4.2", "tc lwt_xmit", "ctx anything anything", "integer", "changes-packet"],
  [14, "get_current_pid_tgid", "4.2", "*", "", "integer", ""],
  [15, "get_current_uid_gid", "4.2", "*", "", "integer", ""],
  [16, "get_current_comm", "4.2", "*", "mem+uninit+write size", "integer", ""],
  [17, "get_cgroup_classid", "4.3", "*", "ctx", "integer", ""],
  [18, "skb_vlan_push", "4.3", "tc", "ctx anything anything", "integer", "changes-packet"],
  [19, "skb_vlan_pop", "4.3", "tc", "ctx", "integer", "changes-packet"],
  [20, "skb_get_tunnel_key", "4.3", "tc lwt_xmit", "ctx mem+uninit+write size anything", "integer", ""],
  [21, "skb_set_tunnel_key", "4.3", "tc lwt_xmit", "ctx mem+readonly size anything", "integer", ""],
  [22, "perf_event_read", "4.3", "*", "map anything", "integer", "gpl"],
  [23, "redirect", "4.4", "tc xdp lwt_xmit", "anything anything", "integer", ""],
  [24, "get_route_realm", "4.4", "tc lwt lwt_seg6local", "ctx", "integer", ""],
  [25, "perf_event_output", "4.4", "trace tc lwt socket_filter xdp cgroup_skb cgroup_sock sock_ops sk_skb cgroup_device sk_msg cgroup_sock_addr lwt_seg6local cgroup_sysctl cgroup_sockopt sk_lookup syscall", "ctx map anything mem+readonly size_or_zero", "integer", "gpl"],
  [26, "skb_load_bytes", "4.5", "tc lwt socket_filter cgroup_skb sk_skb lwt_seg6local sk_reuseport flow_dissector", "ctx anything mem+uninit+write size", "integer", ""],
  [27, "get_stackid", "4.6", "trace syscall", "ctx map anything", "integer", "gpl"],
  [28, "csum_diff", "4.6", "tc lwt xdp lwt_seg6local", "mem?+readonly size_or_zero mem?+readonly size_or_zero anything", "integer", "packet-access"],
  [29, "skb_get_tunnel_opt", "4.6", "tc lwt_xmit", "ctx mem+uninit+write size", "integer", ""],
  [30, "skb_set_tunnel_opt", "4.6", "tc lwt_xmit", "ctx mem+readonly size", "integer", ""],
  [31, "skb_change_proto", "4.8", "tc", "ctx anything anything", "integer", "changes-packet"],
  [32, "skb_change_type", "4.8", "tc", "ctx anything", "integer", ""],
  [33, "skb_under_cgroup", "4.8", "tc lwt lwt_seg6local", "ctx map anything", "integer", ""],
  [34, "get_hash_recalc", "4.8", "tc lwt lwt_seg6local", "ctx", "integer", ""],
  [35, "get_current_task", "4.8", "*", "", "integer", "gpl"],
  [36, "probe_write_user", "4.8", "trace", "anything mem+readonly size", "integer", "gpl"],
  [37, "current_task_under_cgroup", "4.9", "*", "map anything", "integer", ""],
  [38, "skb_change_tail", "4.9", "tc lwt_xmit sk_skb", "ctx anything anything", "integer", "changes-packet"],
  [39, "skb_pull_data", "4.9", "tc lwt sk_skb lwt_seg6local", "ctx anything", "integer", "changes-packet"],
  [40, "csum_update", "4.9", "tc lwt_xmit", "ctx anything", "integer", ""],
  [41, "set_hash_invalid", "4.9", "tc lwt_xmit", "ctx", "integer", ""],
  [42, "get_numa_node_id", "4.10", "*", "", "integer", ""],
  [43, "skb_change_head", "4.10", "tc lwt_xmit sk_skb", "ctx anything anything", "integer", "changes-packet"],
  [44, "xdp_adjust_head", "4.10", "xdp", "ctx anything", "integer", "changes-packet"],
  [45, "probe_read_str", "4.11", "trace syscall", "mem+uninit+write size_or_zero anything", "integer", "gpl"],
  [46, "get_socket_cookie", "4.12", "tc socket_filter cgroup_skb cgroup_sock sock_ops sk_skb cgroup_sock_addr sk_reuseport syscall tracing lsm", "ctx", "integer", ""],
  [47, "get_socket_uid", "4.12", "tc socket_filter cgroup_skb sk_skb", "ctx", "integer", ""],
  [48, "set_hash", "4.13", "tc", "ctx anything", "integer", ""],
  [49, "setsockopt", "4.13", "sock_ops cgroup_sock_addr cgroup_sockopt lsm", "ctx anything anything mem+readonly size", "integer", ""],
  [50, "skb_adjust_room", "4.13", "tc sk_skb", "ctx anything anything anything", "integer", "changes-packet"],
  [51, "redirect_map", "4.14", "xdp", "map anything anything", "integer", ""],
  [52, "sk_redirect_map", "4.14", "sk_skb", "ctx map anything anything", "integer", ""],
  [53, "sock_map_update", "4.14", "sock_ops", "ctx map map_key anything", "integer", "packet-access"],
  [54, "xdp_adjust_meta", "4.15", "xdp", "ctx anything", "integer", "changes-packet"],
  [55, "perf_event_read_value", "4.15", "*", "map anything mem+uninit+write size", "integer", "gpl"],
  [56, "perf_prog_read_value", "4.15", "perf_event", "ctx mem+uninit+write size", "integer", "gpl"],
  [57, "getsockopt", "4.15", "sock_ops cgroup_sock_addr cgroup_sockopt lsm", "ctx anything anything mem+uninit+write size", "integer", ""],
  [58, "override_return", "4.16", "kprobe", "ctx anything", "integer", "gpl"],
  [59, "sock_ops_cb_flags_set", "4.16", "sock_ops", "ctx anything", "integer", ""],
  [60, "msg_redirect_map", "4.17", "sk_msg", "ctx map anything anything", "integer", ""],
  [61, "msg_apply_bytes", "4.17", "sk_msg", "ctx anything", "integer", ""],
  [62, "msg_cork_bytes", "4.17", "sk_msg", "ctx anything", "integer", ""],
  [63, "msg_pull_data", "4.17", "sk_msg", "ctx anything anything anything", "integer", "changes-packet"],
  [64, "bind", "4.17", "cgroup_sock_addr", "ctx mem+readonly size", "integer", ""],
  [65, "xdp_adjust_tail", "4.18", "xdp", "ctx anything", "integer", "changes-packet"],
  [66, "skb_get_xfrm_state", "4.18", "tc", "ctx anything mem+uninit+write size anything", "integer", ""],
  [67, "get_stack", "4.18", "trace syscall", "ctx mem+uninit+write size_or_zero anything", "integer", "gpl"],
  [68, "skb_load_bytes_relative", "4.18", "tc socket_filter cgroup_skb sk_reuseport", "ctx anything mem+uninit+write size anything", "integer", ""],
  [69, "fib_lookup", "4.18", "tc xdp", "ctx mem+write size anything", "integer", "gpl"],
  [70, "sock_hash_update", "4.18", "sock_ops", "ctx map map_key anything", "integer", "packet-access"],
  [71, "msg_redirect_hash", "4.18", "sk_msg", "ctx map map_key anything", "integer", ""],
  [72, "sk_redirect_hash", "4.18", "sk_skb", "ctx map map_key anything", "integer", ""],
  [73, "lwt_push_encap", "4.18", "lwt_in lwt_xmit", "ctx anything mem+readonly size", "integer", "changes-packet"],
  [74, "lwt_seg6_store_bytes", "4.18", "lwt_seg6local", "ctx anything mem+readonly size", "integer", "changes-packet"],
  [75, "lwt_seg6_adjust_srh", "4.18", "lwt_seg6local", "ctx anything anything", "integer", "changes-packet"],
  [76, "lwt_seg6_action", "4.18", "lwt_seg6local", "ctx anything mem+readonly size", "integer", "changes-packet"],
  [77, "rc_repeat", "4.18", "lirc_mode2", "ctx", "integer", "gpl"],
  [78, "rc_keydown", "4.18", "lirc_mode2", "ctx anything anything anything", "integer", "gpl"],
  [79, "skb_cgroup_id", "4.18", "tc cgroup_skb", "ctx", "integer", ""],
  [80, "get_current_cgroup_id", "4.18", "*", "", "integer", ""],
  [81, "get_local_storage", "4.19", "cgroup_skb cgroup_sock sock_ops cgroup_device cgroup_sock_addr cgroup_sysctl cgroup_sockopt", "map anything", "map_value", ""],
  [82, "sk_select_reuseport", "4.19", "sk_reuseport", "ctx map map_key anything", "integer", ""],
  [83, "skb_ancestor_cgroup_id", "4.19", "tc cgroup_skb", "ctx anything", "integer", ""],
  [84, "sk_lookup_tcp", "4.20", "tc xdp cgroup_skb sk_skb cgroup_sock_addr", "ctx mem+readonly size_or_zero anything anything", "socket?", "packet-access"],
  [85, "sk_lookup_udp", "4.20", "tc xdp cgroup_skb sk_skb cgroup_sock_addr", "ctx mem+readonly size_or_zero anything anything", "socket?", "packet-access"],
  [86, "sk_release", "4.20", "tc xdp cgroup_skb sk_skb cgroup_sock_addr sk_lookup", "btf_id_sock_common+release", "integer", ""],
  [87, "map_push_elem", "4.20", "* lirc_mode2", "map map_value anything", "integer", "packet-access"],
  [88, "map_pop_elem", "4.20", "* lirc_mode2", "map map_value+uninit+write", "integer", ""],
  [89, "map_peek_elem", "4.20", "* lirc_mode2", "map map_value+uninit+write", "integer", ""],
  [90, "msg_push_data", "4.20", "sk_msg", "ctx anything anything anything", "integer", "changes-packet"],
  [91, "msg_pop_data", "5.0", "sk_msg", "ctx anything anything anything", "integer", "changes-packet"],
  [92, "rc_pointer_rel", "5.0", "lirc_mode2", "ctx anything anything", "integer", "gpl"],
  [93, "spin_lock", "5.1", "*", "spin_lock", "void", ""],
  [94, "spin_unlock", "5.1", "*", "spin_lock", "void", ""],
  [95, "sk_fullsock", "5.1", "tc cgroup_skb", "sock_common", "socket?", ""],
  [96, "tcp_sock", "5.1", "tc cgroup_skb sock_ops cgroup_sockopt", "sock_common", "tcp_sock?", ""],
  [97, "skb_ecn_set_ce", "5.1", "tc cgroup_skb", "ctx", "integer", ""],
  [98, "get_listener_sock", "5.1", "tc cgroup_skb", "sock_common", "socket?", ""],
  [99, "skc_lookup_tcp", "5.2", "tc xdp cgroup_skb sk_skb cgroup_sock_addr", "ctx mem+readonly size_or_zero anything anything", "sock_common?", "packet-access"],
  [100, "tcp_check_syncookie", "5.2", "tc xdp", "btf_id_sock_common mem+readonly size mem+readonly size", "integer", "gpl packet-access"],
  [101, "sysctl_get_name", "5.2", "cgroup_sysctl", "ctx mem+write size anything", "integer", ""],
  [102, "sysctl_get_current_value", "5.2", "cgroup_sysctl", "ctx mem+uninit+write size", "integer", ""],
  [103, "sysctl_get_new_value", "5.2", "cgroup_sysctl", "ctx mem+uninit+write size", "integer", ""],
  [104, "sysctl_set_new_value", "5.2", "cgroup_sysctl", "ctx mem+readonly size", "integer", ""],
  [105, "strtol", "5.2", "*", "mem+readonly size anything mem:8+uninit+write+aligned", "integer", ""],
  [106, "strtoul", "5.2", "*", "mem+readonly size anything mem:8+uninit+write+aligned", "integer", ""],
  [107, "sk_storage_get", "5.2", "tc cgroup_skb cgroup_sock sock_ops sk_msg cgroup_sock_addr cgroup_sockopt syscall tracing lsm", "map btf_id_sock_common map_value? anything", "map_value?", ""],
  [108, "sk_storage_delete", "5.2", "tc cgroup_skb sock_ops sk_msg cgroup_sock_addr cgroup_sockopt syscall tracing lsm", "map btf_id_sock_common", "integer", ""],
  [109, "send_signal", "5.3", "*", "anything", "integer", ""],
  [110, "tcp_gen_syncookie", "5.3", "tc xdp", "btf_id_sock_common mem+readonly size mem+readonly size", "integer", "gpl packet-access"],
  [111, "skb_output", "5.5", "syscall tracing lsm", "btf_id=sk_buff map anything mem+readonly size_or_zero", "integer", "gpl"],
  [112, "probe_read_user", "5.5", "*", "mem+uninit+write size_or_zero anything", "integer", "gpl"],
  [113, "probe_read_kernel", "5.5", "*", "mem+uninit+write size_or_zero anything", "integer", "gpl"],
  [114, "probe_read_user_str", "5.5", "*", "mem+uninit+write size_or_zero anything", "integer", "gpl"],
  [115, "probe_read_kernel_str", "5.5", "*", "mem+uninit+write size_or_zero anything", "integer", "gpl"],
  [116, "tcp_send_ack", "5.6", "struct_ops", "btf_id=tcp_sock anything", "integer", ""],
  [117, "send_signal_thread", "5.6", "*", "anything", "integer", ""],
  [118, "jiffies64", "5.6", "*", "", "integer", ""],
  [119, "read_branch_records", "5.6", "perf_event", "ctx mem?+write size_or_zero anything", "integer", "gpl"],
  [120, "get_ns_current_pid_tgid", "5.7", "*", "anything anything mem+uninit+write size", "integer", ""],
  [121, "xdp_output", "5.7", "syscall tracing lsm", "btf_id=xdp_buff map anything mem+readonly size_or_zero", "integer", "gpl"],
  [122, "get_netns_cookie", "5.7", "tc socket_filter cgroup_skb cgroup_sock sock_ops sk_msg cgroup_sock_addr cgroup_sockopt", "ctx?", "integer", ""],
  [123, "get_current_ancestor_cgroup_id", "5.7", "*", "anything", "integer", ""],
  [124, "sk_assign", "5.7", "tc sk_lookup", "ctx btf_id_sock_common anything", "integer", ""],
  [125, "ktime_get_boot_ns", "5.8", "*", "", "integer", ""],
  [126, "seq_printf", "5.8", "tracing", "btf_id=seq_file mem+readonly size mem?+readonly size_or_zero", "integer", "gpl"],
  [127, "seq_write", "5.8", "tracing", "btf_id=seq_file mem+readonly size_or_zero", "integer", "gpl"],
  [128, "sk_cgroup_id", "5.8", "cgroup_skb", "btf_id_sock_common", "integer", ""],
  [129, "sk_ancestor_cgroup_id", "5.8", "cgroup_skb", "btf_id_sock_common anything", "integer", ""],
  [130, "ringbuf_output", "5.8", "*", "map mem+readonly size_or_zero anything", "integer", ""],
  [131, "ringbuf_reserve", "5.8", "*", "map alloc_size_or_zero anything", "ringbuf_mem?", ""],
  [132, "ringbuf_submit", "5.8", "*", "ringbuf_mem+release anything", "void", ""],
  [133, "ringbuf_discard", "5.8", "*", "ringbuf_mem+release anything", "void", ""],
  [134, "ringbuf_query", "5.8", "*", "map anything", "integer", ""],
  [135, "csum_level", "5.8", "tc lwt_xmit", "ctx anything", "integer", ""],
  [136, "skc_to_tcp6_sock", "5.9", "tc lwt socket_filter xdp cgroup_skb sock_ops sk_skb sk_msg cgroup_sock_addr lwt_seg6local flow_dissector sk_lookup syscall tracing lsm", "btf_id_sock_common", "btf_id=tcp6_sock?", ""],
  [137, "skc_to_tcp_sock", "5.9", "tc lwt socket_filter xdp cgroup_skb sock_ops sk_skb sk_msg cgroup_sock_addr lwt_seg6local flow_dissector sk_lookup syscall tracing lsm", "btf_id_sock_common", "btf_id=tcp_sock?", ""],
  [138, "skc_to_tcp_timewait_sock", "5.9", "tc lwt socket_filter xdp cgroup_skb sock_ops sk_skb sk_msg cgroup_sock_addr lwt_seg6local flow_dissector sk_lookup syscall tracing lsm", "btf_id_sock_common", "btf_id=tcp_timewait_sock?", ""],
  [139, "skc_to_tcp_request_sock", "5.9", "tc lwt socket_filter xdp cgroup_skb sock_ops sk_skb sk_msg cgroup_sock_addr lwt_seg6local flow_dissector sk_lookup syscall tracing lsm", "btf_id_sock_common", "btf_id=tcp_request_sock?", ""],
  [140, "skc_to_udp6_sock", "5.9", "tc lwt socket_filter xdp cgroup_skb sock_ops sk_skb sk_msg cgroup_sock_addr lwt_seg6local flow_dissector sk_lookup syscall tracing lsm", "btf_id_sock_common", "btf_id=udp6_sock?", ""],
  [141, "get_task_stack", "5.9", "*", "btf_id=task_struct mem+uninit+write size_or_zero anything", "integer", ""],
  [142, "load_hdr_opt", "5.10", "sock_ops", "ctx mem+write size anything", "integer", ""],
  [143, "store_hdr_opt", "5.10", "sock_ops", "ctx mem+readonly size anything", "integer", "changes-packet"],
  [144, "reserve_hdr_opt", "5.10", "sock_ops", "ctx anything anything", "integer", ""],
  [145, "inode_storage_get", "5.10", "lsm", "map btf_id=inode? map_value? anything", "map_value?", ""],
  [146, "inode_storage_delete", "5.10", "lsm", "map btf_id=inode?", "integer", ""],
  [147, "d_path", "5.10", "syscall tracing lsm", "btf_id=path mem+write size_or_zero", "integer", ""],
  [148, "copy_from_user", "5.10", "*", "mem+uninit+write size_or_zero anything", "integer", "sleeps"],
  [149, "snprintf_btf", "5.10", "*", "mem+write size mem+readonly size anything", "integer", ""],
  [150, "seq_printf_btf", "5.10", "tracing", "btf_id=seq_file mem+readonly size_or_zero anything", "integer", "gpl"],
  [151, "skb_cgroup_classid", "5.10", "tc", "ctx", "integer", ""],
  [152, "redirect_neigh", "5.10", "tc", "anything mem?+readonly size_or_zero anything", "integer", ""],
  [153, "per_cpu_ptr", "5.10", "*", "percpu_btf_id anything", "mem_or_btf_id?", ""],
  [154, "this_cpu_ptr", "5.10", "*", "percpu_btf_id", "mem_or_btf_id", ""],
  [155, "redirect_peer", "5.10", "tc", "anything anything", "integer", ""],
  [156, "task_storage_get", "5.11", "*", "map btf_id=task_struct? map_value? anything", "map_value?", ""],
  [157, "task_storage_delete", "5.11", "*", "map btf_id=task_struct?", "integer", ""],
  [158, "get_current_task_btf", "5.11", "*", "", "btf_id=task_struct", "gpl"],
  [159, "bprm_opts_set", "5.11", "lsm", "btf_id=linux_binprm anything", "integer", ""],
  [160, "ktime_get_coarse_ns", "5.11", "tc lwt socket_filter xdp cgroup_skb cgroup_sock sock_ops sk_skb sk_msg cgroup_sock_addr lwt_seg6local sk_reuseport flow_dissector cgroup_sysctl sk_lookup", "", "integer", ""],
  [161, "ima_inode_hash", "5.11", "lsm", "btf_id=inode mem+uninit+write size", "integer", "sleeps"],
  [162, "sock_from_file", "5.11", "syscall tracing lsm", "btf_id=file", "btf_id=socket?", ""],
  [163, "check_mtu", "5.12", "tc xdp", "ctx anything mem:4+write+aligned anything anything", "integer", "gpl"],
  [164, "for_each_map_elem", "5.13", "*", "map func stack? anything", "integer", ""],
  [165, "snprintf", "5.13", "*", "mem?+write size_or_zero const_str mem?+readonly size_or_zero", "integer", "gpl"],
  [166, "sys_bpf", "5.14", "syscall", "anything mem+readonly size", "integer", "sleeps"],
  [167, "btf_find_by_name_kind", "5.14", "syscall", "mem+readonly size anything anything", "integer", "sleeps"],
  [168, "sys_close", "5.14", "syscall", "anything", "integer", "sleeps"],
  [169, "timer_init", "5.15", "*", "timer map anything", "integer", "gpl"],
  [170, "timer_set_callback", "5.15", "*", "timer func", "integer", "gpl"],
  [171, "timer_start", "5.15", "*", "timer anything anything", "integer", "gpl"],
  [172, "timer_cancel", "5.15", "*", "timer", "integer", "gpl"],
  [173, "get_func_ip", "5.15", "trace syscall", "ctx", "integer", "gpl"],
  [174, "get_attach_cookie", "5.15", "trace", "ctx", "integer", ""],
  [175, "task_pt_regs", "5.15", "*", "btf_id=task_struct", "btf_id=pt_regs", "gpl"],
  [176, "get_branch_snapshot", "5.16", "*", "mem+uninit+write size_or_zero", "integer", "gpl"],
  [177, "trace_vprintk", "5.16", "*", "mem+readonly size mem?+readonly size_or_zero", "integer", "gpl"],
  [178, "skc_to_unix_sock", "5.16", "tc lwt socket_filter xdp cgroup_skb sock_ops sk_skb sk_msg cgroup_sock_addr lwt_seg6local flow_dissector sk_lookup syscall tracing lsm", "btf_id_sock_common", "btf_id=unix_sock?", ""],
  [179, "kallsyms_lookup_name", "5.16", "syscall", "mem+readonly size_or_zero anything mem:8+uninit+write+aligned", "integer", ""],
  [180, "find_vma", "5.17", "*", "btf_id=task_struct anything func stack? anything", "integer", ""],
  [181, "loop", "5.17", "*", "scalar func stack? anything", "integer", ""],
  [182, "strncmp", "5.17", "*", "mem+readonly size const_str", "integer", ""],
  [183, "get_func_arg", "5.17", "tracing lsm", "ctx anything mem:8+uninit+write+aligned", "integer", ""],
  [184, "get_func_ret", "5.17", "tracing lsm", "ctx mem:8+uninit+write+aligned", "integer", ""],
  [185, "get_func_arg_cnt", "5.17", "tracing lsm", "ctx", "integer", ""],
  [186, "get_retval", "5.18", "cgroup_sock cgroup_sock_addr cgroup_sockopt cgroup_device cgroup_sysctl", "", "integer", ""],
  [187, "set_retval", "5.18", "cgroup_sock cgroup_sock_addr cgroup_sockopt cgroup_device cgroup_sysctl", "anything", "integer", ""],
  [188, "xdp_get_buff_len", "5.18", "xdp syscall tracing lsm", "ctx", "integer", ""],
  [189, "xdp_load_bytes", "5.18", "xdp", "ctx anything mem+uninit+write size", "integer", ""],
  [190, "xdp_store_bytes", "5.18", "xdp", "ctx anything mem+readonly size", "integer", ""],
  [191, "copy_from_user_task", "5.18", "*", "mem+uninit+write size_or_zero anything btf_id=task_struct anything", "integer", "gpl sleeps"],
  [192, "skb_set_tstamp", "5.18", "tc", "ctx anything anything", "integer", ""],
  [193, "ima_file_hash", "5.18", "lsm", "btf_id=file mem+uninit+write size", "integer", "sleeps"],
  [194, "kptr_xchg", "5.19", "*", "kptr_xchg_dest btf_id?+release", "btf_id?", ""],
  [195, "map_lookup_percpu_elem", "5.19", "*", "map map_key anything", "map_value?", "packet-access"],
  [196, "skc_to_mptcp_sock", "5.19", "tc lwt socket_filter xdp cgroup_skb sock_ops sk_skb sk_msg cgroup_sock_addr lwt_seg6local flow_dissector sk_lookup syscall tracing lsm", "sock_common", "btf_id=mptcp_sock?", ""],
  [197, "dynptr_from_mem", "5.19", "*", "mem+uninit+write size_or_zero anything dynptr+local+uninit+write", "integer", ""],
  [198, "ringbuf_reserve_dynptr", "5.19", "*", "map anything anything dynptr+ringbuf+uninit+write", "integer", ""],
  [199, "ringbuf_submit_dynptr", "5.19", "*", "dynptr+ringbuf+release anything", "void", ""],
  [200, "ringbuf_discard_dynptr", "5.19", "*", "dynptr+ringbuf+release anything", "void", ""],
  [201, "dynptr_read", "5.19", "*", "mem+uninit+write size_or_zero dynptr+readonly anything anything", "integer", ""],
  [202, "dynptr_write", "5.19", "*", "dynptr+readonly anything mem+readonly size_or_zero anything", "integer", ""],
  [203, "dynptr_data", "5.19", "*", "dynptr+readonly anything alloc_size_or_zero", "dynptr_mem?", ""],
  [204, "tcp_raw_gen_syncookie_ipv4", "6.0", "tc xdp", "mem:20 mem size_or_zero", "integer", "gpl packet-access"],
  [205, "tcp_raw_gen_syncookie_ipv6", "6.0", "tc xdp", "mem:40 mem size_or_zero", "integer", "gpl packet-access"],
  [206, "tcp_raw_check_syncookie_ipv4", "6.0", "tc xdp", "mem:20 mem:20", "integer", "gpl packet-access"],
  [207, "tcp_raw_check_syncookie_ipv6", "6.0", "tc xdp", "mem:40 mem:20", "integer", "gpl packet-access"],
  [208, "ktime_get_tai_ns", "6.1", "*", "", "integer", ""],
  [209, "user_ringbuf_drain", "6.1", "*", "map func stack? anything", "integer", ""],
  [210, "cgrp_storage_get", "6.2", "*", "map btf_id=cgroup? map_value? anything", "map_value?", ""],
  [211, "cgrp_storage_delete", "6.2", "*", "map btf_id=cgroup?", "integer", ""],];

/** Helpers whose prototype differs by program type: id, the types, and the arguments there. */
const VARIANTS: readonly (readonly [id: number, programTypes: string, args: string])[] = [
  [46, "tracing lsm sk_reuseport syscall", "btf_id_sock_common?"],
  [49, "lsm cgroup_sockopt", "btf_id_sock_common anything anything mem+readonly size"],
  [57, "lsm cgroup_sockopt", "btf_id_sock_common anything anything mem+uninit+write size"],
  [107, "cgroup_sock", "map ctx map_value? anything"],
  [107, "tracing syscall", "map btf_id=sock_common? map_value? anything"],
  [108, "tracing syscall", "map btf_id=sock_common?"],
  [124, "sk_lookup", "ctx socket? anything"],
  [188, "tracing syscall", "btf_id=xdp_buff"],
];

/** Attach types of `cgroup_sock_addr` whose programs decide what a system call returns. */
const ADDRESS_CALLS =
  "cgroup_inet4_bind cgroup_inet6_bind cgroup_inet4_connect cgroup_inet6_connect cgroup_unix_connect cgroup_udp4_sendmsg cgroup_udp6_sendmsg cgroup_unix_sendmsg";

/** Helpers that a program type has for some attach types alone (Linux 6.18, asked). */
const BY_ATTACH: readonly (readonly [names: string, programType: string, attachTypes: string])[] = [
  ["bind", "cgroup_sock_addr", "cgroup_inet4_connect cgroup_inet6_connect"],
  ["setsockopt getsockopt", "cgroup_sockopt", "cgroup_setsockopt"],
  ["get_retval set_retval", "cgroup_sock_addr", ADDRESS_CALLS],
  ["get_retval set_retval", "cgroup_device", "cgroup_device"],
  ["get_retval set_retval", "cgroup_sysctl", "cgroup_sysctl"],
];

function attachTypesOf(helper: string): ReadonlyMap<string, ReadonlySet<string>> {
  const rows = BY_ATTACH.filter(([names]) => names.split(" ").includes(helper));
  return new Map(rows.map(([, programType, attachTypes]) => [programType, new Set(attachTypes.split(" "))]));
}

function expandTypes(text: string): ReadonlySet<string> {
  return new Set(text.split(" ").flatMap((word) => (GROUPS[word] ?? word).split(" ")));
}

function parseArgument(text: string): HelperArgument {
  const [head = "", ...marks] = text.split("+");
  const [, kind, size, struct, nullable] = /^([a-z_]+)(?::(\d+))?(?:=(\w+))?(\?)?$/.exec(head) ?? [];
  const dynptr = marks.find((mark) => mark === "local" || mark === "ringbuf");
  return {
    kind: kind as HelperArgumentKind,
    nullable: nullable !== undefined,
    uninit: marks.includes("uninit"),
    write: marks.includes("write"),
    readonly: marks.includes("readonly"),
    aligned: marks.includes("aligned"),
    release: marks.includes("release"),
    ...(size === undefined ? {} : { size: Number(size) }),
    ...(struct === undefined ? {} : { struct }),
    ...(dynptr === undefined ? {} : { dynptr: dynptr as "local" | "ringbuf" }),
  };
}

function parseArguments(text: string): readonly HelperArgument[] {
  return text === "" ? [] : text.split(" ").map(parseArgument);
}

function parseReturn(text: string): HelperReturn {
  const nullable = text.endsWith("?");
  const [kind, struct] = (nullable ? text.slice(0, -1) : text).split("=");
  return { kind: kind as HelperReturnKind, nullable, ...(struct === undefined ? {} : { struct }) };
}

function parseRow([id, name, since, programTypes, args, returns, marks]: Row): HelperPrototype {
  const has = (mark: string): boolean => marks.split(" ").includes(mark);
  return {
    id,
    name,
    since,
    args: parseArguments(args),
    returns: parseReturn(returns),
    programTypes: expandTypes(programTypes),
    attachTypes: attachTypesOf(name),
    gplOnly: has("gpl"),
    changesPacket: has("changes-packet"),
    packetAccess: has("packet-access"),
    mightSleep: has("sleeps"),
  };
}

/** Every helper of Linux 6.12, ascending by id from 1. */
export const HELPER_PROTOTYPES: readonly HelperPrototype[] = ROWS.map(parseRow);

const BY_NAME: ReadonlyMap<string, HelperPrototype> = new Map(HELPER_PROTOTYPES.map((helper) => [helper.name, helper]));

const BY_TYPE: ReadonlyMap<number, ReadonlyMap<string, HelperPrototype>> = new Map(
  VARIANTS.map(([id]) => [
    id,
    new Map(
      VARIANTS.filter(([other]) => other === id).flatMap(([, programTypes, args]) =>
        programTypes
          .split(" ")
          .map((type) => [type, { ...HELPER_PROTOTYPES[id - 1]!, args: parseArguments(args) }] as const),
      ),
    ),
  ]),
);

/**
 * Finds a helper by its id (`BPF_FUNC_*`), as a program type sees it where the prototype differs by type (`sk_assign`,
 * `sk_storage_get`, …). Undefined for an id Linux 6.12 does not have.
 */
export function helperById(id: number, programType?: string): HelperPrototype | undefined {
  return (programType === undefined ? undefined : BY_TYPE.get(id)?.get(programType)) ?? HELPER_PROTOTYPES[id - 1];
}

/** Finds a helper by its name, with or without the `bpf_` prefix. */
export function helperByName(name: string): HelperPrototype | undefined {
  return BY_NAME.get(name.startsWith("bpf_") ? name.slice(4) : name);
}
