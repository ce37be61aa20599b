import { type Availability, isBpfkitError, slotIndex } from "@bpfkit/core";
import { nativeAvailability } from "@bpfkit/native";
import { KernelSession } from "./session.js";
import { testRun } from "./test-run.js";

let probed: Availability | undefined;

/** Whether programs can be loaded and test-run here, and if not, which capability or setting stands against it. Tried once. */
export function kernelAvailability(): Availability {
  const native = nativeAvailability();
  if (!native.available) return native;
  probed ??= probe();
  return probed;
}

function probe(): Availability {
  const session = new KernelSession();
  session.retain();
  try {
    // r0 = 0; exit
    const code = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
    const subprograms = [{ name: "probe", start: slotIndex(0), linkage: "global" as const }];
    const program = { name: "probe", type: "socket_filter", code, subprograms, references: [] };
    testRun(session.descriptorOf(program), { data: new Uint8Array(64) }, "a probe");
    return { available: true };
  } catch (error) {
    if (!isBpfkitError(error)) throw error;
    return { available: false, reason: `not available here, because ${error.message}` };
  } finally {
    session.release();
  }
}
