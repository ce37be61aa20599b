import { createGuestMemory } from "@bpfkit/memory";
import { createContext } from "@bpfkit/program-types";

const memory = createGuestMemory();
const builder = createContext("xdp", memory);
const context = builder.build({ data: new Uint8Array(64), ctx: { ingress_ifindex: 3 } });

// What a program that moves the packet's start and drops it would do.
const { packet } = context;
packet?.move(packet.data + 14, packet.data + 14, packet.dataEnd);
const { action, dataOut } = builder.readBack(context, 1n);
console.log(action, dataOut?.length);

try {
  builder.build({ data: new Uint8Array(13) });
} catch (error) {
  console.log((error as Error).message);
}
