// Million instructions a second of the interpreter, checks on, one core, median of 9 runs after one that warms up; and what
// the runs leave on the heap, in bytes a million instructions: nothing is allocated for an instruction.
import { PerformanceObserver } from "node:perf_hooks";
import { interpreter } from "@bpfkit/interpreter";
import { createGuestMemory } from "@bpfkit/memory";
import { programOf, WORKLOADS } from "./workloads.mjs";

const ROUNDS = 9;

const profile = {
  version: "6.18",
  arch: "x86-64",
  tailCallLimit: 33,
  tailCallCount: "shared",
  calls: true,
  mixed: true,
  maxFrames: 8,
  maxStack: 512,
  stackRounding: 16,
  privateStacks: true,
};
const effects = { clock: () => 0n, random: () => 0, cpu: () => 0, trace() {} };
const context = { r1: 0n, r2: 0n, type: "raw" };

/** Bytes a run allocates, and how often the heap was collected meanwhile: then bytes say nothing. */
function heapOf(run) {
  const observer = new PerformanceObserver(() => {});
  observer.observe({ entryTypes: ["gc"] });
  const before = process.memoryUsage().heapUsed;
  const { instructions } = run();
  const bytes = process.memoryUsage().heapUsed - before;
  const collections = observer.takeRecords().length;
  observer.disconnect();
  return { bytes: (bytes / instructions) * 1e6, collections };
}

function measure(workload) {
  const memory = createGuestMemory();
  const set = { programs: [programOf(workload)], maps: new Map(), helpers: new Map(), memory, effects, profile };
  const linked = interpreter.link(set);
  const rates = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const begin = process.hrtime.bigint();
    const result = linked.run(0, context);
    const nanoseconds = Number(process.hrtime.bigint() - begin);
    if (result.fault) throw new Error(result.fault.message);
    if (round > 0) rates.push((result.instructions / nanoseconds) * 1000);
  }
  const heap = heapOf(() => linked.run(0, context));
  linked.dispose();
  return { rates: rates.sort((a, b) => a - b), heap };
}

console.log(`interpreter, million instructions a second, ${ROUNDS} runs (node ${process.version})`);
for (const workload of WORKLOADS) {
  const { rates, heap } = measure(workload);
  const [least, median, most] = [rates[0], rates[ROUNDS >> 1], rates[ROUNDS - 1]].map((rate) => rate.toFixed(0));
  const target = workload.target === 0 ? "" : `, target ${workload.target}`;
  const left = heap.collections === 0 ? `${heap.bytes.toFixed(0)} B` : `${heap.collections} collections`;
  console.log(`${workload.name.padEnd(42)} ${median.padStart(5)}  (${least} to ${most}${target}), heap ${left}`);
}
