import type { FuzzCase } from "./case.js";
import type { CaseOutcome, FuzzRunner, FuzzVerdict, RunOutcome } from "./runner.js";

/** The first thing in which two engines differ. */
export interface Difference {
  /** `r0 of run 1 (entry)`, `packet after run 0 (entry)`, `key 00000000 of map array`, … */
  readonly what: string;
  /** Which run; undefined for maps and verdicts. */
  readonly run?: number;
  readonly left: { readonly engine: string; readonly value: string };
  readonly right: { readonly engine: string; readonly value: string };
}

type Side = Pick<FuzzRunner, "name" | "returnBits">;

/** Holds two outcomes of a case against each other: runs in order, then maps. Undefined where they agree, or one was skipped. */
export function compareOutcomes(
  subject: FuzzCase,
  [left, one]: readonly [Side, CaseOutcome],
  [right, other]: readonly [Side, CaseOutcome],
): Difference | undefined {
  if (one.skipped !== undefined || other.skipped !== undefined) return undefined;
  const differ = (what: string, a: string, b: string, run?: number): Difference => ({
    what,
    ...(run === undefined ? {} : { run }),
    left: { engine: left.name, value: a },
    right: { engine: right.name, value: b },
  });
  if (one.rejection !== undefined || other.rejection !== undefined) {
    const say = ({ rejection }: CaseOutcome): string =>
      rejection === undefined ? "accepted" : `${rejection.program} refused: ${rejection.reason}`;
    return (one.rejection === undefined) === (other.rejection === undefined)
      ? undefined
      : differ("acceptance", say(one), say(other));
  }
  const bits = left.returnBits ?? right.returnBits ?? 64;
  for (const [index, run] of subject.runs.entries()) {
    for (const [what, a, b] of runFields(one.runs[index], other.runs[index], bits)) {
      if (a !== b) return differ(`${what} run ${index} (${run.program})`, a, b, index);
    }
  }
  return mapDifference(one.maps, other.maps, differ);
}

/** What is compared of a run, as text; packet and context only where both tell them. */
function* runFields(
  one: RunOutcome | undefined,
  other: RunOutcome | undefined,
  bits: number,
): Iterable<readonly [what: string, left: string, right: string]> {
  yield ["fault of", one?.fault ?? "none", other?.fault ?? "none"];
  const r0 = (run: RunOutcome | undefined): string => (run === undefined ? "none" : `${BigInt.asUintN(bits, run.r0)}`);
  yield ["r0 of", r0(one), r0(other)];
  if (one?.data !== undefined && other?.data !== undefined) yield ["packet after", hex(one.data), hex(other.data)];
  if (one?.ctx !== undefined && other?.ctx !== undefined) yield ["context after", fields(one.ctx), fields(other.ctx)];
}

/** Context fields as text, by name. */
function fields(ctx: Readonly<Record<string, bigint>>): string {
  const set = Object.entries(ctx).filter(([, value]) => value !== 0n);
  return (
    set
      .map(([name, value]) => `${name}=${value}`)
      .sort()
      .join(" ") || "all 0"
  );
}

function mapDifference(
  one: CaseOutcome["maps"],
  other: CaseOutcome["maps"],
  differ: (what: string, a: string, b: string) => Difference,
): Difference | undefined {
  for (const [name, entries] of Object.entries(one)) {
    const [left, right] = [new Map(entries), new Map(other[name] ?? [])];
    for (const key of [...new Set([...left.keys(), ...right.keys()])].sort()) {
      const [a, b] = [left.get(key) ?? "nothing", right.get(key) ?? "nothing"];
      if (a !== b) return differ(`key ${key} of map ${name}`, a, b);
    }
  }
  return undefined;
}

/** How bad it is that two verdicts differ: what we accept and the kernel refuses comes first. */
export type VerdictDifference = Difference & { readonly unsound: boolean };

/** Holds our verdicts against the kernel's. Only the verdict counts, not the words. */
export function compareVerdicts(
  subject: FuzzCase,
  ours: readonly [name: string, verdicts: readonly FuzzVerdict[]],
  theirs: readonly [name: string, verdicts: readonly FuzzVerdict[]],
): VerdictDifference | undefined {
  const word = ({ verdict, errno, message }: FuzzVerdict): string =>
    verdict === "accept" ? "accept" : `reject (${errno ?? "?"}: ${(message ?? "").replaceAll("\n", "; ")})`;
  const differences = subject.programs.flatMap((program, index): VerdictDifference[] => {
    const [one, other] = [ours[1][index]!, theirs[1][index]!];
    if (one.verdict === other.verdict || saysNothing(one) || saysNothing(other)) return [];
    const left = { engine: ours[0], value: word(one) };
    const right = { engine: theirs[0], value: word(other) };
    return [{ what: `verdict on ${program.name}`, left, right, unsound: one.verdict === "accept" }];
  });
  return differences.find(({ unsound }) => unsound) ?? differences[0];
}

/**
 * Whether a refusal tells nothing of the program: the kernel's verifier stumbled over itself (EFAULT, "verifier bug"),
 * something behind it gave up without a word in the log, or the walk was longer than its limit, which another may not reach.
 */
export function saysNothing({ verdict, errno, message }: FuzzVerdict): boolean {
  return verdict === "reject" && (errno === "EFAULT" || errno === "E2BIG" || message === "");
}

/** Lower-case hex of bytes. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
