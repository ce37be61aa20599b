import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type ObjectSpec, parseObject } from "@bpfkit/elf";

const WORKLOADS = new URL("../workloads/", import.meta.url);

/** Where the C of the workloads that are also native code lies. */
export const SOURCES: string = fileURLToPath(new URL("c/", WORKLOADS));

const parsed = new Map<string, ObjectSpec>();

/** The bytes of an object of the workloads: `xdp/alu64`. */
export function objectBytes(name: string): Uint8Array {
  return readFileSync(new URL(`objects/${name}.o`, WORKLOADS));
}

/** A parsed object of the workloads. Parsed once: verdicts are on its very programs. */
export function objectNamed(name: string): ObjectSpec {
  const known = parsed.get(name) ?? parseObject(objectBytes(name), { file: `${name}.o` });
  parsed.set(name, known);
  return known;
}
