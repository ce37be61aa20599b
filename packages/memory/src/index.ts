/** Guest memory for eBPF programs: regions, shadow permissions, faults. */

export type { MemoryErrorCode } from "./error.js";
export { MemoryError } from "./error.js";
export type { Description } from "./explain.js";
export { LOWEST_MAPPED } from "./explain.js";
export type { GuestMemoryOptions, OwnMemory } from "./guest-memory.js";
export { createGuestMemory } from "./guest-memory.js";
export { GAP } from "./regions.js";
export { GRANULE } from "./shadow.js";
export type { AttachedMemory, SharedMemory, ShareOptions } from "./shared-memory.js";
export { attachGuestMemory } from "./shared-memory.js";
