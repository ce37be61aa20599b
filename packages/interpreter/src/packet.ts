import type { MemoryViews, PacketState } from "@bpfkit/core";

/** Offsets from here on are from the network header, and from `LL_OFF` on from the link header (uapi/linux/filter.h). */
const NET_OFF = -0x100000;
const LL_OFF = -0x200000;

/**
 * Loads `size` bytes of the packet in network order into r0 (RFC 9669 §5.5); outside the packet r0 is 0 and it is false.
 * Linux: bpf_skb_load_helper_8 and its kin, bpf_internal_load_pointer_neg_helper.
 */
export function loadPacket(
  regs: Int32Array,
  { data }: MemoryViews,
  packet: PacketState | undefined,
  offset: number,
  size: number,
): boolean {
  const address = packet === undefined ? undefined : addressOf(packet, offset, size);
  regs[1] = 0;
  if (address === undefined) regs[0] = 0;
  else if (size === 1) regs[0] = data.getUint8(address);
  else if (size === 2) regs[0] = data.getUint16(address, false);
  else regs[0] = data.getInt32(address, false);
  return address !== undefined;
}

function addressOf(packet: PacketState, offset: number, size: number): number | undefined {
  const { data, dataEnd, network, mac, fragBytes = 0 } = packet;
  if (offset >= 0) return data + offset + size <= dataEnd + fragBytes ? data + offset : undefined;
  const header = offset >= NET_OFF ? network : offset >= LL_OFF ? mac : undefined;
  if (header === undefined) return undefined;
  const address = header + offset - (offset >= NET_OFF ? NET_OFF : LL_OFF);
  return address + size <= dataEnd ? address : undefined;
}
