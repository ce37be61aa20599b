import { ERRNO } from "@bpfkit/abi";
import type { HelperCall, PacketState } from "@bpfkit/core";
import { readable, s32, u32, writable } from "./arguments.js";
import { packetLength, xdpPacket } from "./packet.js";

const ETH_HLEN = 14;
const XDP_OFFSET_MAX = 0xffff;
const PAGE = 4096;

/** `bpf_xdp_adjust_head(xdp, delta)`: 0 or `EINVAL`. Metadata moves along. */
export function xdpAdjustHead(call: HelperCall): number {
  const packet = xdpPacket(call);
  const { head, dataMeta, data, dataEnd } = packet;
  const delta = s32(call, 2);
  const meta = data - dataMeta;
  if (data + delta < head + meta || data + delta > dataEnd - ETH_HLEN) return -ERRNO.EINVAL;
  if (meta > 0) call.memory.views.u8.copyWithin(dataMeta + delta, dataMeta, data);
  packet.move(dataMeta + delta, data + delta, dataEnd);
  return 0;
}

/** `bpf_xdp_adjust_meta(xdp, delta)`: 0, `EINVAL` out of bounds, `EACCES` for metadata that is no multiple of 4 bytes. */
export function xdpAdjustMeta(call: HelperCall): number {
  const packet = xdpPacket(call);
  const meta = packet.dataMeta + s32(call, 2);
  if (meta < packet.head || meta > packet.data) return -ERRNO.EINVAL;
  if ((packet.data - meta) % 4 !== 0) return -ERRNO.EACCES;
  packet.move(meta, packet.data, packet.dataEnd);
  return 0;
}

/** `bpf_xdp_adjust_tail(xdp, delta)`: 0 or `EINVAL`. What the packet grows by is zero. */
export function xdpAdjustTail(call: HelperCall): number {
  const packet = xdpPacket(call);
  const delta = s32(call, 2);
  if ((packet.fragBytes ?? 0) > 0) return delta < 0 ? shrinkFrags(packet, -delta) : growLastFrag(call, packet, delta);
  const { dataMeta, data, dataEnd, limit } = packet;
  if (dataEnd + delta > limit || dataEnd + delta < data + ETH_HLEN) return -ERRNO.EINVAL;
  if (delta > 0) call.memory.views.u8.fill(0, dataEnd, dataEnd + delta);
  packet.move(dataMeta, data, dataEnd + delta);
  return 0;
}

/** Frags go first, then what programs see. */
function shrinkFrags(packet: PacketState, by: number): number {
  if (by > packetLength(packet) - ETH_HLEN) return -ERRNO.EINVAL;
  const ofFrags = Math.min(by, packet.fragBytes!);
  packet.fragBytes! -= ofFrags;
  packet.move(packet.dataMeta, packet.data, packet.dataEnd - (by - ofFrags));
  return 0;
}

/** The last frag grows, within its page. */
function growLastFrag(call: HelperCall, packet: PacketState, by: number): number {
  const frags = packet.fragBytes!;
  if (by > PAGE - 1 - ((frags - 1) % PAGE)) return -ERRNO.EINVAL;
  const end = packet.dataEnd + frags;
  call.memory.views.u8.fill(0, end, end + by);
  packet.fragBytes = frags + by;
  return 0;
}

/** `bpf_xdp_get_buff_len(xdp)`: bytes of the packet, frags included. */
export const xdpGetBuffLen = (call: HelperCall): number => packetLength(xdpPacket(call));

/** `bpf_xdp_load_bytes(xdp, offset, buf, len)`: 0 or a negative errno. */
export function xdpLoadBytes(call: HelperCall): number {
  const from = reach(call);
  const length = u32(call, 4);
  const to = writable(call, 3, length);
  if (from < 0) return from;
  call.memory.views.u8.copyWithin(to, from, from + length);
  return 0;
}

/** `bpf_xdp_store_bytes(xdp, offset, buf, len)`: 0 or a negative errno. */
export function xdpStoreBytes(call: HelperCall): number {
  const to = reach(call);
  const length = u32(call, 4);
  const from = readable(call, 3, length);
  if (to < 0) return to;
  call.memory.views.u8.copyWithin(to, from, from + length);
  return 0;
}

/** The address of r4 bytes of the packet at offset r2, or a negative errno. */
function reach(call: HelperCall): number {
  const packet = xdpPacket(call);
  const [offset, length] = [u32(call, 2), u32(call, 4)];
  if (offset > XDP_OFFSET_MAX || length > XDP_OFFSET_MAX) return -ERRNO.EFAULT;
  return offset + length > packetLength(packet) ? -ERRNO.EINVAL : packet.data + offset;
}
