import { vi } from "vitest";
import type { Ended } from "./harness.js";

/*
 * Command lines run inside the test's own process, for tables of many: a process for each would take a quarter of a second.
 */

const written = { 1: "", 2: "" };

vi.mock("node:fs", async (importOriginal) => {
  const fs = await importOriginal<typeof import("node:fs")>();
  const writeSync = (descriptor: 1 | 2, bytes: Uint8Array, from: number): number => {
    const part = bytes.subarray(from);
    written[descriptor] += new TextDecoder().decode(part);
    return part.length;
  };
  return { ...fs, writeSync };
});

/** Runs a command line as the executable would. */
export async function run(...args: string[]): Promise<Ended> {
  const { runCommandLine } = await import("../src/cli.js");
  written[1] = "";
  written[2] = "";
  const status = await runCommandLine(args);
  return { status, stdout: written[1], stderr: written[2] };
}
