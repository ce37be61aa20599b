import type { MemoryViews, PacketState } from "@bpfkit/core";
import { FIELDS } from "./context.js";
import type { RunBuffer } from "./run-context.js";

/** Loads bytes of the packet in network order into r0 (RFC 9669 §5.5), or notes that they are past its end. */
export function loadPacket(
  buffer: RunBuffer,
  { data }: MemoryViews,
  packet: PacketState | undefined,
  size: number,
): void {
  const offset = buffer.get(FIELDS.operand);
  const past = packet === undefined || offset < 0 || packet.data + offset + size > packet.dataEnd;
  buffer.set(FIELDS.packetEnd, past ? 1 : 0);
  if (past) return;
  const address = packet.data + offset;
  const value =
    size === 1 ? data.getUint8(address) : size === 2 ? data.getUint16(address, false) : data.getUint32(address, false);
  buffer.setInteger(FIELDS.r0, value);
}
