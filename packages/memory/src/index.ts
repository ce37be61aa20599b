/** Guest memory for eBPF programs: regions, shadow permissions, faults. */

export type { GuestMemoryOptions } from "./guest-memory.js";
export { createGuestMemory, GAP, LOWEST_MAPPED, MemoryError } from "./guest-memory.js";
export { GRANULE } from "./shadow.js";
