import { ProgramTypeError } from "./error.js";

/** Bytes of an Ethernet header; Linux runs no program on less. */
export const ETH_HLEN = 14;

/** EtherTypes. */
export const ETH_P_IP = 0x0800;
export const ETH_P_IPV6 = 0x86dd;
const ETH_P_802_3 = 0x0001;
const ETH_P_802_2 = 0x0004;
/** The first EtherType; below it the field is a length. */
const ETH_P_802_3_MIN = 0x0600;

/** @throws {ProgramTypeError} `EINVAL`, as a test run is refused, for a frame that is no Ethernet header behind its metadata. */
export function checkFrame(frame: Uint8Array, meta = 0): void {
  if (frame.length - meta >= ETH_HLEN) return;
  const behind = meta === 0 ? "" : ` behind ${meta} bytes of metadata`;
  throw new ProgramTypeError(
    "EINVAL",
    `a packet has at least ${ETH_HLEN} bytes, an Ethernet header; this one has ${frame.length - meta}${behind}`,
  );
}

/** The protocol Linux takes a frame for (`eth_type_trans`). */
export function protocolOf(frame: Uint8Array): number {
  const type = (frame[12]! << 8) | frame[13]!;
  if (type >= ETH_P_802_3_MIN) return type;
  return frame[14] === 0xff && frame[15] === 0xff ? ETH_P_802_3 : ETH_P_802_2;
}

/** `PACKET_*` as the loopback device sees a frame, whose address and broadcast address are zero (`eth_type_trans`). */
export function packetType(frame: Uint8Array): number {
  if ((frame[0]! & 1) !== 0) return 2;
  return frame.subarray(0, 6).every((byte) => byte === 0) ? 0 : 3;
}
