import { CONTEXT_STRUCTS, PROGRAM_TYPES } from "@bpfkit/abi";
import type { HelperCall, PacketState } from "@bpfkit/core";
import { number64 } from "./arguments.js";
import { HelperError } from "./error.js";

/** A packet of `struct __sk_buff`, which has headers. */
export interface SkbState extends PacketState {
  mac: number;
  network: number;
}

const SKB_TYPES: ReadonlySet<string> = new Set(
  PROGRAM_TYPES.filter(({ context }) => context === "__sk_buff").map(({ name }) => name),
);
const SKB_OFFSETS: ReadonlyMap<string, number> = new Map(
  CONTEXT_STRUCTS.get("__sk_buff")!.fields.map(({ name, offset }) => [name, offset]),
);

/** The packet whose context r1 is. @throws {HelperError} `BAD_CONTEXT` where r1 is no context, or one without such a packet. */
export function skbPacket(call: HelperCall): SkbState {
  const { mac, network } = contextPacket(call);
  if (!SKB_TYPES.has(call.context.type) || mac === undefined || network === undefined)
    throw noPacket(call, "__sk_buff");
  return call.context.packet as SkbState;
}

/** The packet of an XDP program whose context r1 is. @throws {HelperError} `BAD_CONTEXT`. */
export function xdpPacket(call: HelperCall): PacketState {
  const packet = contextPacket(call);
  if (call.context.type !== "xdp") throw noPacket(call, "xdp_md");
  return packet;
}

/** Bytes of a packet, frags included. */
export function packetLength({ data, dataEnd, fragBytes = 0 }: PacketState): number {
  return dataEnd - data + fragBytes;
}

/** A 32-bit field of `struct __sk_buff`. */
export function getSkbField(call: HelperCall, name: string): number {
  return call.memory.views.data.getUint32(Number(call.context.r1) + SKB_OFFSETS.get(name)!, true);
}

/** Changes a 32-bit field of `struct __sk_buff`. */
export function setSkbField(call: HelperCall, name: string, value: number): void {
  call.memory.views.data.setUint32(Number(call.context.r1) + SKB_OFFSETS.get(name)!, value, true);
}

function contextPacket(call: HelperCall): PacketState {
  const { packet, r1 } = call.context;
  if (packet === undefined) throw noPacket(call, "a packet");
  if (number64(call, 1) === Number(r1)) return packet;
  throw new HelperError(
    "BAD_CONTEXT",
    `r1 must be the program's context, 0x${r1.toString(16)}, not 0x${number64(call, 1).toString(16)}`,
  );
}

function noPacket({ context }: HelperCall, what: string): HelperError {
  return new HelperError("BAD_CONTEXT", `the helper needs a context of ${what}; the program's type is ${context.type}`);
}
