import type { MapSpec, Program } from "@bpfkit/core";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { Digests } from "./verdict.js";

const encoder = new TextEncoder();

/** A value as text that is the same whenever the value is: keys sorted, bytes in hex. */
function canonical(value: unknown): string {
  if (typeof value === "number") return `${value}`;
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Uint8Array) return `x${bytesToHex(value)}`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") return `{${canonicalMembers(value)}}`;
  return JSON.stringify(value) ?? "null";
}

function canonicalMembers(value: object): string {
  let text = "";
  for (const key of Object.keys(value).sort()) {
    const member: unknown = Reflect.get(value, key);
    if (member !== undefined) text += `${key}:${canonical(member)},`;
  }
  return text;
}

/** What of a map the verdict relied on: contents count only where nobody can change them. */
function reliedOn(spec: MapSpec): unknown {
  const { contents, ...rest } = spec;
  return spec.frozen === true ? spec : { ...rest, hasContents: contents !== undefined };
}

const hash = (text: string, bytes: Uint8Array = new Uint8Array(0)): string =>
  bytesToHex(sha256.create().update(encoder.encode(text)).update(bytes).digest());

/** The digests a verdict of a program and its maps is bound to. */
export function programDigests(program: Program, maps: readonly MapSpec[]): Digests {
  const { code, type, expectedAttachType, attachTo, flags, subprograms, references } = program;
  const unique = [...new Map(maps.map((spec) => [spec.name, spec])).values()];
  unique.sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    program: hash(canonical({ type, expectedAttachType, attachTo, flags, subprograms, references }), code),
    maps: hash(canonical(unique.map(reliedOn))),
  };
}
