import type { HelperCall } from "@bpfkit/core";

/** `bpf_ktime_get_ns()` and its kin: nanoseconds. */
export const ktime = (call: HelperCall): bigint => call.effects.clock();

/** `bpf_get_prandom_u32()`. */
export const prandom = (call: HelperCall): number => call.effects.random();

/** `bpf_get_smp_processor_id()`. */
export const processorId = (call: HelperCall): number => call.effects.cpu();

/** `bpf_get_numa_node_id()`: there is one node. */
export const nodeId = (): number => 0;
