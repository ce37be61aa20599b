// A process of its own for `jit-release.test.ts`: threads that compile, run and release machine code at the same time, and one
// that looks at the process's mappings all the while. Plain JavaScript, since workers of Node load no other. Wants --expose-gc.
// Arguments: cycles in all, threads beside the main one. Prints what it saw as JSON.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { profileFor } from "@bpfkit/abi";
import { parse } from "@bpfkit/asm";
import { fixedEffects, helperTable } from "@bpfkit/helpers";
import { jitX64 } from "@bpfkit/jit-x64";
import { createGuestMemory } from "@bpfkit/memory";
import { executableMemory } from "@bpfkit/native";
import { createProgramArray } from "@bpfkit/tailcall";
import { programFromCode } from "@bpfkit/vm";

const ROUNDS = 10;
const LEVELS = ["checked", "confined", "unchecked"];
const HELPERS = { loop: 181, tail_call: 12 };
const CONTEXT = { r1: 0n, r2: 0n, type: "raw" };
/** A call, a callback by JavaScript, a tail call, and memory. */
const MAIN = `r6 = 2; call f; r6 += r0; r1 = 3; r2 = func g; r3 = 0; r4 = 0; call loop; r6 += r0;
  r2 = map[programs]; r3 = 1; call tail_call; r0 = 0; exit;
  f: *(u64 *)(r10 - 8) = 7; r0 = *(u64 *)(r10 - 8); exit; g: r0 = 0; exit`;
const TARGET = "r0 = 42; exit";

function assemble(name, text) {
  const { code, references } = parse(text, { helperId: (helper) => HELPERS[helper] });
  return programFromCode(code, { name, type: "raw", references });
}

/** One thread's work: a set that is linked again and again. */
function worker() {
  const memory = createGuestMemory();
  const spec = { name: "programs", type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 4, flags: 0 };
  const programs = createProgramArray(spec, { id: 1, memory, programId: () => 1 });
  const main = assemble("main", MAIN);
  programs.setProgram(1, assemble("target", TARGET));
  const around = { helpers: helperTable(), memory, effects: fixedEffects(), profile: profileFor() };
  const set = { ...around, programs: [main], maps: new Map([["programs", programs]]) };
  const engines = LEVELS.map((safety) => jitX64(executableMemory, { safety, assumeVerified: true }));
  return (cycles) => {
    for (let cycle = 0; cycle < cycles; cycle++) {
      const linked = engines[cycle % engines.length].link(set);
      const { r0, fault } = linked.run(0, CONTEXT, { budget: 1000 });
      linked.dispose();
      if (fault !== undefined || r0 !== 42n) throw new Error(fault?.message ?? `r0 is ${r0}`);
    }
    globalThis.gc();
  };
}

function mappings() {
  return Array.from(
    readFileSync("/proc/self/maps", "latin1").matchAll(/^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+)/gm),
    ([, start, end, permissions, inode]) => ({
      start: Number.parseInt(start, 16),
      end: Number.parseInt(end, 16),
      permissions,
      isFile: inode !== "0",
    }),
  );
}

/** What is there once everything was released and collected: bytes in memory, mappings, and bytes of code that is no file's. */
function left() {
  globalThis.gc();
  const all = mappings();
  const code = all.filter(({ permissions, isFile }) => permissions.startsWith("r-x") && !isFile);
  const codeBytes = code.reduce((sum, { start, end }) => sum + end - start, 0);
  return { resident: process.memoryUsage.rss(), mappings: all.length, codeBytes };
}

/** Stretches of mappings next to each other in which V8 has pages that are writable and executable: its own code, from the start. */
function ownedByV8() {
  const stretches = [];
  for (const mapping of mappings()) {
    const last = stretches.at(-1);
    if (last?.end === mapping.start) last.end = mapping.end;
    else stretches.push({ ...mapping, open: false });
    stretches.at(-1).open ||= /^.wx/.test(mapping.permissions);
  }
  return stretches.filter(({ open }) => open);
}

/** Looks until it is told to stop. */
function watch({ stop, allowed }) {
  let looks = 0;
  const seen = [];
  while (Atomics.load(stop, 0) === 0) {
    looks++;
    for (const { start, end, permissions } of mappings()) {
      const own = allowed.some((stretch) => stretch.start <= start && end <= stretch.end);
      if (/^.wx/.test(permissions) && !own && seen.length < 10) seen.push(`${start.toString(16)} ${permissions}`);
    }
  }
  return { looks, seen };
}

/** A thread's next message; it throws what the thread threw. */
const answerOf = async (thread) => (await once(thread, "message"))[0];

async function main(cycles, threads) {
  const url = new URL(import.meta.url);
  const workers = Array.from({ length: threads }, () => new Worker(url, { workerData: { role: "worker" } }));
  const watcher = new Worker(url, { workerData: { role: "watcher" } });
  await Promise.all([...workers, watcher].map(answerOf));
  const stop = new Int32Array(new SharedArrayBuffer(4));
  watcher.postMessage({ stop, allowed: ownedByV8() });
  const watched = answerOf(watcher);
  const work = worker();
  const rounds = [];
  const each = Math.ceil(cycles / ROUNDS / (threads + 1));
  for (let round = 0; round < ROUNDS; round++) {
    const others = workers.map((thread) => {
      thread.postMessage(each);
      return answerOf(thread);
    });
    work(each);
    await Promise.all(others);
    rounds.push(left());
  }
  Atomics.store(stop, 0, 1);
  const writableAndExecutable = await watched;
  console.log(JSON.stringify({ cycles: each * ROUNDS * (threads + 1), rounds, ...writableAndExecutable }));
  for (const thread of [...workers, watcher]) await thread.terminate();
}

if (isMainThread) await main(Number(process.argv[2]), Number(process.argv[3]));
else if (workerData.role === "worker") {
  const work = worker();
  parentPort.on("message", (cycles) => {
    work(cycles);
    parentPort.postMessage("done");
  });
  parentPort.postMessage("ready");
} else {
  parentPort.once("message", (task) => parentPort.postMessage(watch(task)));
  parentPort.postMessage("ready");
}
