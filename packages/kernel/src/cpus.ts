import { readFileSync } from "node:fs";

let count: number | undefined;

/** CPUs a per-CPU map has values for: those that may ever come online (`/sys/devices/system/cpu/possible`, like `0-3,8`). */
export function possibleCpus(): number {
  count ??= countCpus(readFileSync("/sys/devices/system/cpu/possible", "latin1"));
  return count;
}

function countCpus(list: string): number {
  return list
    .trim()
    .split(",")
    .map((range) => range.split("-").map(Number))
    .reduce((sum, [first, last]) => sum + (last ?? first!) - first! + 1, 0);
}
