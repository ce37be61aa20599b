import { CONTEXT_STRUCTS, programTypeByName } from "@bpfkit/abi";
import type { GuestMemory, PacketState, RunContext } from "@bpfkit/core";
import { KernelError } from "./error.js";
import type { TestRunInput, TestRunOutput } from "./test-run.js";

/** Bytes of Ethernet header a test run strips for types that begin at the network header. */
const ETHERNET_BYTES = 14;
/** The device a test run stands for where it is told none: loopback, which it refuses to be told of. */
const DEFAULT_IFINDEX = 1;

/** Where fields of `struct xdp_md` lie (uapi/linux/bpf.h); 32 bits each. */
const XDP = { data: 0, dataEnd: 4, dataMeta: 8, ingressIfindex: 12, rxQueueIndex: 16, size: 24 } as const;

/** Bytes of `struct __sk_buff`, and the fields a test run takes and gives back (`convert___skb_to_skb`, net/bpf/test_run.c). */
const SK_BUFF = { size: 192, length: 0, wireLength: 160 } as const;
const SK_BUFF_FIELDS: readonly (readonly [offset: number, size: number])[] = [
  [8, 4], // mark
  [32, 4], // priority
  [36, 4], // ingress_ifindex
  [40, 4], // ifindex
  [48, 20], // cb
  [152, 8], // tstamp
  [160, 4], // wire_len
  [164, 4], // gso_segs
  [176, 4], // gso_size
  [184, 8], // hwtstamp
];

/** A context in guest memory as a test run takes it, and the way its answer goes back. */
export interface ContextBridge {
  input(): TestRunInput;
  /** Writes packet and context back into guest memory. */
  output(answer: TestRunOutput): void;
}

/** @throws {KernelError} `NOT_AVAILABLE` for a type the kernel cannot test-run. */
export function bridgeContext(type: string, context: RunContext, memory: GuestMemory): ContextBridge {
  const facts = programTypeByName(type);
  if (facts.testRun !== true) {
    throw new KernelError("NOT_AVAILABLE", `the kernel has no test run for programs of type ${type}`);
  }
  const { packet } = context;
  const at = Number(context.r1);
  if (packet === undefined) return plainBridge(facts.context, at, memory);
  if (facts.context === "xdp_md") return xdpBridge(at, packet, memory);
  return skbBridge(at, packet, memory, facts.packet === "network");
}

function xdpBridge(at: number, packet: PacketState, memory: GuestMemory): ContextBridge {
  return {
    input() {
      const guest = memory.views.data;
      const data = memory.views.u8.slice(packet.dataMeta, packet.dataEnd);
      const ctx = new DataView(new ArrayBuffer(XDP.size));
      ctx.setUint32(XDP.data, packet.data - packet.dataMeta, true);
      ctx.setUint32(XDP.dataEnd, data.length, true);
      const ifindex = guest.getUint32(at + XDP.ingressIfindex, true);
      const queue = guest.getUint32(at + XDP.rxQueueIndex, true);
      if (ifindex !== DEFAULT_IFINDEX || queue !== 0) {
        ctx.setUint32(XDP.ingressIfindex, ifindex, true);
        ctx.setUint32(XDP.rxQueueIndex, queue, true);
      }
      return { data, ctx: bytesOf(ctx) };
    },
    output(answer) {
      const ctx = viewOf(answer.ctx);
      const meta = ctx.getUint32(XDP.data, true) - ctx.getUint32(XDP.dataMeta, true);
      const start = place(packet, packet.dataMeta, answer.data.length);
      memory.views.u8.set(answer.data, start);
      packet.move(start, start + meta, start + answer.data.length);
    },
  };
}

function skbBridge(at: number, packet: PacketState, memory: GuestMemory, network: boolean): ContextBridge {
  const header = network ? ETHERNET_BYTES : 0;
  return {
    input() {
      const guest = memory.views.u8.subarray(at, at + SK_BUFF.size);
      const ctx = new Uint8Array(SK_BUFF.size);
      for (const [offset, size] of SK_BUFF_FIELDS) ctx.set(guest.subarray(offset, offset + size), offset);
      // The packet's own length is what the kernel takes where it is told none.
      const [from, to] = [viewOf(guest), viewOf(ctx)];
      if (from.getUint32(SK_BUFF.length, true) === to.getUint32(SK_BUFF.wireLength, true)) {
        to.setUint32(SK_BUFF.wireLength, 0, true);
      }
      return { data: memory.views.u8.slice(packet.data - header, packet.dataEnd), ctx };
    },
    output(answer) {
      for (const [offset, size] of SK_BUFF_FIELDS) {
        memory.views.u8.set(answer.ctx.subarray(offset, offset + size), at + offset);
      }
      // The kernel puts zeros where the Ethernet header was; guest memory keeps what is there.
      const data = answer.data.subarray(header);
      const start = place(packet, packet.data, data.length);
      memory.views.u8.set(data, start);
      const moved = start !== packet.data || data.length !== packet.dataEnd - packet.data;
      if (moved) packet.move(start, start, start + data.length);
    },
  };
}

/** A type without a packet: its context is all there is. */
function plainBridge(struct: string | undefined, at: number, memory: GuestMemory): ContextBridge {
  const size = CONTEXT_STRUCTS.get(struct ?? "")?.size ?? 0;
  return {
    // Such types take no repeat and no data, and write nothing back that a test run would show.
    input: () => ({ ...(size === 0 ? {} : { ctx: memory.views.u8.slice(at, at + size) }), ctxOutBytes: 0, repeat: 0 }),
    output() {},
  };
}

/** Where `size` bytes go: where they were, or so that they end at the limit. */
function place(packet: PacketState, start: number, size: number): number {
  const at = Math.min(start, packet.limit - size);
  if (at >= packet.head) return at;
  const what = `the packet grew to ${size} bytes, more than the ${packet.limit - packet.head} its buffer has`;
  throw new KernelError("NOT_AVAILABLE", what);
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
