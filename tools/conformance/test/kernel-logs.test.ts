import { readdirSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { DEFAULT_PROFILE } from "@bpfkit/abi";
import type { Program } from "@bpfkit/core";
import { parseObject } from "@bpfkit/elf";
import { KernelSession, kernelAvailability } from "@bpfkit/kernel";
import { verify } from "@bpfkit/verifier";
import { describe, expect, test } from "vitest";

/*
 * The log as Linux 6.18 has it, character by character, held against the running kernel on objects of the project. Left out
 * on both sides: addresses of maps, ids of kernel functions, times, stack depths, and the lines in which the kernel says how
 * its analysis of live stack slots goes on.
 */

const answer = kernelAvailability();
const why = !answer.available ? answer.reason : release().startsWith("6.18.") ? undefined : `Linux is ${release()}`;
const FOLDERS = ["tools/fixtures/objects/v4/", "apps/bench/workloads/objects/programs/"];
/** Of these level 1 alone: a walk back through a callback's end goes further here; the others' logs are very long. */
const PARTLY: ReadonlySet<string> = new Set(["callbacks.o", "large.o", "sites.o"]);
/** Wants a function that no kernel has. */
const NOT_LOADED: ReadonlySet<string> = new Set(["externs.o"]);
const LOG_BYTES = 1 << 24;

const objects = FOLDERS.flatMap((folder) => {
  const url = new URL(`../../../${folder}`, import.meta.url);
  const files = readdirSync(url).filter((file) => !NOT_LOADED.has(file));
  return files.map((file) => [file, parseObject(readFileSync(new URL(file, url)))] as const);
}).filter(([, { programs }]) => programs.every(({ type }) => type !== "raw"));

function comparable(log: string): string {
  return log
    .replace(/^(verification time|stack depth) .*\n/gm, "")
    .replace(/^\([0-9,]*\) (frame|live).*\n/gm, "")
    .replace(/(\(18\) r\d+ = 0x)[0-9a-f]+ */g, "$1… ")
    .replace(/(call bpf_iter_\w+)(#\d+)? *(;|$)/gm, "$1 $3")
    .trimEnd();
}

describe.skipIf(why !== undefined)(`logs of the running kernel${why === undefined ? "" : ` (skipped: ${why})`}`, () => {
  test.each(objects)("%s", (file, spec) => {
    const maps = new Map(spec.maps.map((map) => [map.name, map]));
    const session = new KernelSession("built");
    session.retain();
    try {
      session.addMaps(spec.maps, spec.btf);
      const ours = (program: Program, logLevel: 1 | 2): string =>
        comparable(verify(program, { maps, profile: DEFAULT_PROFILE, logLevel }).log);
      for (const program of spec.programs) {
        for (const level of PARTLY.has(file) ? ([1] as const) : ([1, 2] as const)) {
          const { log } = session.verdict(program, level, LOG_BYTES);
          expect(ours(program, level), `${program.name}, level ${level}`).toBe(comparable(log));
        }
      }
    } finally {
      for (const map of [...session.maps.values()]) map.dispose?.();
      session.release();
    }
  });
});
