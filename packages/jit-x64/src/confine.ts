import { ROWS } from "@bpfkit/isa";
import type { ProgramPlan } from "./plan.js";

/** For each slot, whether its access must cut its address to 32 bits (1), or cannot leave guest memory anyhow (0). */
export function planConfinement({ table }: ProgramPlan): Uint8Array {
  return new Uint8Array(table.length).fill(1);
}
void ROWS;
