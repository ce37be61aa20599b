import { readFileSync } from "node:fs";
import { parse } from "@bpfkit/asm";
import type { MapSpec, Program } from "@bpfkit/core";
import { load, programFromCode, type VmOptions, type VmSource } from "@bpfkit/vm";
import { expect } from "vitest";

/** An object of the repository, as clang made it. */
export const object = (name: string): Uint8Array =>
  readFileSync(new URL(`../../../tools/fixtures/objects/${name}`, import.meta.url));

/** A program of text; helpers are called by number. */
export function program(name: string, text: string, more: { type?: string; section?: string } = {}): Program {
  const { code, references } = parse(text);
  const { type = "raw", section } = more;
  const made = programFromCode(code, { name, type, references });
  return section === undefined ? made : { ...made, section };
}

/** A map's spec: keys of 4 bytes and values of 8 where nothing else is said. */
export const map = (name: string, type = "array", more: Partial<MapSpec> = {}): MapSpec => ({
  name,
  type,
  keySize: 4,
  valueSize: 8,
  maxEntries: 4,
  flags: 0,
  ...more,
});

export const vmOf = (source: Partial<VmSource>, options: VmOptions = {}) =>
  load({ programs: [], maps: [], ...source }, options);

/** An error with this code whose message is or matches this. */
export const failing = (code: string, message: string | RegExp): unknown =>
  expect.objectContaining({
    code,
    message: typeof message === "string" ? message : expect.stringMatching(message),
  });
