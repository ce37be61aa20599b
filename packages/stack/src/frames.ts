import { programTypeByName } from "@bpfkit/abi";
import type { Profile, Program } from "@bpfkit/core";
import { ROW } from "@bpfkit/isa";
import { type CallSite, type Flow, TAIL_CALL } from "./flow.js";

/** One program's code as analysed: what no profile changes. */
export interface ProgramFacts {
  readonly program: Program;
  readonly flow: Flow;
  /** Bytes of each subprogram's frame, by index. */
  readonly bytes: readonly number[];
  /** The bytes are this package's own estimate, not a verifier's. */
  readonly estimated: boolean;
  /** Whether a subprogram returns an int by its BTF; undefined where nobody said. */
  readonly returnsInt: (subprogram: number) => boolean | undefined;
}

/** The stack of one subprogram under a profile, in bytes. */
export interface Frame {
  readonly subprogram: string;
  /** As the code uses them. */
  readonly bytes: number;
  /** As they count. */
  readonly rounded: number;
  /** An estimate from the code: no verdict said so. */
  readonly estimated: boolean;
  /** An access whose place was not known made it the whole frame: the slot. */
  readonly vagueSince?: number;
  /** It lies on a stack of its own and counts nothing. */
  readonly privateStack: boolean;
}

/** The smallest frame that gets a stack of its own (`BPF_PRIV_STACK_MIN_SIZE`, kernel/bpf/verifier.c of 6.13). */
const PRIVATE_STACK_MIN = 64;

/** Rounds a frame's bytes as the profile counts them (`round_up_stack_depth`, kernel/bpf/verifier.c). */
export function roundFrame(bytes: number, { stackRounding }: Profile): number {
  const least = stackRounding === 16 ? bytes : Math.max(bytes, 1);
  return Math.ceil(least / stackRounding) * stackRounding;
}

/** The frames of a program's subprograms under a profile. */
export function framesOf(facts: ProgramFacts, profile: Profile): Frame[] {
  const own = hasPrivateStacks(facts, profile);
  return facts.flow.code.subprograms.map(({ name, index }) => {
    const bytes = facts.bytes[index]!;
    const rounded = roundFrame(bytes, profile);
    const vague = facts.estimated ? facts.flow.vague[index] : undefined;
    return {
      subprogram: name,
      bytes,
      rounded,
      estimated: facts.estimated,
      ...(vague === undefined ? {} : { vagueSince: vague }),
      privateStack: own && rounded >= PRIVATE_STACK_MIN,
    };
  });
}

/** Whether frames may have stacks of their own: not in a program with any tail call (`check_max_stack_depth`). */
function hasPrivateStacks({ program, flow }: ProgramFacts, profile: Profile): boolean {
  if (!profile.privateStacks || program.type === "raw" || tailCallingSubprograms(flow).size > 0) return false;
  const rule = programTypeByName(program.type).privateStack;
  return rule === "always" || (rule === "not-iterators" && program.expectedAttachType !== "trace_iter");
}

/** Bytes a frame counts along a chain. */
export function counted(frame: Frame): number {
  return frame.privateStack ? 0 : frame.rounded;
}

/** Subprograms that hold a tail call, in live code or dead, by index. */
export function tailCallingSubprograms({ code }: Flow): Set<number> {
  const found = new Set<number>();
  for (const { index, start, end } of code.subprograms) {
    for (let slot = start; slot < end; slot++) if (isTailCall(code.table, slot)) found.add(index);
  }
  return found;
}

function isTailCall({ row, imm }: Flow["code"]["table"], slot: number): boolean {
  return row[slot] === ROW.call.index && imm[slot] === TAIL_CALL;
}

/** Calls that put a frame on top of the caller's. An async callback runs later, on a stack of its own. */
export function stackingCalls(flow: Flow): CallSite[] {
  return flow.calls.filter(({ kind, to }) => kind === "call" || !flow.async.has(to));
}
