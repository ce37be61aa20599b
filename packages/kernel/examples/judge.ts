import { slotIndex } from "@bpfkit/core";
import { KernelSession, kernelAvailability, testRun } from "@bpfkit/kernel";

const answer = kernelAvailability();
if (answer.available) {
  const session = new KernelSession();
  session.retain();
  const program = (name: string, hex: string) => ({
    name,
    type: "xdp",
    code: Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)),
    subprograms: [{ name, start: slotIndex(0), linkage: "global" as const }],
    references: [],
  });

  const { verdict, errno, message } = session.verdict(program("wrong", "9500000000000000")); // exit
  console.log(verdict, errno, message);

  const pass = program("pass", "b7000000020000009500000000000000"); // r0 = 2; exit
  console.log(session.verdict(pass).verdict);
  const { retval } = testRun(session.descriptorOf(pass), { data: new Uint8Array(64) }, "pass");
  console.log(retval);

  session.release(); // closes every descriptor
} else {
  console.log(answer.reason);
}
