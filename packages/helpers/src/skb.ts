import { ERRNO } from "@bpfkit/abi";
import type { HelperCall } from "@bpfkit/core";
import { hasUnknownFlags, readable, u32, writable } from "./arguments.js";
import { getSkbField, packetLength, type SkbState, setSkbField, skbPacket } from "./packet.js";

const INT_MAX = 2 ** 31 - 1;
/** Bytes a packet may be brought to (`SKB_MAX_ALLOC`, 4 KiB pages). */
const MAX_LENGTH = 16_064;

const BPF_F_RECOMPUTE_CSUM = 1;
const BPF_F_INVALIDATE_HASH = 2;
const BPF_HDR_START_MAC = 0;
const BPF_HDR_START_NET = 1;
const PACKET_OTHERHOST = 3;

/** `bpf_skb_load_bytes(skb, offset, to, len)`: 0, or `EFAULT` and zeros where the packet has not so much. */
export function skbLoadBytes(call: HelperCall): number {
  const { data, dataEnd } = skbPacket(call);
  const [offset, length] = [u32(call, 2), u32(call, 4)];
  return copyOut(call, offset > INT_MAX ? undefined : data + offset, dataEnd, length);
}

/** `bpf_skb_load_bytes_relative(skb, offset, to, len, start_header)`: as `skb_load_bytes`, from the link or network header on. */
export function skbLoadBytesRelative(call: HelperCall): number {
  const packet = skbPacket(call);
  const [offset, length] = [u32(call, 2), u32(call, 4)];
  const start = headerStart(packet, u32(call, 5));
  return copyOut(call, start === undefined || offset > 0xffff ? undefined : start + offset, packet.dataEnd, length);
}

function headerStart({ mac, network }: SkbState, header: number): number | undefined {
  if (header === BPF_HDR_START_MAC) return mac;
  return header === BPF_HDR_START_NET ? network : undefined;
}

/** Copies to r3, or clears it. */
function copyOut(call: HelperCall, from: number | undefined, end: number, length: number): number {
  const to = writable(call, 3, length);
  const { u8 } = call.memory.views;
  if (from === undefined || from + length > end) {
    u8.fill(0, to, to + length);
    return -ERRNO.EFAULT;
  }
  u8.copyWithin(to, from, from + length);
  return 0;
}

/** `bpf_skb_store_bytes(skb, offset, from, len, flags)`: 0 or a negative errno. */
export function skbStoreBytes(call: HelperCall): number {
  const { data, dataEnd } = skbPacket(call);
  const [offset, length] = [u32(call, 2), u32(call, 4)];
  const from = readable(call, 3, length);
  if (hasUnknownFlags(call, 5, BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH)) return -ERRNO.EINVAL;
  if (offset > INT_MAX || data + offset + length > dataEnd) return -ERRNO.EFAULT;
  call.memory.views.u8.copyWithin(data + offset, from, from + length);
  if ((u32(call, 5) & BPF_F_INVALIDATE_HASH) !== 0) setSkbField(call, "hash", 0);
  return 0;
}

/** `bpf_skb_pull_data(skb, len)`: 0, or `ENOMEM` where the packet has not so much. All of it can be reached anyway. */
export function skbPullData(call: HelperCall): number {
  return u32(call, 2) > packetLength(skbPacket(call)) ? -ERRNO.ENOMEM : 0;
}

/** `bpf_skb_change_tail(skb, len, flags)`: 0 or `EINVAL`. What the packet grows by is zero. */
export function skbChangeTail(call: HelperCall): number {
  const packet = skbPacket(call);
  const { dataMeta, data, dataEnd, network } = packet;
  const end = data + u32(call, 2);
  const refused = hasUnknownFlags(call, 3, 0) || end > data + MAX_LENGTH || end < Math.max(network, data);
  if (refused) return -ERRNO.EINVAL;
  if (end > dataEnd) call.memory.views.u8.fill(0, dataEnd, end);
  packet.move(dataMeta, data, end);
  return 0;
}

/** `bpf_skb_change_head(skb, len, flags)`: 0, `EINVAL`, or `ENOMEM` where there is no more room in front. What the packet grows by is zero. */
export function skbChangeHead(call: HelperCall): number {
  const packet = skbPacket(call);
  const room = u32(call, 2);
  if (hasUnknownFlags(call, 3, 0) || packetLength(packet) + room > MAX_LENGTH) return -ERRNO.EINVAL;
  const data = packet.data - room;
  if (data < packet.head) return -ERRNO.ENOMEM;
  call.memory.views.u8.fill(0, data, packet.data);
  packet.mac = data;
  packet.move(data, data, packet.dataEnd);
  return 0;
}

/** `bpf_skb_change_type(skb, type)`: 0, or `EINVAL` but for the four types of packets that were received. */
export function skbChangeType(call: HelperCall): number {
  skbPacket(call);
  const type = u32(call, 2);
  if (type > PACKET_OTHERHOST || getSkbField(call, "pkt_type") > PACKET_OTHERHOST) return -ERRNO.EINVAL;
  setSkbField(call, "pkt_type", type);
  return 0;
}

/** `bpf_set_hash(skb, hash)`: 0. */
export function setHash(call: HelperCall): number {
  skbPacket(call);
  setSkbField(call, "hash", u32(call, 2));
  return 0;
}

/** `bpf_set_hash_invalid(skb)`: nothing. */
export function setHashInvalid(call: HelperCall): number {
  skbPacket(call);
  setSkbField(call, "hash", 0);
  return 0;
}
