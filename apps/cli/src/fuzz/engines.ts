import type { FuzzJudge, FuzzRunner } from "@bpfkit/fuzz";
import { availableEngines } from "../engines.js";
import { kernelJudge, kernelRunner } from "./kernel-runner.js";
import { verifierJudge } from "./verifier-judge.js";
import { vmRunner } from "./vm-runner.js";

/** Engines as a fuzz session takes them: the kernel first where it is there, because it is the measure. */
export interface FuzzEngines {
  readonly runners: readonly FuzzRunner[];
  /** Ours and the kernel's, where both are there. */
  readonly judges?: readonly [FuzzJudge, FuzzJudge];
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
}

/** The engines of those names, or all there are. @throws {CliError} `USAGE` for a name that is none. */
export async function fuzzEngines(names?: readonly string[]): Promise<FuzzEngines> {
  const { chosen, missing } = await availableEngines(names);
  const runners = chosen.map(({ engine }) => (engine.name === "kernel" ? kernelRunner() : vmRunner(engine)));
  const order = (runner: FuzzRunner): number => (runner.name === "kernel" ? 0 : 1);
  const withKernel = runners.some(({ name }) => name === "kernel");
  const judges = withKernel ? ([verifierJudge(), kernelJudge()] as const) : undefined;
  return {
    runners: runners.sort((one, other) => order(one) - order(other)),
    missing,
    ...(judges === undefined ? {} : { judges }),
  };
}
