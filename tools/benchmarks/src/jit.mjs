// Nanoseconds a run of the JIT at each level of safety, beside clang -O2 and the kernel, on the C in apps/bench/workloads/c. One core, the
// least of several rounds, in processor time, so that what else runs on the machine disturbs less. Needs clang; the kernel's
// column needs root.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { profileFor } from "@bpfkit/abi";
import { parseObject } from "@bpfkit/elf";
import { fixedEffects, helperTable } from "@bpfkit/helpers";
import { jitX64 } from "@bpfkit/jit-x64";
import { createMap } from "@bpfkit/maps";
import { createGuestMemory } from "@bpfkit/memory";
import { executableMemory } from "@bpfkit/native";
import * as kernel from "./kernel.mjs";

const LEVELS = ["checked", "confined", "unchecked"];
const ROUNDS = 9;
/** Milliseconds a round should take at least. */
const ROUND = 20;
const SOURCES = fileURLToPath(new URL("../../../apps/bench/workloads/c/", import.meta.url));
const clang = ["clang-19", "clang"].find((name) => works(name, ["--version"]));
const folder = mkdtempSync(join(tmpdir(), "bpfkit-bench-"));

function works(command, args) {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function milliseconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The least time of one of `runs` runs, in nanoseconds; `run` carries so many out. */
function least(run) {
  const timed = (runs) => {
    const start = milliseconds();
    run(runs);
    return milliseconds() - start;
  };
  let runs = 64;
  while (timed(runs) < ROUND) runs *= 2;
  const times = Array.from({ length: ROUNDS }, () => timed(runs));
  return (Math.min(...times) / runs) * 1e6;
}

function packetOf(name) {
  if (name !== "parse") {
    const text = " abcdefg 0123-xy\nzz";
    return Uint8Array.from({ length: 3000 }, (_, i) =>
      name === "machine" ? text.charCodeAt((i * 7 + (i >> 4)) % text.length) : (i * 7 + (i >> 3)) & 255,
    );
  }
  const packet = new Uint8Array(64);
  // Ethernet, IPv4, UDP to port 80.
  packet.set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 8, 0, 0x45, 0, 0, 50, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1]);
  packet.set([10, 0, 0, 2, 0x12, 0x34, 0, 80, 0, 8, 0, 0], 30);
  return packet;
}

/** Compiles one source both ways. */
function compile(name) {
  const [source, object, binary] = [`${SOURCES}${name}.c`, join(folder, `${name}.o`), join(folder, name)];
  execFileSync(clang, ["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-c", source, "-o", object]);
  execFileSync(clang, ["-O2", "-DNATIVE", source, `${SOURCES}native.c`, "-o", binary]);
  const { programs, maps } = parseObject(readFileSync(object));
  return { name, program: programs[0], maps, binary, packet: packetOf(name) };
}

function native({ name, binary, packet }) {
  const path = join(folder, `${name}.packet`);
  writeFileSync(path, packet);
  const [time, result] = execFileSync(binary, [path]).toString().split(" ");
  return { time: Number(time), result: Number(result) };
}

/** Keys of the hash map that are there, and the arrays' indices. */
function entriesOf({ type, maxEntries }) {
  const step = type === "hash" ? 13 : 1;
  return Array.from({ length: maxEntries }, (_, index) => new Uint8Array(Uint32Array.of(index * step).buffer));
}

function jit({ program, maps, packet }, safety) {
  const memory = createGuestMemory();
  const context = memory.reserve("the context", 8, "read");
  const data = memory.reserve("the packet", packet.length, "read-write");
  memory.views.u8.set(packet, data.start);
  memory.views.data.setUint32(context.start, data.start, true);
  memory.views.data.setUint32(context.start + 4, data.start + packet.length, true);
  const storage = new Map(maps.map((spec, index) => [spec.name, createMap(spec, { id: index + 1, memory })]));
  for (const map of storage.values()) for (const key of entriesOf(map.spec)) map.set(key, new Uint8Array(8));
  const set = {
    programs: [program],
    maps: storage,
    helpers: helperTable(),
    memory,
    effects: fixedEffects(),
    profile: profileFor(),
  };
  const linked = jitX64(executableMemory, { safety, assumeVerified: true }).link(set);
  const run = { r1: BigInt(context.start), r2: 0n, type: "xdp" };
  const { r0, fault } = linked.run(0, run);
  if (fault) throw new Error(fault.message);
  const time = least((count) => linked.repeat(0, count, run));
  const bytes = linked.compiled(0).images.reduce((sum, image) => sum + image.bytes.length, 0);
  linked.dispose();
  return { time, result: Number(BigInt.asIntN(32, r0)), bytes, instructions: instructionsOf(program) };
}

function kernelTime({ program, maps, packet }) {
  const fds = new Map(maps.map((spec) => [spec.name, kernel.createMap(spec)]));
  for (const spec of maps)
    for (const key of entriesOf(spec)) kernel.updateMap(fds.get(spec.name), key, new Uint8Array(8));
  const fd = kernel.loadProgram(program, fds);
  const time = least((count) => kernel.testRun(fd, packet, count));
  return { time, result: kernel.testRun(fd, packet, 1) | 0 };
}

function tryKernel(program) {
  try {
    return kernelTime(program);
  } catch (error) {
    console.log(`  (kernel: ${error.message})`);
    return { time: Number.NaN, result: undefined };
  }
}

const number = (value) => (Number.isNaN(value) ? "-" : value.toFixed(value < 100 ? 1 : 0)).padStart(9);
const geometric = (values) => Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

/** The second half of a 16-byte instruction has no opcode and is none of its own. */
function instructionsOf({ code }) {
  return code.filter((opcode, at) => at % 8 === 0 && opcode !== 0).length;
}

function bytesEach(programs) {
  const total = (key) => programs.reduce((sum, program) => sum + program[key], 0);
  return total("bytes") / total("instructions");
}

function mitigations() {
  const path = "/sys/devices/system/cpu/vulnerabilities/";
  const active = readdirSync(path).filter((name) => /Mitigation/.test(readFileSync(path + name, "latin1")));
  return active.map((name) => `${name}: ${readFileSync(path + name, "latin1").trim()}`);
}

function main() {
  const availability = executableMemory.availability();
  if (!availability.available || clang === undefined) {
    console.log(`jit: skipped, ${availability.available ? "clang is not installed" : availability.reason}`);
    return;
  }
  console.log("mitigations that slow the kernel's figures, not the others:");
  for (const line of mitigations()) console.log(`  ${line}`);
  const empty = compile("empty");
  const idle = { kernel: tryKernel(empty).time, native: native(empty).time };
  for (const level of LEVELS) idle[level] = jit(empty, level).time;
  console.log(
    `empty program, ns: kernel ${idle.kernel.toFixed(1)}, ${LEVELS.map((level) => `${level} ${idle[level].toFixed(1)}`).join(", ")}`,
  );
  console.log(
    `${"ns a run".padEnd(10)}${["native", "kernel", ...LEVELS].map((name) => name.padStart(9)).join("")}   confined: /native /kernel bytes`,
  );
  const ratios = { native: [], kernel: [] };
  const compiled = Object.fromEntries(LEVELS.map((level) => [level, []]));
  for (const name of readdirSync(SOURCES).filter((file) => file.endsWith(".c"))) {
    const title = name.slice(0, -2);
    if (title === "native" || title === "empty") continue;
    const program = compile(title);
    const own = native(program);
    const linux = tryKernel(program);
    const levels = Object.fromEntries(LEVELS.map((level) => [level, jit(program, level)]));
    const results = [own.result, linux.result ?? own.result, ...LEVELS.map((level) => levels[level].result)];
    if (new Set(results).size !== 1) throw new Error(`${title}: results differ: ${results.join(", ")}`);
    const kernelNet = linux.time - idle.kernel;
    for (const level of LEVELS) compiled[level].push(levels[level]);
    const { time } = levels.confined;
    const net = Math.max(time - idle.confined, 0.1);
    ratios.native.push(time / own.time);
    // What is as short as the empty program cannot be told from it: then both are taken with all around them.
    const ofKernel = kernelNet < idle.kernel ? time / linux.time : net / kernelNet;
    if (!Number.isNaN(kernelNet)) ratios.kernel.push(ofKernel);
    const columns = [own.time, kernelNet, ...LEVELS.map((level) => levels[level].time)].map(number).join("");
    console.log(
      `${title.padEnd(10)}${columns}   ${number(time / own.time)} ${number(ofKernel)} ${bytesEach([levels.confined]).toFixed(1)}`,
    );
  }
  console.log(
    `geometric mean, confined: ${geometric(ratios.native).toFixed(2)} of native, ${geometric(ratios.kernel).toFixed(2)} of the kernel`,
  );
  const totals = LEVELS.map((level) => `${level} ${bytesEach(compiled[level]).toFixed(2)}`).join(", ");
  console.log(`bytes of machine code an instruction, all programs together: ${totals}`);
}

try {
  main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
