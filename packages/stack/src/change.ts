import type { Profile } from "@bpfkit/core";
import { checkProgram, type Refusal } from "./check.js";
import { type Frame, framesOf, type ProgramFacts, roundFrame } from "./frames.js";

/** A change that would let a program pass. */
export interface Change {
  /** One line. */
  readonly text: string;
  /** Frames that must shrink, in bytes of the code; empty where bytes are not what is wrong. */
  readonly shrink: readonly { readonly subprogram: string; readonly from: number; readonly to: number }[];
}

/** The smallest change that lets a program pass; undefined where shrinking cannot, or nothing is wrong. */
export function changeFor(facts: ProgramFacts, profile: Profile, refusal: Refusal): Change | undefined {
  const names = facts.flow.code.subprograms.map(({ name }) => name);
  const chain = refusal.chain.map((index) => `\`${names[index]}\``);
  switch (refusal.rule) {
    case "stack":
    case "before-tail-call":
      return shrinkFrames(facts, profile, refusal);
    case "frames":
      return {
        text: `${chain.join(" → ")} is ${chain.length} frames, ${profile.maxFrames} may be: inline one of the calls`,
        shrink: [],
      };
    case "mixed":
      return {
        text: `inline ${names.length === 2 ? `\`${names[1]}\`` : `the ${names.length - 1} subprograms`} (__always_inline), or ask for a kernel that mixes calls and tail calls (5.10 on x86-64)`,
        shrink: [],
      };
    case "calls":
      return { text: `inline every subprogram (__always_inline), or ask for a kernel from 4.16 on`, shrink: [] };
    case "btf":
      return { text: `compile with -g, so that ${chain[0]} has BTF, or tail-call from the entry`, shrink: [] };
    case "returns-int":
      return { text: `let ${chain[0]} return int`, shrink: [] };
    case "array":
      return { text: `${chain.at(-1)} must tail-call through a map of type prog_array`, shrink: [] };
    case "access":
      return { text: `${chain.at(-1)} may use 512 bytes below r10 and none above it`, shrink: [] };
  }
}

/** Shrinks frames until the kernel's sums pass, a refusal at a time. */
function shrinkFrames(facts: ProgramFacts, profile: Profile, first: Refusal): Change | undefined {
  const before = framesOf(facts, profile);
  const frames = [...before];
  let refusal: Refusal | undefined = first;
  for (let round = 0; refusal !== undefined && round < frames.length * 32; round++) {
    if (!shrinkChain(frames, profile, refusal)) return undefined;
    refusal = checkProgram(facts, profile, frames);
  }
  if (refusal !== undefined) return undefined;
  const shrink = frames.flatMap((frame, index) => {
    const { subprogram, bytes } = before[index]!;
    return frame.bytes === bytes ? [] : [{ subprogram, from: bytes, to: frame.bytes }];
  });
  return { text: wordShrink(facts, first, shrink), shrink };
}

/** Takes the fewest bytes from a chain's frames that bring it under its limit; false where they do not have them. */
function shrinkChain(frames: Frame[], profile: Profile, { rule, chain, bytes }: Refusal): boolean {
  if (bytes === undefined) return false;
  const allowed = rule === "stack" ? profile.maxStack : profile.maxStackBeforeTailCall! - profile.stackRounding;
  const places = rule === "stack" ? chain : chain.slice(0, -1);
  const tried = new Set(places.filter((index) => !frames[index]!.privateStack));
  for (let excess = bytes - allowed; excess > 0; excess -= profile.stackRounding) {
    const cheapest = [...tried].map((index) => stepDown(frames[index]!, profile)).filter((step) => step !== undefined);
    cheapest.sort((a, b) => a.cost - b.cost);
    const step = cheapest[0];
    if (step === undefined) return false;
    const index = frames.findIndex(({ subprogram }) => subprogram === step.frame.subprogram);
    frames[index] = step.frame;
  }
  return true;
}

/** A frame one rounding step smaller, and the bytes that costs; undefined for one at its smallest. */
function stepDown(frame: Frame, profile: Profile): { readonly frame: Frame; readonly cost: number } | undefined {
  const rounded = frame.rounded - profile.stackRounding;
  if (rounded < roundFrame(0, profile)) return undefined;
  return { frame: { ...frame, bytes: rounded, rounded }, cost: frame.bytes - rounded };
}

/** "`parse` keeps 272 bytes before `next`: 17 too many (257 → 240)". */
function wordShrink(facts: ProgramFacts, { rule, chain, bytes }: Refusal, shrink: Change["shrink"]): string {
  const names = chain.map((index) => `\`${facts.flow.code.subprograms[index]!.name}\``);
  const kept =
    rule === "stack"
      ? `${names.join(" → ")} ${names.length === 1 ? "keeps" : "keep"} ${bytes} bytes`
      : `${names.slice(0, -1).join(" → ")} ${names.length === 2 ? "keeps" : "keep"} ${bytes} bytes before ${names.at(-1)}`;
  const tooMany = shrink.reduce((sum, { from, to }) => sum + from - to, 0);
  const how = shrink.map(({ subprogram, from, to }) => `\`${subprogram}\` ${from} → ${to}`).join(", ");
  return `${kept}: ${tooMany} too many (${how})`;
}
