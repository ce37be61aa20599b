import type { MemoryViews, PacketState } from "@bpfkit/core";

/** Loads `size` bytes of the packet in network order into r0 (RFC 9669 §5.5); false past its end. */
export function loadPacket(
  regs: Int32Array,
  { data }: MemoryViews,
  packet: PacketState | undefined,
  offset: number,
  size: number,
): boolean {
  if (packet === undefined || offset < 0 || packet.data + offset + size > packet.dataEnd) return false;
  const address = packet.data + offset;
  regs[1] = 0;
  if (size === 1) regs[0] = data.getUint8(address);
  else if (size === 2) regs[0] = data.getUint16(address, false);
  else regs[0] = data.getInt32(address, false);
  return true;
}
