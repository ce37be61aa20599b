import { actionName, CONTEXT_STRUCTS, type ProgramTypeFacts } from "@bpfkit/abi";
import type { GuestMemory, RunContext } from "@bpfkit/core";
import type { ContextBuilder, ContextInput, ContextOutput } from "./builder.js";
import { ProgramTypeError } from "./error.js";
import { ContextFields } from "./fields.js";
import { PacketBuffer } from "./packet.js";
import { checkFrame, ETH_HLEN } from "./xdp.js";

const LAYOUT = { headroom: 256, head: 0, size: 4096, tail: 320 };

/** What a test run lets its caller set (Linux: `convert___skb_to_skb`). */
const SETTABLE = [
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
  "wire_len",
  "gso_segs",
  "gso_size",
  "hwtstamp",
];

const STRUCT = CONTEXT_STRUCTS.get("__sk_buff")!;

/** Least bytes of the header behind Ethernet, by EtherType. */
const NETWORK_HEADER: ReadonlyMap<number, { name: string; bytes: number }> = new Map([
  [0x0800, { name: "IPv4", bytes: 20 }],
  [0x86dd, { name: "IPv6", bytes: 40 }],
]);

/** `struct __sk_buff` over a frame, for every program type that has it and that a test run can run. */
export class SkbContext implements ContextBuilder {
  readonly type: string;
  readonly #memory: GuestMemory;
  readonly #fields: ContextFields;
  readonly #buffer: PacketBuffer;
  /** Bytes in front of what the program sees. */
  readonly #hidden: number;
  readonly #compared: readonly string[];
  #before: ReadonlyMap<string, bigint> = new Map();

  constructor({ name, packet }: ProgramTypeFacts, memory: GuestMemory) {
    this.type = name;
    this.#memory = memory;
    this.#fields = new ContextFields(STRUCT, name, memory);
    this.#buffer = new PacketBuffer(memory, LAYOUT);
    this.#hidden = packet === "network" ? ETH_HLEN : 0;
    const writable = STRUCT.fields.filter((field) => field.writable.includes(name));
    this.#compared = writable.flatMap(({ name: of, count }) =>
      count === undefined ? [of] : Array.from({ length: count }, (_, index) => `${of}${index}`),
    );
  }

  build({ data = new Uint8Array(0), ctx = {} }: ContextInput): RunContext {
    checkFrame(data);
    const etherType = (data[12]! << 8) | data[13]!;
    checkNetworkHeader(data, etherType);
    this.#fields.clear();
    this.#fields.set("pkt_type", packetType(data));
    // Network order, as the kernel keeps it.
    this.#fields.set("protocol", ((etherType & 0xff) << 8) | (etherType >>> 8));
    this.#fields.set("ifindex", 1);
    this.#fields.set("wire_len", data.length - this.#hidden);
    this.#fields.setAll(ctx, SETTABLE);
    const packet = this.#buffer.fill(data, this.#hidden, (state) => {
      this.#fields.set("len", state.dataEnd - state.data);
      this.#fields.set("data_meta", state.dataMeta);
      this.#fields.set("data", state.data);
      this.#fields.set("data_end", state.dataEnd);
    });
    this.#before = this.#fields.snapshot(this.#compared);
    return { type: this.type, r1: BigInt(this.#fields.region.start), r2: 0n, packet };
  }

  readBack({ packet }: RunContext, r0: bigint): ContextOutput {
    const action = actionName(this.type, r0);
    const seen = this.#memory.views.u8.subarray(packet!.data, packet!.dataEnd);
    const dataOut = new Uint8Array(this.#hidden + seen.length);
    // A header the program did not see comes back as zeros.
    dataOut.set(seen, this.#hidden);
    const ctx = this.#fields.changes(this.#before);
    return { dataOut, ...(Object.keys(ctx).length === 0 ? {} : { ctx }), ...(action === undefined ? {} : { action }) };
  }
}

function checkNetworkHeader(data: Uint8Array, etherType: number): void {
  const header = NETWORK_HEADER.get(etherType);
  if (header === undefined || data.length >= ETH_HLEN + header.bytes) return;
  throw new ProgramTypeError(
    "EINVAL",
    `an ${header.name} packet has at least ${header.bytes} bytes behind its Ethernet header; this one has ${data.length - ETH_HLEN}`,
  );
}

/** `PACKET_*` by the destination, as seen from the loopback device, whose address is all zero (Linux: `eth_type_trans`). */
function packetType(data: Uint8Array): number {
  const destination = data.subarray(0, 6);
  if (destination.every((byte) => byte === 0xff)) return 1;
  if ((destination[0]! & 1) !== 0) return 2;
  return destination.every((byte) => byte === 0) ? 0 : 3;
}
