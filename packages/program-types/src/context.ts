import { PROGRAM_TYPES, programTypeByName } from "@bpfkit/abi";
import type { GuestMemory } from "@bpfkit/core";
import type { ContextBuilder } from "./builder.js";
import { ProgramTypeError } from "./error.js";
import { RawContext } from "./raw.js";
import { SkbContext } from "./skb.js";
import { XdpContext } from "./xdp.js";

/** Types with `struct __sk_buff` that a test run of Linux can run. */
const SKB_TYPES = PROGRAM_TYPES.filter(
  ({ context, testRun, name }) => context === "__sk_buff" && testRun && name !== "flow_dissector",
);

/** The program types contexts can be built for. */
export const CONTEXT_TYPES: readonly string[] = ["raw", "xdp", ...SKB_TYPES.map(({ name }) => name)];

/**
 * Makes a builder of contexts of a program type.
 * @throws {ProgramTypeError} `UNSUPPORTED_PROGRAM_TYPE`.
 */
export function createContext(type: string, memory: GuestMemory): ContextBuilder {
  if (type === "raw") return new RawContext(memory);
  if (type === "xdp") return new XdpContext(memory);
  const facts = SKB_TYPES.find(({ name }) => name === type);
  if (facts !== undefined) return new SkbContext(facts, memory);
  throw new ProgramTypeError("UNSUPPORTED_PROGRAM_TYPE", unsupported(type));
}

function unsupported(type: string): string {
  const known = PROGRAM_TYPES.some(({ name }) => name === type);
  const why = known
    ? `programs of type ${type} cannot be run here: ${programTypeByName(type)?.testRun ? "no context is built for them" : "Linux has no test run for them either"}`
    : `there is no program type ${type}`;
  return `${why}; contexts there are: ${CONTEXT_TYPES.join(", ")}`;
}
