// Million instructions a second of the interpreter, checks on, one core, median of 9 runs after one that warms up.
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
  linked.dispose();
  return rates.sort((a, b) => a - b);
}

console.log(`interpreter, million instructions a second, ${ROUNDS} runs (node ${process.version})`);
for (const workload of WORKLOADS) {
  const rates = measure(workload);
  const [least, median, most] = [rates[0], rates[ROUNDS >> 1], rates[ROUNDS - 1]].map((rate) => rate.toFixed(0));
  const target = workload.target === 0 ? "" : `, target ${workload.target}`;
  console.log(`${workload.name.padEnd(42)} ${median.padStart(5)}  (${least} to ${most}${target})`);
}
