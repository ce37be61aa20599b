import { executableMemory, nativeAvailability } from "@bpfkit/native";

const native = nativeAvailability();
const executable = executableMemory.availability();

/** Why tests of native code cannot run here; empty where they can. For test titles, so that a skip is named. */
export const nativeMissing: string = native.available ? "" : ` (${native.reason})`;
export const executableMissing: string = executable.available ? "" : ` (${executable.reason})`;
