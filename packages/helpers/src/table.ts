import { helperByName } from "@bpfkit/abi";
import type { CallbackBody, HelperBody, HelperImplementation, HelperTable } from "@bpfkit/core";
import { csumDiff, csumUpdate, l3CsumReplace, l4CsumReplace } from "./csum.js";
import { iterNumDestroy, iterNumNew, iterNumNext } from "./iterator.js";
import { forEachMapElem, loop } from "./loop.js";
import { mapDeleteElem, mapLookupElem, mapLookupPercpuElem, mapUpdateElem } from "./map.js";
import { redirect, redirectMap, redirectNeigh, redirectPeer } from "./redirect.js";
import {
  setHash,
  setHashInvalid,
  skbChangeHead,
  skbChangeTail,
  skbChangeType,
  skbLoadBytes,
  skbLoadBytesRelative,
  skbPullData,
  skbStoreBytes,
} from "./skb.js";
import { noSuchSocket, skFullsock } from "./socket.js";
import { strncmp, strtol, strtoul } from "./strings.js";
import { ktime, nodeId, prandom, processorId } from "./time.js";
import { snprintf, tracePrintk, traceVprintk } from "./trace.js";
import { xdpAdjustHead, xdpAdjustMeta, xdpAdjustTail, xdpGetBuffLen, xdpLoadBytes, xdpStoreBytes } from "./xdp.js";

/** Helpers by the kernel's name, without `bpf_`. */
const BODIES: Readonly<Record<string, HelperBody>> = {
  map_lookup_elem: mapLookupElem,
  map_update_elem: mapUpdateElem,
  map_delete_elem: mapDeleteElem,
  map_lookup_percpu_elem: mapLookupPercpuElem,
  ktime_get_ns: ktime,
  ktime_get_boot_ns: ktime,
  ktime_get_coarse_ns: ktime,
  get_prandom_u32: prandom,
  get_smp_processor_id: processorId,
  get_numa_node_id: nodeId,
  trace_printk: tracePrintk,
  trace_vprintk: traceVprintk,
  snprintf,
  strtol,
  strtoul,
  strncmp,
  csum_diff: csumDiff,
  csum_update: csumUpdate,
  l3_csum_replace: l3CsumReplace,
  l4_csum_replace: l4CsumReplace,
  skb_load_bytes: skbLoadBytes,
  skb_load_bytes_relative: skbLoadBytesRelative,
  skb_store_bytes: skbStoreBytes,
  skb_pull_data: skbPullData,
  skb_change_tail: skbChangeTail,
  skb_change_head: skbChangeHead,
  skb_change_type: skbChangeType,
  set_hash: setHash,
  set_hash_invalid: setHashInvalid,
  sk_fullsock: skFullsock,
  tcp_sock: noSuchSocket,
  get_listener_sock: noSuchSocket,
  xdp_adjust_head: xdpAdjustHead,
  xdp_adjust_meta: xdpAdjustMeta,
  xdp_adjust_tail: xdpAdjustTail,
  xdp_get_buff_len: xdpGetBuffLen,
  xdp_load_bytes: xdpLoadBytes,
  xdp_store_bytes: xdpStoreBytes,
  redirect,
  redirect_map: redirectMap,
  redirect_neigh: redirectNeigh,
  redirect_peer: redirectPeer,
};

/** Helpers that call back into the program. */
const CALLBACKS: Readonly<Record<string, CallbackBody>> = {
  loop,
  for_each_map_elem: forEachMapElem,
};

/** Kernel functions by their names. */
const KFUNCS: Readonly<Record<string, HelperBody>> = {
  bpf_iter_num_new: iterNumNew,
  bpf_iter_num_next: iterNumNext,
  bpf_iter_num_destroy: iterNumDestroy,
  // A run is never preempted, and nothing it sees goes away.
  bpf_rcu_read_lock: () => 0,
  bpf_rcu_read_unlock: () => 0,
  bpf_preempt_disable: () => 0,
  bpf_preempt_enable: () => 0,
};

/** Every helper there is a body for, by id, and `tail_call`, which engines do themselves; kfuncs by name. */
export function helperTable(): HelperTable {
  const rows: HelperImplementation[] = [
    ...Object.entries(BODIES).map(([name, body]): HelperImplementation => ({ kind: "body", name, body })),
    ...Object.entries(CALLBACKS).map(([name, body]): HelperImplementation => ({ kind: "callback", name, body })),
    { kind: "intrinsic", name: "tail_call" },
  ];
  return new Map<number | string, HelperImplementation>([
    ...rows.map((helper) => [helperByName(helper.name)!.id, helper] as const),
    ...Object.entries(KFUNCS).map(([name, body]) => [name, { kind: "body", name, body }] as const),
  ]);
}
