import { helperName } from "./format.js";
import { type MapInfo, mapTypeNumber } from "./map-info.js";
import { TAIL_CALL } from "./subprograms.js";
import { reject, say, since, type Verification } from "./verification.js";

/** Helpers that alone may be given a map of a type (by id); types that are not named may go to any. */
const HELPERS_OF_MAP: Readonly<Record<string, readonly number[]>> = {
  prog_array: [TAIL_CALL],
  perf_event_array: [22, 25, 55, 111, 121],
  ringbuf: [130, 131, 134, 198, 199, 200],
  user_ringbuf: [209],
  stack_trace: [27],
  cgroup_array: [33, 37],
  cgroup_storage: [81],
  percpu_cgroup_storage: [81],
  devmap: [51, 1],
  devmap_hash: [51, 1],
  cpumap: [51],
  xskmap: [51, 1],
  array_of_maps: [1],
  hash_of_maps: [1],
  sockmap: [52, 53, 60, 82, 1],
  sockhash: [72, 70, 71, 82, 1],
  reuseport_sockarray: [82],
  queue: [87, 88, 89],
  stack: [87, 88, 89],
  sk_storage: [107, 108, 194],
  inode_storage: [145, 146, 194],
  task_storage: [156, 157, 194],
  cgrp_storage: [210, 211, 194],
  bloom_filter: [87, 89],
};

/** Map types that alone a helper may be given; helpers that are not named take any. */
const MAPS_OF_HELPER: Readonly<Record<number, readonly string[]>> = {
  [TAIL_CALL]: ["prog_array"],
  22: ["perf_event_array"],
  25: ["perf_event_array"],
  55: ["perf_event_array"],
  111: ["perf_event_array"],
  121: ["perf_event_array"],
  130: ["ringbuf"],
  131: ["ringbuf"],
  134: ["ringbuf"],
  198: ["ringbuf"],
  199: ["ringbuf"],
  200: ["ringbuf"],
  209: ["user_ringbuf"],
  27: ["stack_trace"],
  33: ["cgroup_array"],
  37: ["cgroup_array"],
  51: ["devmap", "devmap_hash", "cpumap", "xskmap"],
  52: ["sockmap"],
  53: ["sockmap"],
  60: ["sockmap"],
  70: ["sockhash"],
  71: ["sockhash"],
  72: ["sockhash"],
  81: ["cgroup_storage", "percpu_cgroup_storage"],
  82: ["reuseport_sockarray", "sockmap", "sockhash"],
  87: ["queue", "stack", "bloom_filter"],
  88: ["queue", "stack"],
  89: ["queue", "stack", "bloom_filter"],
  107: ["sk_storage"],
  108: ["sk_storage"],
  145: ["inode_storage"],
  146: ["inode_storage"],
  156: ["task_storage"],
  157: ["task_storage"],
  195: ["percpu_array", "percpu_hash", "lru_percpu_hash"],
  210: ["cgrp_storage"],
  211: ["cgrp_storage"],
};

const MAP_UPDATE = 2;
const MAP_DELETE = 3;

/** Program types that may update or delete elements of a sockmap. */
const SOCKMAP_UPDATERS: ReadonlySet<string> = new Set([
  "socket_filter",
  "sched_cls",
  "sched_act",
  "xdp",
  "sk_reuseport",
  "flow_dissector",
  "sk_lookup",
]);

/** Whether a program may change a sockmap as any map (Linux `may_update_sockmap`); what may not is said. */
function mayUpdateSockmap(v: Verification, id: number): boolean {
  if (id !== MAP_UPDATE && id !== MAP_DELETE) return false;
  const { type, expectedAttachType } = v.program;
  const isIterator = type === "tracing" && expectedAttachType === "trace_iter";
  if (SOCKMAP_UPDATERS.has(type) || isIterator || (type === "sock_ops" && id === MAP_DELETE)) return true;
  say(v, "cannot update sockmap in this context");
  return false;
}

/** Refuses calls and tail calls in one program, where kernel or architecture cannot do both. */
function checkMixed(v: Verification): void {
  if (v.subprograms.length === 1 || v.profile.mixed) return;
  const where = since(v, 510) ? "in non-JITed programs" : "in programs";
  reject(v, "EINVAL", `tail_calls are not allowed ${where} with bpf-to-bpf calls`);
}

/** Refuses a helper that cannot work on a map of this type. */
export function checkMapForHelper(v: Verification, map: MapInfo | undefined, id: number): void {
  if (map === undefined) return;
  const { type } = map.spec;
  const isSockmap = type === "sockmap" || type === "sockhash";
  const helpers = HELPERS_OF_MAP[type];
  const maps = MAPS_OF_HELPER[id];
  const mapAllows = helpers === undefined || helpers.includes(id) || (isSockmap && mayUpdateSockmap(v, id));
  if (!mapAllows || (maps !== undefined && !maps.includes(type))) {
    reject(v, "EINVAL", `cannot pass map_type ${mapTypeNumber(type)} into func ${helperName(id)}`);
  }
  if (id === TAIL_CALL) checkMixed(v);
}
