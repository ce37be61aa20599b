import { describe, expect, test } from "vitest";
import { verify } from "../src/index.js";
import { hasTruth, scenarioCases, type TruthCase, verifierCases } from "./support/truth.js";

interface Outcome {
  readonly id: string;
  readonly group: string;
  readonly sameVerdict: boolean;
  readonly sameMessage: boolean;
  readonly accepts: boolean;
  readonly detail: string;
}

function judge({ id, group, program, options, expect: wanted }: TruthCase): Outcome {
  let verdict = "error";
  let message = "";
  let depth = "";
  let processed = 0;
  try {
    const answer = verify(program, options);
    verdict = answer.verdict;
    message = answer.message ?? "";
    depth = answer.stackDepth.join("+");
    processed = answer.insnsProcessed;
  } catch (error) {
    message = `${(error as Error).name}: ${(error as Error).message}`;
    if (!(error as Error).name.includes("VerifierError")) message += (error as Error).stack ?? "";
  }
  const sameVerdict = verdict === wanted.verdict;
  // Recorded with the states that stand beside a reason; a verdict's message is the reason alone.
  const reason = (wanted.message ?? "").replace(/\n(cur|old) state:.*/g, "");
  const sameMessage = wanted.verdict === "accept" || (sameVerdict && message === reason);
  const wantedDepth = wanted.stackDepth?.join("+");
  const depthNote =
    wantedDepth !== undefined && sameVerdict && wantedDepth !== depth ? ` depth ${depth} not ${wantedDepth}` : "";
  const over =
    wanted.insnsProcessed !== undefined && processed > wanted.insnsProcessed * 1.5
      ? ` processed ${processed}/${wanted.insnsProcessed}`
      : "";
  const detail = `${id}: ${verdict} ${JSON.stringify(message)} wanted ${wanted.verdict} ${JSON.stringify(wanted.message ?? "")}${depthNote}${over}`;
  return {
    id,
    group,
    sameVerdict,
    sameMessage: sameMessage && depthNote === "",
    accepts: verdict === "accept",
    detail,
  };
}

function report(title: string, outcomes: readonly Outcome[]): void {
  const groups = new Map<string, Outcome[]>();
  for (const outcome of outcomes) groups.set(outcome.group, [...(groups.get(outcome.group) ?? []), outcome]);
  const lines = [...groups].map(([group, all]) => {
    const verdicts = all.filter(({ sameVerdict }) => sameVerdict).length;
    const messages = all.filter(({ sameMessage }) => sameMessage).length;
    return `  ${group}: verdicts ${verdicts}/${all.length}, messages ${messages}/${all.length}`;
  });
  console.log(`${title}\n${lines.join("\n")}`);
  if (process.env["VERIFIER_DETAIL"] !== undefined) {
    console.log(
      outcomes
        .filter((o) => !o.sameVerdict || !o.sameMessage)
        .map(({ detail }) => detail)
        .join("\n"),
    );
  }
}

/** Cases whose answer is not the verifier's to give, with the reason. */
const OTHERS: ReadonlyMap<string, string> = new Map([
  ["sleepable/2", "refused before the verifier is asked: a kprobe takes no BTF function to attach to"],
  ["J13/x", "refused by the program array, whose owner is of another kind"],
  ["J14/x", "refused by the program array, whose owner is of another kind"],
]);

const isJudged = ({ id }: TruthCase): boolean => !OTHERS.has(id);

/** The verdicts are compared case by case in tools/conformance; this adds the summary by group, and takes its time. */
const full = process.env["BPFKIT_FULL_TESTS"] !== undefined;

describe.skipIf(!hasTruth || !full)("what Linux 6.18 answered (needs ../shared/truth and BPFKIT_FULL_TESTS=1)", () => {
  test("single programs", { timeout: 240_000 }, () => {
    const cases = verifierCases().filter(isJudged);
    const outcomes = cases.map(judge);
    report("single programs", outcomes);
    const rejected = outcomes.filter((_, index) => cases[index]!.expect.verdict === "reject");
    const holes = rejected.filter(({ accepts }) => accepts).map(({ id }) => id);
    expect(holes).toEqual([]);
    expect(outcomes.filter(({ sameVerdict }) => sameVerdict).length / outcomes.length).toBeGreaterThanOrEqual(0.97);
    expect(rejected.filter(({ sameMessage }) => sameMessage).length / rejected.length).toBeGreaterThanOrEqual(0.9);
  });

  test("scenarios of calls, tail calls and stack", { timeout: 240_000 }, () => {
    const outcomes = scenarioCases().filter(isJudged).map(judge);
    report("scenarios", outcomes);
    expect(outcomes.filter((o) => !o.sameVerdict || !o.sameMessage).map(({ detail }) => detail)).toEqual([]);
  });
});
