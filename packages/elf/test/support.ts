import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { Program, Reference } from "@bpfkit/core";
import { decode } from "@bpfkit/isa";
import { type ObjectSpec, parseObject } from "../src/index.js";

const FIXTURES = new URL("../../../tools/fixtures/objects/", import.meta.url);
export const SHARED = new URL("../../../../shared/", import.meta.url);
export const SHARED_OBJECTS = new URL("objects/", SHARED);

/** Instruction set versions the fixtures are built for. */
export const VERSIONS = ["v2", "v3", "v4"] as const;

/** An object's bytes, by its path below the fixtures. */
export const fixtureBytes = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(path, FIXTURES)));

/** A fixture parsed under its own name. */
export const fixture = (path: string): ObjectSpec =>
  parseObject(fixtureBytes(path), { file: path.replace(/^.*\//, "") });

/** Paths of files two levels below a folder; none where the folder does not exist. */
export function filesBelow(folder: URL): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .flatMap((part) => readdirSync(new URL(`${part}/`, folder)).map((file) => `${part}/${file}`));
}

export const fixturePaths = (): string[] => filesBelow(FIXTURES);

/** One program of an object, by name. */
export function programOf(object: ObjectSpec, name: string): Program {
  const program = object.programs.find((candidate) => candidate.name === name);
  if (program === undefined) throw new Error(`no program ${name}; problems: ${JSON.stringify(object.problems)}`);
  return program;
}

export const subprograms = (program: Program): string[] => program.subprograms.map(({ name }) => name);

/** Where each relative call or function address of a program leads, as `slot>name`, with `?` where no subprogram begins. */
export function targets(program: Program): string[] {
  const names = new Map(program.subprograms.map(({ start, name }) => [Number(start), name]));
  const found: string[] = [];
  let slot = 0;
  for (const { opcode, src, imm } of decode(program.code)) {
    const relative = (opcode === 0x85 && src === 1) || (opcode === 0x18 && src === 4);
    if (relative) found.push(names.get(slot + imm + 1) ?? "?");
    slot += opcode === 0x18 ? 2 : 1;
  }
  return found;
}

/** References as short text: `map jumps`, `mapValue .data+8`, `extern weak function f`. */
export function references(program: Program): string[] {
  return program.references.map((reference: Reference) => {
    if (reference.kind === "map") return `map ${reference.map}`;
    if (reference.kind === "mapValue") return `mapValue ${reference.map}+${reference.offset}`;
    return `extern ${reference.weak ? "weak " : ""}${reference.of} ${reference.symbol}`;
  });
}

/**
 * Milliseconds of processor time this process has used: on a busy machine the clock on the wall says little about how
 * long a piece of work takes.
 */
export function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
