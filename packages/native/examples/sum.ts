import { executableMemory } from "@bpfkit/native";

const answer = executableMemory.availability();
if (answer.available) {
  const pages = executableMemory.reserve(5);
  pages.seal(Uint8Array.of(0x48, 0x8d, 0x04, 0x37, 0xc3)); // lea rax, [rdi + rsi]; ret
  const sum = pages.entry(0, "u64");
  console.log(sum(40n, 2n));
  pages.free();
} else {
  console.log(answer.reason);
}
