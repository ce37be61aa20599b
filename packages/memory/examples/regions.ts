import { createGuestMemory } from "@bpfkit/memory";

const memory = createGuestMemory();
const value = memory.reserve("the value of map `counters`", 64, "read-write");
memory.views.data.setBigUint64(value.start, 42n, true);
memory.checkRead(value.start, 8);
console.log(memory.views.data.getBigUint64(value.start, true));
try {
  memory.checkRead(value.start + 68, 8);
} catch (error) {
  console.log((error as Error).message);
}
