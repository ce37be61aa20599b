// Two workers count in one map of one VM, with the same machine code where there is a JIT: node examples/workers.mjs
import { once } from "node:events";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { parse } from "@bpfkit/asm";
import { interpreter } from "@bpfkit/interpreter";
import { jitX64 } from "@bpfkit/jit-x64";
import { executableMemory } from "@bpfkit/native";
import { attach, load, programFromCode } from "@bpfkit/vm";

const engine = executableMemory.availability().available ? jitX64(executableMemory) : interpreter;

if (isMainThread) {
  const { code, references } = parse(`
    *(u32 *)(r10 - 4) = 0; r1 = map[seen]; r2 = r10; r2 += -4; call 1
    if r0 == 0 goto out; r1 = 1; lock *(u64 *)(r0 + 0) += r1
    out: r0 = 2; exit`);
  const program = programFromCode(code, { name: "count", type: "xdp", references });
  const seen = { name: "seen", type: "array", keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 };
  const vm = load({ programs: [program], maps: [seen] }, { engine, shared: true });
  const shared = vm.share({ threads: 2 });
  const workers = [1, 2].map(() => new Worker(new URL(import.meta.url), { workerData: shared }));
  const answers = await Promise.all(workers.map((worker) => once(worker, "message")));
  console.log(answers.flat().join(", "), vm.dumpMaps());
  vm.dispose();
} else {
  const vm = attach(workerData, { engine });
  const { action } = vm.program("count").run({ data: new Uint8Array(64) }, { repeat: 100_000 });
  vm.dispose();
  parentPort.postMessage(action);
}
