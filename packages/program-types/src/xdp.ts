import { actionName, CONTEXT_STRUCTS } from "@bpfkit/abi";
import type { GuestMemory, RunContext } from "@bpfkit/core";
import type { ContextBuilder, ContextInput, ContextOutput } from "./builder.js";
import { ProgramTypeError } from "./error.js";
import { ContextFields } from "./fields.js";
import { PacketBuffer } from "./packet.js";

/** Bytes of an Ethernet header; Linux runs no program on less. */
export const ETH_HLEN = 14;

/**
 * A test run's buffer is a page: `XDP_PACKET_HEADROOM` bytes before the frame, of which `struct xdp_frame` takes 40, and
 * `struct skb_shared_info` of 320 at its end (Linux 6.18, x86-64). A larger frame gets a buffer without room behind it.
 */
const LAYOUT = { headroom: 256, head: 40, size: 4096, tail: 320 };

const SETTABLE = ["ingress_ifindex", "rx_queue_index", "egress_ifindex"];

/** `struct xdp_md` over a frame. */
export class XdpContext implements ContextBuilder {
  readonly type = "xdp";
  readonly #memory: GuestMemory;
  readonly #fields: ContextFields;
  readonly #buffer: PacketBuffer;

  constructor(memory: GuestMemory) {
    this.#memory = memory;
    this.#fields = new ContextFields(CONTEXT_STRUCTS.get("xdp_md")!, this.type, memory);
    this.#buffer = new PacketBuffer(memory, LAYOUT);
  }

  build({ data = new Uint8Array(0), ctx = {} }: ContextInput): RunContext {
    checkFrame(data);
    this.#fields.clear();
    // The loopback device, on which a test run pretends to have received the frame.
    this.#fields.set("ingress_ifindex", 1);
    this.#fields.setAll(ctx, SETTABLE);
    const packet = this.#buffer.fill(data, 0, (state) => {
      this.#fields.set("data_meta", state.dataMeta);
      this.#fields.set("data", state.data);
      this.#fields.set("data_end", state.dataEnd);
    });
    return { type: this.type, r1: BigInt(this.#fields.region.start), r2: 0n, packet };
  }

  readBack({ packet }: RunContext, r0: bigint): ContextOutput {
    const action = actionName(this.type, r0);
    const dataOut = this.#memory.views.u8.slice(packet!.dataMeta, packet!.dataEnd);
    return { dataOut, ...(action === undefined ? {} : { action }) };
  }
}

/** @throws {ProgramTypeError} `EINVAL`, as a test run is refused. */
export function checkFrame(data: Uint8Array): void {
  if (data.length >= ETH_HLEN) return;
  throw new ProgramTypeError(
    "EINVAL",
    `a packet has at least ${ETH_HLEN} bytes, an Ethernet header; this one has ${data.length}`,
  );
}
