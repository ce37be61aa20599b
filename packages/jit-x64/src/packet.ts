import type { MemoryViews, PacketState } from "@bpfkit/core";
import type { RunBuffer } from "./run-context.js";

/** Loads bytes of the packet in network order into r0 (RFC 9669 §5.5), or notes that they are past its end. */
export function loadPacket(
  buffer: RunBuffer,
  { data }: MemoryViews,
  packet: PacketState | undefined,
  size: number,
): void {
  const offset = buffer.get("operand");
  const past = packet === undefined || offset < 0 || packet.data + offset + size > packet.dataEnd;
  buffer.set("packetEnd", past ? 1 : 0);
  if (past) {
    // The function's end counts as the exit that it stands for.
    buffer.setInteger("fuel", buffer.getInteger("fuel") - 1);
    return;
  }
  const address = packet.data + offset;
  const value =
    size === 1 ? data.getUint8(address) : size === 2 ? data.getUint16(address, false) : data.getUint32(address, false);
  buffer.setInteger("r0", value);
}
