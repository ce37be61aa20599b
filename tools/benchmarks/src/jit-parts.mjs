// What the parts of the JIT cost: compiling, a tail call, a run from JavaScript, a helper in JavaScript. Least of several rounds.
import { profileFor } from "@bpfkit/abi";
import { fixedEffects, helperTable } from "@bpfkit/helpers";
import { build, encode } from "@bpfkit/isa";
import { compileProgram, jitX64 } from "@bpfkit/jit-x64";
import { createGuestMemory } from "@bpfkit/memory";
import { executableMemory } from "@bpfkit/native";
import { createProgramArray } from "@bpfkit/tailcall";

const LEVELS = ["checked", "confined", "unchecked"];
const CONTEXT = { r1: 0n, r2: 0n, type: "raw" };
const GET_PRANDOM_U32 = 7;

function programOf(instructions, references = []) {
  const subprograms = [{ name: "main", start: 0, linkage: "global" }];
  return { name: "main", type: "raw", code: encode(instructions), subprograms, references };
}

function least(rounds, run) {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) best = Math.min(best, run());
  return best;
}

/** Processor time, so that what else runs on the machine disturbs less. */
function milliseconds(run) {
  const start = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/** So many instructions of every common kind: arithmetic, the frame, jumps a little ahead, memory at r1. */
function mixed(count) {
  let state = 5;
  const random = (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  const register = () => [0, 2, 3, 4, 5, 6, 7, 8][random(8)];
  const kinds = [
    () => build.add64.imm(register(), random(100)),
    () => build.add64.reg(register(), register()),
    () => build.mov64.reg(register(), register()),
    () => build.and32.imm(register(), 255),
    () => build.rsh64.imm(register(), random(63)),
    () => build.ldx.u64(register(), 10, -8 * (1 + random(60))),
    () => build.stx.u32(10, -8 * (1 + random(60)), register()),
    () => build.ldx.u8(register(), 1, random(60)),
    () => build.jeq.imm(register(), random(100), random(8)),
    () => build.jgt.reg(register(), register(), random(8)),
  ];
  const body = Array.from({ length: count - 10 }, () => kinds[random(kinds.length)]());
  return programOf([...body, ...Array.from({ length: 9 }, () => build.mov64.imm(0, 0)), build.exit()]);
}

function compileTimes(safety) {
  const context = {
    safety,
    maps: new Map(),
    helpers: new Map(),
    profile: profileFor(),
    cells: undefined,
    id: 0,
    bmi2: true,
  };
  const around = { ...context, jumpSlots: () => undefined, functionIndex: () => 0 };
  const [small, large] = [mixed(4000), mixed(60_000)];
  const times = [least(60, () => milliseconds(() => compileProgram(small, around)))];
  times.push(least(10, () => milliseconds(() => compileProgram(large, around))));
  const bytes = compileProgram(small, around).images.reduce((sum, image) => sum + image.bytes.length, 0) / 4000;
  return `4,000 instructions ${times[0].toFixed(2)} ms, 60,000 ${times[1].toFixed(1)} ms (${(times[1] / times[0]).toFixed(1)} times), ${bytes.toFixed(1)} bytes each`;
}

function linkOf(program, safety, more = {}) {
  const memory = more.memory ?? createGuestMemory();
  const set = {
    programs: [program],
    maps: new Map(),
    helpers: helperTable(),
    memory,
    effects: fixedEffects(),
    profile: profileFor(),
    ...more,
  };
  return jitX64(executableMemory, { safety, assumeVerified: true }).link(set);
}

/** Nanoseconds a run in a loop in machine code. */
function loopTime(linked) {
  const count = 1_000_000;
  return least(9, () => (milliseconds(() => linked.repeat(0, count, CONTEXT)) / count) * 1e6);
}

/** A program that tail-calls itself until its count is used up, against one whose count is 0. */
function tailCallTime(safety) {
  const [none, all] = [0, 33].map((tailCallLimit) => {
    const memory = createGuestMemory();
    const spec = { name: "programs", type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 4, flags: 0 };
    const array = createProgramArray(spec, { id: 1, memory, programId: () => 1 });
    const code = [build.lddwMap(2, 0), build.mov64.imm(3, 1), build.call(12), build.mov64.imm(0, 3), build.exit()];
    const program = programOf(code, [{ kind: "map", slot: 0, map: "programs" }]);
    array.setProgram(1, program);
    const profile = { ...profileFor(), tailCallLimit };
    const linked = linkOf(program, safety, { memory, maps: new Map([["programs", array]]), profile });
    const time = loopTime(linked);
    linked.dispose();
    return time;
  });
  return (all - none) / 33;
}

function runTime(safety) {
  const linked = linkOf(programOf([build.mov64.imm(0, 3), build.exit()]), safety);
  const count = 50_000;
  const run = () => {
    for (let i = 0; i < count; i++) linked.run(0, CONTEXT);
  };
  const time = least(9, () => (milliseconds(run) / count) * 1e6);
  linked.dispose();
  return time;
}

function helperTime(safety) {
  const calls = 1000;
  const loop = [build.call(GET_PRANDOM_U32), build.add64.imm(6, -1), build.jne.imm(6, 0, -3)];
  const linked = linkOf(programOf([build.mov64.imm(6, calls), ...loop, build.exit()]), safety);
  const time = least(30, () => (milliseconds(() => linked.run(0, CONTEXT)) / calls) * 1e6);
  linked.dispose();
  return time;
}

const availability = executableMemory.availability();
for (const level of LEVELS) console.log(`compile, ${level}: ${compileTimes(level)}`);
if (!availability.available) console.log(`the rest: skipped, ${availability.reason}`);
else {
  for (const level of LEVELS) {
    const figures = [tailCallTime(level), runTime(level), helperTime(level)].map((time) =>
      time.toFixed(time < 10 ? 2 : 0),
    );
    console.log(
      `${level}: a tail call ${figures[0]} ns, a run from JavaScript ${figures[1]} ns, a helper in JavaScript ${figures[2]} ns`,
    );
  }
}
