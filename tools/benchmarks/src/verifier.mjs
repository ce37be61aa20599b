// Processed instructions of the verifier, beside the running kernel's on the same programs: how many, million a second with
// facts and without, and the most memory one verification takes. In processor time, by rounds that alternate, of
// which the least counts, so that what else runs on the machine disturbs less. Arguments choose programs by a part of their name. The kernel's column needs root.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DEFAULT_PROFILE } from "@bpfkit/abi";
import { KernelSession, kernelAvailability, LOG_STATISTICS } from "@bpfkit/kernel";
import { verify } from "@bpfkit/verifier";
import { PROGRAMS } from "./verifier-programs.mjs";

/** Rounds go on until both are there, in processor time, which also warms up; or until the last is over. */
const ROUNDS = 5;
const SECONDS = 4;
/** A verification of so many seconds is not done between two turns of others. */
const LONG = 0.02;
const MOST_SECONDS = 40;
/** Ours should be at least so much of the kernel's rate, and process at most so many times its instructions. */
const LEAST_RATE = 0.5;
const MOST_PROCESSED = 1.5;
const MOST_MEGABYTES = 1000;

const kernel = kernelAvailability();
const PEAK = "--peak";
const ROW = "--row";
const SELF = fileURLToPath(import.meta.url);

function processorSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function ours({ program, maps }, facts) {
  const options = { maps: new Map(maps.map((map) => [map.name, map])), profile: DEFAULT_PROFILE, facts };
  const start = processorSeconds();
  const { insnsProcessed } = verify(program, options);
  return { processed: insnsProcessed, seconds: processorSeconds() - start };
}

/** Asks a function of the kernel's verdicts on one program; its maps are there meanwhile. */
function withKernel({ program, maps }, action) {
  const session = new KernelSession("built");
  session.retain();
  try {
    session.addMaps(maps);
    return action(() => {
      const begin = [performance.now(), processorSeconds()];
      const { log, insnsProcessed } = session.verdict(program, LOG_STATISTICS);
      const share = ((processorSeconds() - begin[1]) * 1000) / (performance.now() - begin[0]);
      // The verifier's own time, for loading goes on with compiling; of a long one what was not spent waiting for a processor.
      const seconds = Number(/^verification time (\d+) usec/m.exec(log)[1]) / 1e6;
      return { processed: insnsProcessed, seconds: seconds > LONG ? seconds * Math.min(share, 1) : seconds };
    });
  } finally {
    for (const map of [...session.maps.values()]) map.dispose();
    session.release();
  }
}

/** The least time of each of several ways to verify, and what it processed. */
function race(ways) {
  const best = ways.map(() => ({ processed: 0, seconds: Number.POSITIVE_INFINITY }));
  const start = processorSeconds();
  const elapsed = () => processorSeconds() - start;
  for (let round = 0; round < ROUNDS || elapsed() < SECONDS; round++) {
    if (elapsed() > MOST_SECONDS && round > 1) break;
    ways.forEach((way, index) => {
      const sample = way();
      if (sample.seconds < best[index].seconds) best[index] = sample;
    });
  }
  return best;
}

/** Megabytes a process takes at most that makes a program and verifies it once. */
function peakOf(index) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [SELF, PEAK, `${index}`], { encoding: "utf8" });
  if (status !== 0) throw new Error(`the process that measures memory ended with status ${status}: ${stderr}`);
  return Number(stdout);
}

/** Of this process alone: `maxRSS` begins with what the process had that started it. */
function peakKilobytes() {
  const status = "/proc/self/status";
  const peak = existsSync(status) ? /^VmHWM:\s*(\d+) kB/m.exec(readFileSync(status, "utf8")) : null;
  return peak === null ? process.resourceUsage().maxRSS : Number(peak[1]);
}

const rate = ({ processed, seconds }) => processed / seconds / 1e6;
const count = (value) => value.toLocaleString("en");

function row(index) {
  const { name, make } = PROGRAMS[index];
  const made = make();
  const ways = [() => ours(made, true), () => ours(made, false)];
  const [withFacts, without, linux] = kernel.available
    ? withKernel(made, (judge) => race([...ways, judge]))
    : race(ways);
  const peak = peakOf(index);
  const cells = [name.padEnd(50), count(withFacts.processed).padStart(9)];
  if (linux === undefined) return [...cells, rate(withFacts).toFixed(2), rate(without).toFixed(2), `${peak} MB`];
  const processed = withFacts.processed / linux.processed;
  const share = rate(withFacts) / rate(linux);
  const isWithin = share >= LEAST_RATE && processed <= MOST_PROCESSED && peak <= MOST_MEGABYTES;
  return [
    ...cells,
    count(linux.processed).padStart(9),
    processed.toFixed(2).padStart(5),
    rate(withFacts).toFixed(2).padStart(6),
    rate(without).toFixed(2).padStart(6),
    rate(linux).toFixed(2).padStart(6),
    share.toFixed(2).padStart(5),
    (rate(without) / rate(linux)).toFixed(2).padStart(5),
    `${peak}`.padStart(5),
    isWithin ? "within" : "OVER",
  ];
}

function report(chosen) {
  console.log(`verifier, million processed instructions a second (node ${process.version})`);
  if (kernel.available) {
    console.log(
      "program; processed here, in the kernel, ratio; rate with facts, without, in the kernel; shares; peak MB",
    );
    console.log(`to hold: share >= ${LEAST_RATE}, ratio <= ${MOST_PROCESSED}, peak <= ${MOST_MEGABYTES} MB`);
  } else {
    console.log(`the kernel: ${kernel.reason}; ours alone`);
    console.log("program; processed; rate with facts, without; peak MB");
  }
  PROGRAMS.forEach(({ name }, index) => {
    if (chosen.length > 0 && !chosen.some((part) => name.includes(part))) return;
    // In a process of its own, so that no program is measured with what others left on the heap and with the compiler.
    const { status } = spawnSync(process.execPath, [SELF, ROW, `${index}`], { stdio: "inherit" });
    if (status !== 0) throw new Error(`${name} ended with status ${status}`);
  });
}

const [option, index] = process.argv.slice(2);
if (option === PEAK) {
  ours(PROGRAMS[Number(index)].make(), true);
  console.log(Math.round(peakKilobytes() / 1000));
} else if (option === ROW) console.log(row(Number(index)).join(" "));
else report(process.argv.slice(2));
