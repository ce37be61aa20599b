import type { HelperCall } from "@bpfkit/core";
import { hasUnknownFlags, map, readable, u32, u64 } from "./arguments.js";
import { HelperError } from "./error.js";

const XDP_ABORTED = 0;
const XDP_REDIRECT = 4;
const TC_ACT_SHOT = 2;
const TC_ACT_REDIRECT = 7;

const BPF_F_INGRESS = 1;
/** What `bpf_redirect_map` returns in place of a target: `XDP_ABORTED` to `XDP_TX`. */
const ACTION_MASK = 3;
const BPF_F_BROADCAST = 1 << 3;
const BPF_F_EXCLUDE_INGRESS = 1 << 4;
const DEVICE_MAPS = ["devmap", "devmap_hash"];
const REDIRECT_MAPS = [...DEVICE_MAPS, "cpumap", "xskmap"];
/** `sizeof(struct bpf_redir_neigh)`. */
const NEIGHBOUR_BYTES = 20;

/** `bpf_redirect(ifindex, flags)`: the action, `XDP_REDIRECT` or `TC_ACT_REDIRECT`; for flags there are not, the one that drops. */
export function redirect(call: HelperCall): number {
  if (call.context.type === "xdp") return hasUnknownFlags(call, 2, 0) ? XDP_ABORTED : redirectTo(call, 2, XDP_REDIRECT);
  return hasUnknownFlags(call, 2, BPF_F_INGRESS) ? TC_ACT_SHOT : redirectTo(call, 2, TC_ACT_REDIRECT);
}

/** `bpf_redirect_peer(ifindex, flags)`: the action. */
export function redirectPeer(call: HelperCall): number {
  return hasUnknownFlags(call, 2, 0) ? TC_ACT_SHOT : redirectTo(call, 2, TC_ACT_REDIRECT);
}

/** `bpf_redirect_neigh(ifindex, params, plen, flags)`: the action. */
export function redirectNeigh(call: HelperCall): number {
  const length = u32(call, 3);
  if (length > 0) readable(call, 2, length);
  if ((length > 0 && length < NEIGHBOUR_BYTES) || hasUnknownFlags(call, 4, 0)) return TC_ACT_SHOT;
  return redirectTo(call, 4, TC_ACT_REDIRECT);
}

function redirectTo(call: HelperCall, flags: 2 | 4, action: number): number {
  call.context.redirect = { ifindex: u32(call, 1), flags: u64(call, flags) };
  return action;
}

/** `bpf_redirect_map(map, key, flags)`: `XDP_REDIRECT`, or the action in `flags` where the map has no such entry. */
export function redirectMap(call: HelperCall): number {
  const target = map(call, 1);
  const { name, type } = target.spec;
  if (!REDIRECT_MAPS.includes(type))
    throw new HelperError(
      "BAD_MAP",
      `packets are redirected to maps of ${REDIRECT_MAPS.join(", ")}; ${name} is of ${type}`,
    );
  const broadcast = DEVICE_MAPS.includes(type) ? BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS : 0;
  if (hasUnknownFlags(call, 3, ACTION_MASK | broadcast)) return XDP_ABORTED;
  const [key, flags] = [u32(call, 2), u32(call, 3)];
  const index = new Uint8Array(4);
  new DataView(index.buffer).setUint32(0, key, true);
  const toAll = (flags & BPF_F_BROADCAST) !== 0;
  if (!toAll && target.get(index) === undefined) return flags & ACTION_MASK;
  call.context.redirect = { map: name, key, flags: u64(call, 3) };
  return XDP_REDIRECT;
}
