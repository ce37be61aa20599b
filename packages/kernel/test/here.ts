import { kernelAvailability } from "@bpfkit/kernel";

const answer = kernelAvailability();

/** Why tests of the running kernel cannot run here; empty where they can. For test titles, so that a skip is named. */
export const kernelMissing: string = answer.available ? "" : ` (${answer.reason})`;
