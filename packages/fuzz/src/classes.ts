import { FuzzError } from "./error.js";
import type { Weights } from "./statements/statement.js";

/** A class of programs: what they are made of and how they hang together. */
export interface ProgramClass {
  readonly name: string;
  readonly types: readonly string[];
  readonly weights: Weights;
  /** Subprograms below the entry, from and to. */
  readonly subprograms?: readonly [min: number, max: number];
  /** Programs beside the entry in its program array, from and to. */
  readonly members?: readonly [min: number, max: number];
  /** Where tail calls may stand. */
  readonly tailCalls?: "entry" | "subprograms" | "both";
  /** Not all of its programs are good: only what a verifier accepted may be run. */
  readonly needsVerdict?: true;
}

const BASE: Weights = { arithmetic: 6, stack: 2, context: 1, branch: 2, taint: 0.4, helper: 0.3 };
/** Numbers that must be followed with care: some of these programs are refused. */
const RANGES: Weights = { range: 9, arithmetic: 3, branch: 2, loop: 1, context: 1, packet: 1.5, map: 1.5, memory: 1 };
const PACKET_TYPES = ["xdp", "sched_cls"];

/** Every class of programs, from simple to tangled. */
export const CLASSES: readonly ProgramClass[] = [
  { name: "alu", types: ["socket_filter", "xdp"], weights: { arithmetic: 20, stack: 1, context: 1, taint: 0.7 } },
  {
    name: "branches",
    types: [...PACKET_TYPES, "socket_filter"],
    weights: { ...BASE, arithmetic: 4, branch: 6, loop: 2, packet: 1, legacyLoad: 0.7, callback: 0.3 },
  },
  { name: "stack", types: [...PACKET_TYPES, "socket_filter"], weights: { ...BASE, stack: 10, loop: 0.7, packet: 1 } },
  { name: "packet", types: PACKET_TYPES, weights: { ...BASE, packet: 6, memory: 6, helper: 1, legacyLoad: 0.3 } },
  {
    name: "maps",
    types: [...PACKET_TYPES, "socket_filter"],
    weights: { ...BASE, map: 6, memory: 3, packet: 1.5, loop: 0.4 },
  },
  { name: "atomics", types: [...PACKET_TYPES, "socket_filter"], weights: { ...BASE, atomic: 10, map: 3, packet: 1 } },
  {
    name: "subprograms",
    types: PACKET_TYPES,
    weights: { ...BASE, call: 2, packet: 2, memory: 1, map: 0.7, callback: 0.5 },
    subprograms: [1, 7],
  },
  {
    name: "tail-calls",
    types: PACKET_TYPES,
    weights: { ...BASE, tailCall: 1.5, packet: 2, memory: 1, map: 0.7 },
    members: [1, 2],
    tailCalls: "entry",
  },
  {
    name: "subprogram-tail-calls",
    types: PACKET_TYPES,
    weights: { ...BASE, call: 1.5, tailCall: 1, packet: 1.5, memory: 1, map: 0.5 },
    subprograms: [1, 3],
    members: [1, 2],
    tailCalls: "subprograms",
  },
  {
    name: "program-arrays",
    types: PACKET_TYPES,
    weights: { ...BASE, call: 1, tailCall: 1.5, packet: 1.5, memory: 1, map: 1 },
    subprograms: [0, 2],
    members: [2, 5],
    tailCalls: "both",
  },
  { name: "ranges", types: [...PACKET_TYPES, "socket_filter"], weights: RANGES, needsVerdict: true },
  {
    name: "range-calls",
    types: PACKET_TYPES,
    weights: { ...RANGES, call: 2, callback: 1 },
    subprograms: [1, 3],
    needsVerdict: true,
  },
];

/** @throws {FuzzError} `UNKNOWN_CLASS`. */
export function classByName(name: string): ProgramClass {
  const found = CLASSES.find((candidate) => candidate.name === name);
  if (found !== undefined) return found;
  const all = CLASSES.map((candidate) => candidate.name).join(", ");
  throw new FuzzError("UNKNOWN_CLASS", `${name} is no class of programs; there are ${all}`);
}
