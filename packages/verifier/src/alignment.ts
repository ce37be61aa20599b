import { tnumText } from "./format-state.js";
import {
  PTR_TO_CTX,
  PTR_TO_FLOW_KEYS,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_STACK,
  PTR_TO_TCP_SOCK,
  PTR_TO_XDP_SOCK,
  type Register,
} from "./register.js";
import type { Scalar } from "./scalar.js";
import { reject, type Verification } from "./verification.js";

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  [PTR_TO_FLOW_KEYS]: "flow keys ",
  [PTR_TO_MAP_KEY]: "key ",
  [PTR_TO_MAP_VALUE]: "value ",
  [PTR_TO_CTX]: "context ",
  [PTR_TO_STACK]: "stack ",
  [PTR_TO_SOCKET]: "sock ",
  [PTR_TO_SOCK_COMMON]: "sock_common ",
  [PTR_TO_TCP_SOCK]: "tcp_sock ",
  [PTR_TO_XDP_SOCK]: "xdp_sock ",
};

/** Packets lie so that the IP header is aligned (`NET_IP_ALIGN`), whatever the architecture does. */
const IP_ALIGN = 2;

/** Whether the number plus a constant is for certain a multiple of `size`, a power of two. */
function isAligned({ valueLow, maskLow }: Scalar, constant: number, size: number): boolean {
  return ((maskLow | (valueLow + constant)) & (size - 1)) === 0;
}

/** Refuses an access that may not be aligned to its size, where that matters: on the stack always, elsewhere if asked for. */
export function checkAlignment(v: Verification, r: Register, off: number, size: number, strictOnce: boolean): void {
  const strict = v.strictAlignment || strictOnce || r.type === PTR_TO_STACK;
  if (!strict || size === 1) return;
  const isPacket = r.type === PTR_TO_PACKET || r.type === PTR_TO_PACKET_META;
  if (isAligned(r.num, r.off + off + (isPacket ? IP_ALIGN : 0), size)) return;
  const where = `${tnumText(r.num)}+${r.off}+${off} size ${size}`;
  if (isPacket) reject(v, "EACCES", `misaligned packet access off ${IP_ALIGN}+${where}`);
  reject(v, "EACCES", `misaligned ${DESCRIPTIONS[r.type] ?? ""}access off ${where}`);
}
