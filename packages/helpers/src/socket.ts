import type { HelperCall } from "@bpfkit/core";
import { readable } from "./arguments.js";

/** `sizeof(struct bpf_sock)`. */
const SOCKET_BYTES = 80;

/**
 * `bpf_sk_fullsock(sk)`: the socket. The sockets there are here are those of packets, which were never connected: full ones,
 * of no protocol.
 */
export const skFullsock = (call: HelperCall): number => readable(call, 1, SOCKET_BYTES);

/** `bpf_tcp_sock(sk)` and `bpf_get_listener_sock(sk)`: 0, for no socket here is one. */
export function noSuchSocket(call: HelperCall): number {
  readable(call, 1, SOCKET_BYTES);
  return 0;
}
