/** Guest memory for eBPF programs: regions, shadow permissions, faults. */

export { LOWEST_MAPPED } from "./explain.js";
export type { GuestMemoryOptions } from "./guest-memory.js";
export { createGuestMemory, GAP, MemoryError } from "./guest-memory.js";
export { GRANULE } from "./shadow.js";
