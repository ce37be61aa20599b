import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { executableMissing } from "./here.js";

const DIST = new URL("../dist/index.js", import.meta.url);
const missing = executableMissing || (existsSync(DIST) ? "" : " (needs the build)");

/** Node as users run it, without what the test runner starts its own processes with. */
const PLAIN = { execArgv: [], env: {} };

/** Runs a function's body in a worker, with this package as `native`; what it returns. */
function inWorker(body: string): Promise<unknown> {
  const code = `
    const { parentPort } = require("node:worker_threads");
    import(${JSON.stringify(DIST.href)}).then((native) => parentPort.postMessage((() => { ${body} })()));`;
  return new Promise((resolve, reject) => {
    const worker = new Worker(code, { eval: true, ...PLAIN });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

describe.skipIf(missing !== "")(`native code in workers${missing}`, () => {
  test("pages, calls and callbacks of a worker are its own", async () => {
    // jmp rdi: calls the callback whose address is the first argument
    const body = `
      const pages = native.executableMemory.reserve(2);
      pages.seal(Uint8Array.of(0xff, 0xe7));
      const callback = native.executableMemory.callback((a, b) => b + 1);
      const results = [1, 2, 3].map((n) => pages.entry(0, "i32")(callback.address, n));
      callback.free();
      pages.free();
      return results;`;
    expect(await Promise.all([inWorker(body), inWorker(body)])).toEqual([
      [2, 3, 4],
      [2, 3, 4],
    ]);
  });

  test("a shared memory has one address in every thread", async () => {
    const { executableMemory } = await import("@bpfkit/native");
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const code = `
      const { parentPort, workerData } = require("node:worker_threads");
      import(${JSON.stringify(DIST.href)}).then((native) => parentPort.postMessage(native.addressOf(new Uint8Array(workerData))));`;
    const there = await new Promise((resolve, reject) => {
      const worker = new Worker(code, { eval: true, workerData: memory.buffer, ...PLAIN });
      worker.once("message", resolve);
      worker.once("error", reject);
    });
    expect(there).toBe(executableMemory.addressOf(memory));
  });
});
