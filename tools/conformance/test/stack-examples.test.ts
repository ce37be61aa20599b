import { profileFor } from "@bpfkit/abi";
import {
  analyseStack,
  drawDot,
  drawHtml,
  drawMermaid,
  drawReport,
  drawTrace,
  FrameTracer,
  momentBytes,
  programText,
  reportStack,
  setText,
  traceText,
} from "@bpfkit/stack";
import { load } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { adversary, guidePicture, kernelComment, type StackExample } from "../src/stack-examples.js";

const profile = profileFor("6.18");

function analysed(example: StackExample) {
  return reportStack(analyseStack(example), profile);
}

/** Runs the first program in the interpreter, with frames of the analysis. */
function traced(example: StackExample) {
  const { programs } = analysed(example);
  const vm = load(example, { profile });
  const tracer = new FrameTracer({
    programs: example.programs,
    frameBytes: (program, subprogram) =>
      programs.find((one) => one.program === program)?.frames.find((frame) => frame.subprogram === subprogram),
  });
  const outcome = vm.program(example.programs[0]!.name).run({ data: new Uint8Array(64) }, { onFrame: tracer.onFrame });
  vm.dispose();
  return { trace: tracer.trace(), outcome };
}

describe.each([
  { name: "kernel-comment", example: kernelComment, worst: 512, tailCalls: 2, r0: 3n },
  { name: "guide", example: guidePicture, worst: 192, tailCalls: 2, r0: 14n },
  { name: "adversary", example: adversary, worst: 8432, tailCalls: 33, r0: 34n },
])("$name", ({ name, example, worst, tailCalls, r0 }) => {
  const report = analysed(example);
  const golden = (file: string): string => `golden/stack/${name}${file}`;

  test("static: tables and pictures", async () => {
    const entry = report.programs[0]!;
    expect([entry.verdict, entry.worst.bytes, entry.worst.certainty]).toEqual(["accept", worst, "exact"]);
    const text = [...report.programs.flatMap((program) => [...programText(program), ""]), ...setText(report), ""];
    await expect(text.join("\n")).toMatchFileSnapshot(golden(".txt"));
    await expect(drawReport(report.programs)).toMatchFileSnapshot(golden(".svg"));
    await expect(drawHtml([report], name)).toMatchFileSnapshot(golden(".html"));
    await expect(drawDot(report)).toMatchFileSnapshot(golden(".dot"));
    await expect(drawMermaid(report)).toMatchFileSnapshot(golden(".mmd"));
  });

  test("as run: as deep as the analysis says, every frame whole", async () => {
    const { trace, outcome } = traced(example);
    expect([outcome.fault, outcome.r0, trace.tailCalls]).toEqual([undefined, r0, tailCalls]);
    expect(momentBytes(trace.deepest)).toBe(worst);
    await expect(`${traceText(trace).join("\n")}\n`).toMatchFileSnapshot(golden("-run.txt"));
    await expect(drawTrace(trace, example.programs[0]!.name)).toMatchFileSnapshot(golden("-run.svg"));
  });
});

test("the adversary reaches the bound of 33 tail calls that keep 240 bytes and a last chain of 512", () => {
  expect(analysed(adversary).programs[0]!.worst.bytes).toBe(33 * 240 + 512);
});
