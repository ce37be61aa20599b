import type { Profile } from "@bpfkit/core";
import { TailcallError } from "./error.js";

/**
 * What a program does, reduced to calls and tail calls. `call`: a subprogram with these steps. `tailCall`: the program of
 * that name takes the place of the current frame; where it cannot, the steps go on behind it.
 */
export type ModelStep = { readonly call: readonly ModelStep[] } | { readonly tailCall: string };

/** Programs by name. */
export type TailCallModel = Readonly<Record<string, readonly ModelStep[]>>;

/** What one entry did. */
export interface ModelCounts {
  /** How often each program ran, the entry's own run included. */
  readonly runs: Readonly<Record<string, number>>;
  /** Tail calls that were made. */
  readonly made: number;
  /** Tail calls that fell through, the count being used up. */
  readonly missed: number;
}

/** Runs after which a model is given up; by value they double with every tail call. */
const MAX_RUNS = 1_000_000;

/**
 * The count rule, carried out on a model. `shared` (Linux 6.12 on): one count for the whole entry, which callees advance
 * for their callers too. `by-value` (to 6.11): a callee starts from its caller's count and hands nothing back.
 * @throws {TailcallError} `TOO_MANY_RUNS` past a million runs, `EINVAL` for a tail call to a program that is not there.
 */
export function countTailCalls(
  model: TailCallModel,
  entry: string,
  profile: Pick<Profile, "tailCallLimit" | "tailCallCount">,
): ModelCounts {
  const runs: Record<string, number> = {};
  let [total, made, missed] = [0, 0, 0];

  const enter = (program: string): readonly ModelStep[] => {
    const steps = Object.hasOwn(model, program) ? model[program] : undefined;
    if (steps === undefined) throw new TailcallError("EINVAL", `the model has no program ${program}`);
    if (++total > MAX_RUNS) throw new TailcallError("TOO_MANY_RUNS", `the model runs programs over ${MAX_RUNS} times`);
    runs[program] = (runs[program] ?? 0) + 1;
    return steps;
  };

  /** One frame and what takes its place. Gives the count it leaves. */
  const frame = (steps: readonly ModelStep[], countAtStart: number): number => {
    let count = countAtStart;
    for (const step of steps) {
      if ("call" in step) {
        const left = frame(step.call, count);
        if (profile.tailCallCount === "shared") count = left;
      } else if (count < profile.tailCallLimit) {
        made++;
        return frame(enter(step.tailCall), count + 1);
      } else missed++;
    }
    return count;
  };

  frame(enter(entry), 0);
  return { runs, made, missed };
}
