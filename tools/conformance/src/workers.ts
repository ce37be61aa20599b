import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { helperByName } from "@bpfkit/abi";
import { parse } from "@bpfkit/asm";
import type { Engine, MapSpec, Program } from "@bpfkit/core";
import { interpreter } from "@bpfkit/interpreter";
import type { Safety } from "@bpfkit/jit-x64";
import { load, programFromCode, type SharedVm, type Vm } from "@bpfkit/vm";
import { jitAt, jitAvailable, LEVELS } from "./jit.js";

/** The built packages: workers are plain Node, which knows no TypeScript. */
const built = (name: string): URL => new URL(`../../../packages/${name}/dist/index.js`, import.meta.url);
const PACKAGES = Object.fromEntries(
  ["vm", "interpreter", "jit-x64", "native", "helpers"].map((name) => [name, built(name).href]),
);

/** Why tests with workers are skipped here, for their titles; empty where they are not. */
export const workersMissing: string = existsSync(built("vm")) ? "" : " (skipped: needs the build)";

/** Every engine that shares, in each of its levels. */
export type Level = "interpreter" | Safety;
export const SHARING: readonly Level[] = ["interpreter", ...(jitAvailable ? LEVELS : [])];

export function engineAt(level: Level): Engine {
  return level === "interpreter" ? interpreter : jitAt(level);
}

/** A program of type `raw`, from text. */
export function assembled(name: string, text: string): Program {
  const { code, references } = parse(text, {
    helperId: (helper) => helperByName(helper)?.id ?? Number(helper.slice(1)),
  });
  return programFromCode(code, { name, type: "raw", references });
}

const SCRIPT = `
  const { parentPort, workerData: packages } = require("node:worker_threads");
  const loaded = Promise.all(["vm", "interpreter", "jit-x64", "native", "helpers"].map((name) => import(packages[name])));
  parentPort.on("message", async ({ shared, level, body, data }) => {
    try {
      const [{ attach }, { interpreter }, { jitX64 }, { executableMemory }, { fixedEffects }] = await loaded;
      const engine = level === "interpreter" ? interpreter : jitX64(executableMemory);
      const run = new Function("attach", "shared", "engine", "fixedEffects", "data", body);
      parentPort.postMessage({ result: run(attach, shared, engine, fixedEffects, data) });
    } catch (error) {
      parentPort.postMessage({ error: error.code + ": " + error.message });
    }
  });`;

/** A worker under way. */
export interface Running {
  readonly worker: Worker;
  /** What the body returned. Rejects with what it threw, and where the worker ended. */
  readonly result: Promise<unknown>;
}

/** Starting a worker takes longer than most of what is done in it, so they are used again. */
const idle: Worker[] = [];

/** On the built packages, and without what the test runner starts its own processes with. */
function newWorker(): Worker {
  const worker = new Worker(SCRIPT, { eval: true, workerData: PACKAGES, execArgv: [], env: {} });
  worker.unref();
  return worker;
}

/** Has a worker run the body of a function of `attach`, `shared`, `engine`, `fixedEffects` and `data`. */
export function startWorker(shared: SharedVm, level: Level, body: string, data: unknown = undefined): Running {
  const worker = idle.pop() ?? newWorker();
  const result = new Promise<unknown>((resolve, reject) => {
    const onExit = (): void => reject(new Error("the worker ended without an answer"));
    worker.once("exit", onExit);
    worker.once("message", (message: { result?: unknown; error?: string }) => {
      worker.off("exit", onExit);
      idle.push(worker);
      if (message.error !== undefined) reject(new Error(message.error));
      else resolve(message.result);
    });
  });
  worker.postMessage({ shared, level, body, data });
  return { worker, result };
}

/** Runs the same body in so many workers at one time, and waits for all. */
export function inWorkers(
  shared: SharedVm,
  level: Level,
  count: number,
  body: string,
  data: unknown = undefined,
): Promise<unknown[]> {
  return Promise.all(Array.from({ length: count }, () => startWorker(shared, level, body, data).result));
}

/** A map with keys of 4 bytes. */
export const map = (name: string, type: string, maxEntries: number, valueSize = 8): MapSpec => ({
  name,
  type,
  keySize: 4,
  valueSize,
  maxEntries,
  flags: 0,
});

export const KEY_0: Uint8Array = new Uint8Array(4);
export const u64 = (bytes: Uint8Array | undefined): bigint => new DataView(bytes!.buffer).getBigUint64(0, true);

/** The value of a map's key 0 goes to r0; where there is none the program ends with 0. */
export const lookUp = (name: string): string =>
  `*(u32 *)(r10 - 4) = 0; r1 = map[${name}]; r2 = r10; r2 += -4; call map_lookup_elem; if r0 == 0 goto out;`;

export const COUNTERS: MapSpec = map("counters", "array", 1, 40);

/** Adds 1 in every way there is; xor twice leaves what was. */
export const ADD: Program = assembled(
  "add",
  `${lookUp("counters")}
  r6 = r0; r1 = 1
  lock *(u64 *)(r6 + 0) += r1
  r2 = 1; r2 = atomic_fetch_add((u32 *)(r6 + 8), r2)
  r0 = *(u64 *)(r6 + 16)
  again: r7 = r0; r8 = r0; r8 += 1
  r0 = cmpxchg_64(r6 + 16, r0, r8)
  if r0 != r7 goto again
  r1 = 0x5555555500000000 ll; lock *(u64 *)(r6 + 24) ^= r1; lock *(u64 *)(r6 + 24) ^= r1
  r1 = 1; lock *(u32 *)(r6 + 32) += r1
  r0 = 0
  out: exit`,
);

/** Tail calls through slot 1 known beforehand, and through the slot that the memory's first word says; 3 where it is empty. */
export const CALLER: Program = assembled("caller", "r2 = map[programs]; r3 = 1; call tail_call; r0 = 3; exit");
export const ANY: Program = assembled("any", "r2 = map[programs]; r3 = *(u32 *)(r1 + 0); call tail_call; r0 = 3; exit");
export const ONE: Program = assembled("one", "r0 = 1; exit");
export const TWO: Program = assembled("two", "r0 = 2; exit");
export const PROGRAMS: MapSpec = map("programs", "prog_array", 4, 4);

/** A VM that can be shared. */
export function sharableVm(level: Level, programs: readonly Program[], maps: readonly MapSpec[], cpus = 1): Vm {
  return load({ programs, maps }, { shared: true, engine: engineAt(level), cpus });
}
