import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, machine, release, totalmem, type } from "node:os";

/** The first line of what a command prints; undefined where it does not run. */
export function firstLine(command: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).split("\n")[0];
  } catch {
    return undefined;
  }
}

/** What of the machine's description does not change while it runs. */
export function machineFacts(): {
  readonly processor: string;
  readonly processors: number;
  readonly memory: number;
  readonly system: string;
  readonly mitigations: readonly string[];
} {
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown",
    processors: availableParallelism(),
    memory: totalmem(),
    system: `${type()} ${release()} ${machine()}`,
    mitigations: mitigations(),
  };
}

export function loadNow(): number {
  return loadavg()[0] ?? 0;
}

const VULNERABILITIES = "/sys/devices/system/cpu/vulnerabilities/";

function mitigations(): string[] {
  if (!existsSync(VULNERABILITIES)) return [];
  return readdirSync(VULNERABILITIES)
    .map((name) => `${name}: ${readFileSync(`${VULNERABILITIES}${name}`, "latin1").trim()}`)
    .filter((line) => line.includes("Mitigation"));
}

/** Where a process may run, and a way back. */
export interface Pin {
  /** The CPU, or why there is none. */
  readonly pinned: number | string;
  release(): void;
}

/** Pins this thread, and every process it starts, to the last CPU it may use (`taskset` of util-linux). */
export function pin(wanted: boolean): Pin {
  const none = (pinned: string): Pin => ({ pinned, release() {} });
  if (!wanted) return none("not asked for");
  const pid = String(process.pid);
  const before = firstLine("taskset", ["-cp", pid])?.split(": ")[1];
  if (before === undefined) return none("there is no taskset");
  const last = Number(/(\d+)$/.exec(before)?.[1]);
  if (/^\d+$/.test(before)) return { pinned: last, release() {} };
  if (firstLine("taskset", ["-cp", String(last), pid]) === undefined) return none("taskset failed");
  return { pinned: last, release: () => void firstLine("taskset", ["-cp", before, pid]) };
}
