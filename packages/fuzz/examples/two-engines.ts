import { type FuzzRunner, fuzz } from "@bpfkit/fuzz";
import { decode, rowOf } from "@bpfkit/isa";

// Two "engines" that only count instructions; the second forgets multiplications.
const counter = (name: string, counts: (instruction: string) => boolean): FuzzRunner => ({
  name,
  run: ({ programs, runs }) => {
    const count = programs.flatMap(({ code }) => decode(code)).filter((one) => counts(rowOf(one).name)).length;
    return { runs: runs.map(() => ({ r0: BigInt(count) })), maps: {} };
  },
});

const runners = [counter("all", () => true), counter("forgetful", (name) => !name.startsWith("mul"))];
const { finding } = fuzz({ seed: 1, programs: 1000, runners });
if (finding !== undefined) {
  console.log(finding.file["title"]);
  for (const { code } of finding.subject.programs) console.log(decode(code).map((one) => rowOf(one).name));
}
