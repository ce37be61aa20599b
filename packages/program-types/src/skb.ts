import { actionName, CONTEXT_STRUCTS, type ProgramTypeFacts } from "@bpfkit/abi";
import type { GuestMemory, RunContext } from "@bpfkit/core";
import type { ContextBuilder, ContextInput, ContextOutput } from "./builder.js";
import { ProgramTypeError } from "./error.js";
import { ContextFields } from "./fields.js";
import { checkFrame, ETH_HLEN, ETH_P_IP, ETH_P_IPV6, packetType, protocolOf } from "./frame.js";
import { PacketBuffer } from "./packet.js";
import { PacketSocket, type SocketAddresses, socketAddresses } from "./socket.js";

/** Bytes helpers may bring a packet to (`SKB_MAX_ALLOC`, Linux 6.18 with 4 KiB pages). */
const MAX_LENGTH = 16_064;

/** Fields a test run lets its caller set, with their largest values where those are less than the field holds (`convert___skb_to_skb`). */
const SETTABLE: ReadonlyMap<string, bigint | undefined> = new Map([
  ...[
    "mark",
    "priority",
    "ingress_ifindex",
    "ifindex",
    "cb0",
    "cb1",
    "cb2",
    "cb3",
    "cb4",
    "tstamp",
    "hwtstamp",
    "gso_size",
  ].map((name) => [name, undefined] as const),
  ["wire_len", 65_536n],
  ["gso_segs", 65_535n],
]);

const STRUCT = CONTEXT_STRUCTS.get("__sk_buff")!;

/** Least bytes of the header behind Ethernet. */
const NETWORK_HEADERS: ReadonlyMap<number, { readonly name: string; readonly bytes: number }> = new Map([
  [ETH_P_IP, { name: "IPv4", bytes: 20 }],
  [ETH_P_IPV6, { name: "IPv6", bytes: 40 }],
]);

/** `struct __sk_buff` over a frame, for every program type that has it and that a test run can run. */
export class SkbContext implements ContextBuilder {
  readonly type: string;
  readonly #memory: GuestMemory;
  readonly #fields: ContextFields;
  readonly #socket: PacketSocket;
  readonly #buffer: PacketBuffer;
  /** Bytes in front of what the program sees. */
  readonly #hidden: number;
  readonly #compared: readonly string[];

  constructor({ name, packet }: ProgramTypeFacts, memory: GuestMemory) {
    this.type = name;
    this.#memory = memory;
    this.#fields = new ContextFields(STRUCT, name, memory);
    this.#socket = new PacketSocket(memory);
    this.#hidden = packet === "network" ? ETH_HLEN : 0;
    // What the program sees begins at a multiple of 8, so that the shadow hides all that lies before.
    const headroom = MAX_LENGTH + (this.#hidden === 0 ? 0 : 8 - (this.#hidden % 8));
    this.#buffer = new PacketBuffer(memory, {
      headroom,
      head: 0,
      room: this.#hidden + MAX_LENGTH,
      linear: Number.POSITIVE_INFINITY,
    });
    const writable = STRUCT.fields.filter((field) => field.writable.includes(name));
    this.#compared = writable.flatMap(({ name: of, count }) =>
      count === undefined ? [of] : Array.from({ length: count }, (_, index) => `${of}${index}`),
    );
  }

  build({ data = new Uint8Array(0), ctx }: ContextInput): RunContext {
    checkFrame(data);
    const protocol = protocolOf(data);
    checkNetworkHeader(data, protocol);
    this.#fields.clear();
    this.#fields.set("pkt_type", packetType(data));
    // Network order, as the kernel keeps it.
    this.#fields.set("protocol", ((protocol & 0xff) << 8) | (protocol >>> 8));
    this.#setSocket(socketAddresses(data, protocol));
    // The loopback device, on which a test run pretends to have received the frame.
    this.#fields.set("ifindex", 1);
    if (ctx !== undefined) this.#setFields(ctx, data.length - this.#hidden);
    const packet = this.#buffer.fill(data, { hidden: this.#hidden }, (state) => {
      this.#fields.set("len", state.dataEnd - state.data);
      this.#fields.set("data_meta", state.dataMeta);
      this.#fields.set("data", state.data);
      this.#fields.set("data_end", state.dataEnd);
    });
    packet.mac = packet.data - this.#hidden;
    packet.network = packet.mac + ETH_HLEN;
    this.#fields.remember();
    return { type: this.type, r1: BigInt(this.#fields.region.start), r2: 0n, packet };
  }

  /** What the caller sets. `wire_len` is the packet's own only where there is something set, as in a test run. */
  #setFields(ctx: NonNullable<ContextInput["ctx"]>, length: number): void {
    this.#fields.setAll(ctx, [...SETTABLE.keys()]);
    for (const [name, value] of Object.entries(ctx)) {
      const max = SETTABLE.get(name);
      if (max !== undefined && BigInt(value) > max)
        throw new ProgramTypeError("EINVAL", `context field ${name} is at most ${max}, not ${value}`);
    }
    if (this.#fields.get("ifindex") === 0n) this.#fields.set("ifindex", 1);
    const wireLength = this.#fields.get("wire_len");
    if (wireLength === 0n) this.#fields.set("wire_len", length);
    else if (wireLength < BigInt(length))
      throw new ProgramTypeError(
        "EINVAL",
        `context field wire_len is at least the packet's ${length} bytes, not ${wireLength}`,
      );
  }

  #setSocket(addresses: SocketAddresses): void {
    const { family, local, remote } = addresses;
    const version = family === 2 ? "ip4" : "ip6";
    const name = (side: string, index: number): string => `${side}_${version}${family === 2 ? "" : index}`;
    this.#socket.fill(addresses);
    this.#fields.set("sk", this.#socket.region.start);
    this.#fields.set("family", family);
    for (const [index, word] of local.entries()) this.#fields.set(name("local", index), word);
    for (const [index, word] of remote.entries()) this.#fields.set(name("remote", index), word);
  }

  readBack({ packet }: RunContext, r0: bigint): ContextOutput {
    const action = actionName(this.type, r0);
    const seen = this.#memory.views.u8.subarray(packet!.data, packet!.dataEnd);
    const dataOut = new Uint8Array(this.#hidden + seen.length);
    // A header the program did not see comes back as zeros.
    dataOut.set(seen, this.#hidden);
    const ctx = this.#fields.changes(this.#compared);
    return { dataOut, ...(Object.keys(ctx).length === 0 ? {} : { ctx }), ...(action === undefined ? {} : { action }) };
  }
}

function checkNetworkHeader(frame: Uint8Array, protocol: number): void {
  const header = NETWORK_HEADERS.get(protocol);
  if (header === undefined || frame.length >= ETH_HLEN + header.bytes) return;
  throw new ProgramTypeError(
    "EINVAL",
    `an ${header.name} packet has at least ${header.bytes} bytes behind its Ethernet header; this one has ${frame.length - ETH_HLEN}`,
  );
}
