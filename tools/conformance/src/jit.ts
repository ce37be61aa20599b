import { type JitEngine, jitX64, type Safety } from "@bpfkit/jit-x64";
import { executableMemory } from "@bpfkit/native";

/** Whether machine code can run here; else why not. */
export const jitAvailable: boolean = executableMemory.availability().available;

/** Why tests of machine code are skipped here, for their titles. */
export function skipReason(): string {
  const availability = executableMemory.availability();
  return availability.available ? "" : ` (skipped: jit-x64 is ${availability.reason})`;
}

export const LEVELS: readonly Safety[] = ["checked", "confined", "unchecked"];

/** The JIT at a level, on programs that are known to be right: there is no verdict on them. */
export function jitAt(safety: Safety): JitEngine {
  return jitX64(executableMemory, { safety, assumeVerified: true });
}
