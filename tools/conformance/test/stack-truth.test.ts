import { profileFor } from "@bpfkit/abi";
import { analyseStack, type ProgramReport, reportStack } from "@bpfkit/stack";
import { describe, expect, test } from "vitest";
import { hasShared, sharedLines } from "../src/shared.js";
import { type StackCase, stackInput } from "../src/stack-case.js";

const FILE = "truth/scenarios.jsonl";
const cases = sharedLines(FILE) as StackCase[];
const isOf = (groups: RegExp) => (one: StackCase) => groups.test(one.id);

/** The kernel keeps frames in whole words (`grow_stack_state`). */
const words = ({ bytes }: { readonly bytes: number }): number => Math.ceil(bytes / 8) * 8;

function reportOf(stackCase: StackCase): readonly ProgramReport[] {
  return reportStack(analyseStack(stackInput(stackCase)), profileFor("6.18", "x86-64")).programs;
}

describe.skipIf(!hasShared(FILE))(`the stack analysis says what Linux 6.18 said (skipped without ${FILE})`, () => {
  test.each(cases.filter(isOf(/^[ABC]\d/)).map((one) => [`${one.id}: ${one.title}`, one] as const))(
    "%s",
    (_, stackCase) => {
      for (const [index, report] of reportOf(stackCase).entries()) {
        const { verdict, errno, message, stackDepth } = stackCase.programs[index]!.expect!;
        expect([report.verdict, report.errno, report.message]).toEqual([verdict, errno, message]);
        if (stackDepth !== undefined) expect(report.frames.map(words)).toEqual(stackDepth);
      }
    },
  );
});
