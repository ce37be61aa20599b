import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Program } from "@bpfkit/core";
import { type Contender, wallTime } from "./clock.js";
import { BenchError } from "./error.js";
import { rawMemory } from "./workloads.js";

/** An outside VM. */
export interface Peer {
  readonly name: string;
  /**
   * A shell command. With `{program}` or `{memory}` in it, those become files of raw bytecode and memory. Without, it is a
   * plugin of bpf_conformance: memory as hex is its last argument, the program as hex its standard input. Either way the
   * last word it prints is r0 in hex.
   */
  readonly command: string;
}

/** Reads `name=command`. @throws {BenchError} `BAD_PEER`. */
export function parsePeer(text: string): Peer {
  const [, name, command] = /^([^=\s]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || command === undefined) {
    throw new BenchError("BAD_PEER", `${JSON.stringify(text)} is no peer; one is name=command`);
  }
  return { name, command };
}

/** A peer's process should run so many of our rounds, since it is timed by the clock on the wall; and milliseconds at most. */
const ROUNDS = 8;
const PATIENCE = 60_000;
const MOST_RUNS = 2 ** 24;

/**
 * A peer on a raw program: the time a process takes for many runs, less what it takes for none, by the clock on the wall.
 * @throws {BenchError} `PEER_FAILED`.
 */
export function peerContender(peer: Peer, program: Program, packet: Uint8Array, round: number): Contender {
  const folder = mkdtempSync(join(tmpdir(), "bpfkit-peer-"));
  const ask = (runs: number): number => askPeer(peer, program, rawMemory(packet, runs), folder);
  const timed = (runs: number): number => wallTime(() => ask(runs));
  try {
    const result = ask(1);
    const runs = enoughRuns(timed, round * ROUNDS * 1e6);
    return {
      subject: peer.name,
      result,
      sample: () => Math.max((timed(runs) - timed(0)) / runs, 0),
      dispose: () => rmSync(folder, { recursive: true, force: true }),
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** As many runs as fill a round; fewer where the peer refuses so many, as those with a budget do. */
function enoughRuns(timed: (runs: number) => number, least: number): number {
  let runs = 16;
  const idle = timed(0);
  try {
    while (timed(runs) < least + idle && runs < MOST_RUNS) runs *= 4;
    return runs;
  } catch (error) {
    if (runs === 16) throw error;
    return runs / 4;
  }
}

/** The low 32 bits of what a peer says r0 is. */
function askPeer({ name, command }: Peer, program: Program, memory: Uint8Array, folder: string): number {
  const files = { program: join(folder, "program.bin"), memory: join(folder, "memory.bin") };
  const template = /\{(program|memory)\}/.test(command);
  if (template) {
    writeFileSync(files.program, program.code);
    writeFileSync(files.memory, memory);
  }
  const line = template
    ? command.replace(/\{(program|memory)\}/g, (_, which: "program" | "memory") => `'${files[which]}'`)
    : `${command} ${hexOf(memory)}`;
  const input = template ? "" : `${hexOf(program.code)}\n`;
  const { status, stdout, stderr, error } = spawnSync(line, {
    shell: true,
    input,
    encoding: "utf8",
    timeout: PATIENCE,
  });
  const word = stdout?.trim().split(/\s+/).at(-1) ?? "";
  if (status === 0 && /^(0x)?[0-9a-fA-F]{1,16}$/.test(word)) {
    return Number(BigInt.asUintN(32, BigInt(word.startsWith("0x") ? word : `0x${word}`)));
  }
  // A process that ended by itself says more than a pipe it did not read to its end.
  const own = stderr?.trim().split("\n")[0] || `it printed ${JSON.stringify(word.slice(0, 60))}, not r0 in hex`;
  const why = status === null && error !== undefined ? error.message : own;
  throw new BenchError("PEER_FAILED", `peer ${name} ended with status ${status}: ${why}`);
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
