import { actionName, CONTEXT_STRUCTS } from "@bpfkit/abi";
import type { GuestMemory, RunContext } from "@bpfkit/core";
import type { ContextBuilder, ContextInput, ContextOutput } from "./builder.js";
import { ProgramTypeError } from "./error.js";
import { ContextFields } from "./fields.js";
import { checkFrame } from "./frame.js";
import { PacketBuffer, type PacketView } from "./packet.js";

/**
 * A test run's buffer is a page: `XDP_PACKET_HEADROOM` bytes before the packet, of which `struct xdp_frame` takes 40, and
 * `struct skb_shared_info` of 320 at its end (Linux 6.18, x86-64). What of a packet does not fit is in frags.
 */
const LAYOUT = { headroom: 256, head: 40, room: 3520, linear: 3520 };

const SETTABLE = ["data", "data_end", "ingress_ifindex", "rx_queue_index", "egress_ifindex"];

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
    this.#fields.clear();
    // The loopback device, on which a test run pretends to have received the frame.
    this.#fields.set("ingress_ifindex", 1);
    const view = this.#view(data, ctx);
    this.#buffer.clear();
    const packet = this.#buffer.fill(data, view, (state) => {
      this.#fields.set("data_meta", state.dataMeta);
      this.#fields.set("data", state.data);
      this.#fields.set("data_end", state.dataEnd);
    });
    return { type: this.type, r1: BigInt(this.#fields.region.start), r2: 0n, packet };
  }

  /** As a test run takes them, `data` is how much of the frame is metadata, and `data_end` how much of it is no frag. */
  #view(frame: Uint8Array, ctx: NonNullable<ContextInput["ctx"]>): PacketView {
    this.#fields.setAll(ctx, SETTABLE);
    if (this.#fields.get("ingress_ifindex") === 0n) this.#fields.set("ingress_ifindex", 1);
    const meta = Number(this.#fields.get("data"));
    const end = "data_end" in ctx ? Number(this.#fields.get("data_end")) : frame.length;
    if (meta % 4 !== 0 || meta > LAYOUT.headroom - LAYOUT.head)
      throw new ProgramTypeError("EINVAL", `data is metadata of 0 to 216 bytes, a multiple of 4, not ${meta}`);
    if (end < meta || end > frame.length)
      throw new ProgramTypeError(
        "EINVAL",
        `data_end is from data, ${meta}, to the frame's ${frame.length} bytes, not ${end}`,
      );
    checkFrame(frame, meta);
    return { meta, linear: Math.min(end - meta, LAYOUT.linear) };
  }

  readBack({ packet }: RunContext, r0: bigint): ContextOutput {
    const action = actionName(this.type, r0);
    const { dataMeta, dataEnd, fragBytes = 0 } = packet!;
    const dataOut = this.#memory.views.u8.slice(dataMeta, dataEnd + fragBytes);
    return { dataOut, ...(action === undefined ? {} : { action }) };
  }
}
