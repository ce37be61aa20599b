import type { FuzzJudge, FuzzRunner } from "@bpfkit/fuzz";
import { availableEngines, ENGINES } from "../engines.js";
import { kernelJudge, kernelRunner } from "./kernel-runner.js";
import { Licences, verifierJudge } from "./verifier-judge.js";
import { vmRunner } from "./vm-runner.js";

/** Engines as a fuzz session takes them: the kernel first where it is there, because it is the measure. */
export interface FuzzEngines {
  readonly runners: readonly FuzzRunner[];
  /** Ours and the kernel's, where both are there. */
  readonly judges?: readonly [FuzzJudge, FuzzJudge];
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
}

/** Every engine at each of its levels of safety: `jit-x64` is the first of them, `jit-x64:confined` another. */
const EVERY_LEVEL: readonly string[] = ENGINES.flatMap(({ name, safety }) =>
  safety.map((level, index) => (index === 0 ? name : `${name}:${level}`)),
);

/**
 * The engines of those names, each as `NAME` or `NAME:SAFETY`, or all there are. A level that needs a verdict gets our
 * verifier's. @throws {CliError} `USAGE` for a name that is none.
 */
export async function fuzzEngines(names: readonly string[] = EVERY_LEVEL): Promise<FuzzEngines> {
  const licences = new Licences();
  const runners: FuzzRunner[] = [];
  const reasons = new Map<string, string>();
  for (const name of names) {
    const { runner, missing } = await runnerNamed(name, licences);
    if (runner !== undefined) runners.push(runner);
    for (const { name: engine, reason } of missing) reasons.set(engine, reason);
  }
  const order = (runner: FuzzRunner): number => (runner.name === "kernel" ? 0 : 1);
  const withKernel = runners.some(({ name }) => name === "kernel");
  const judges = withKernel ? ([verifierJudge(), kernelJudge()] as const) : undefined;
  return {
    runners: runners.sort((one, other) => order(one) - order(other)),
    missing: [...reasons].map(([name, reason]) => ({ name, reason })),
    ...(judges === undefined ? {} : { judges }),
  };
}

async function runnerNamed(
  name: string,
  licences: Licences,
): Promise<{ readonly runner?: FuzzRunner; readonly missing: FuzzEngines["missing"] }> {
  const [engineName = "", safety] = name.split(":", 2);
  const wishes = safety === undefined ? {} : { safety, accepted: licences.accepted };
  const { chosen, missing } = await availableEngines([engineName], wishes);
  const [found] = chosen;
  if (found === undefined) return { missing };
  if (found.verifies) return { runner: kernelRunner(), missing };
  const needed = found.safety === "checked" ? undefined : licences;
  return { runner: vmRunner(found.engine, { name, licences: needed }), missing };
}
