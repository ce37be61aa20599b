import type { GuestMemory, Region } from "@bpfkit/core";
import { ETH_HLEN, ETH_P_IP, ETH_P_IPV6 } from "./frame.js";

/** Family and addresses a test run gives the socket of a packet; words of addresses as they lie in memory. */
export interface SocketAddresses {
  /** `AF_INET` 2, `AF_INET6` 10, else `AF_UNSPEC` 0. */
  readonly family: number;
  readonly local: readonly number[];
  readonly remote: readonly number[];
}

/** Where a header has its addresses. */
const HEADERS: ReadonlyMap<number, { readonly family: number; readonly offset: number; readonly words: number }> =
  new Map([
    [ETH_P_IP, { family: 2, offset: ETH_HLEN + 12, words: 1 }],
    [ETH_P_IPV6, { family: 10, offset: ETH_HLEN + 8, words: 4 }],
  ]);

/** The packet's source is the socket's own address, its destination the peer's (Linux: `bpf_prog_test_run_skb`). */
export function socketAddresses(frame: Uint8Array, protocol: number): SocketAddresses {
  const header = HEADERS.get(protocol);
  if (header === undefined) return { family: 0, local: [], remote: [] };
  const { family, offset, words } = header;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const word = (index: number): number => view.getUint32(offset + 4 * index, true);
  const all = Array.from({ length: 2 * words }, (_, index) => word(index));
  return { family, local: all.slice(0, words), remote: all.slice(words) };
}

/** Fields of `struct bpf_sock` (uapi/linux/bpf.h). */
const FIELDS = {
  family: 4,
  src_ip4: 24,
  src_ip6: 28,
  dst_ip4: 52,
  dst_ip6: 56,
  state: 72,
  rx_queue_mapping: 76,
} as const;
const SIZE = 80;
const TCP_CLOSE = 7;

/** The socket a packet belongs to: one that was made and never connected, as a test run has it. */
export class PacketSocket {
  readonly region: Region;
  readonly #memory: GuestMemory;

  constructor(memory: GuestMemory) {
    this.#memory = memory;
    this.region = memory.reserve("the packet's socket", SIZE, "read");
  }

  fill({ family, local, remote }: SocketAddresses): void {
    const { data, u8 } = this.#memory.views;
    const { start } = this.region;
    const set = (offset: number, value: number): void => data.setUint32(start + offset, value, true);
    u8.fill(0, start, start + SIZE);
    set(FIELDS.family, family);
    set(FIELDS.state, TCP_CLOSE);
    set(FIELDS.rx_queue_mapping, 0xffff_ffff);
    const [source, destination] = family === 2 ? [FIELDS.src_ip4, FIELDS.dst_ip4] : [FIELDS.src_ip6, FIELDS.dst_ip6];
    for (const [index, word] of local.entries()) set(source + 4 * index, word);
    for (const [index, word] of remote.entries()) set(destination + 4 * index, word);
  }
}
