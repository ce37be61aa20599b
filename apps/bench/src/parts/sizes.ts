import type { Program } from "@bpfkit/core";
import { load, type VmProgram, type VmSource } from "@bpfkit/vm";
import { calibrate } from "../clock.js";
import { BenchError } from "../error.js";
import { requireVerdicts, vmOf } from "../prepare.js";
import { gather, raceAndAdd, type Series, type Session } from "../session.js";
import { sizedProgram } from "../sized-program.js";

/** Instructions of the programs made for it; a quick run does without the largest. */
const SIZES = [100, 300, 1000, 4000, 10_000, 30_000, 60_000];
const QUICK_MOST = 4000;

/** Verifying and linking against program size. Of the kernel, linking is all its load does: verify and compile. */
export function timeSizes(session: Session): void {
  for (const size of SIZES) {
    if (session.method.quick && size > QUICK_MOST) continue;
    const program = sizedProgram(size);
    timeProgram(session, { group: "size", workload: "program", x: size }, { programs: [program], maps: [] }, program);
  }
}

/** Verifies and links one program again and again. */
export function timeProgram(
  session: Session,
  facts: Pick<Series, "group" | "workload" | "x">,
  source: VmSource,
  program: Program,
): void {
  const { round } = session.method;
  const slots = program.code.length / 8;
  timeVerifier(session, { ...facts, measure: "verify", slots }, source, program);
  const series: Series = { ...facts, measure: "link", slots };
  const makers = session.subjects.map((subject) => ({
    subject: subject.name,
    make: () => {
      const { vm } = vmOf(source, subject);
      try {
        requireVerdicts(subject, vm, program);
        const link = subject.load?.(vm, program) ?? linkAgain(vm.runnable(program));
        const sample = calibrate((times) => {
          for (let time = 0; time < times; time++) link();
        }, round);
        return { subject: subject.name, sample, dispose: () => vm.dispose() };
      } catch (error) {
        vm.dispose();
        throw error;
      }
    },
  }));
  raceAndAdd(session, series, gather(session, series, makers));
}

function linkAgain(runnable: VmProgram): () => void {
  return () => {
    runnable.link();
    runnable.dispose();
  };
}

function timeVerifier(session: Session, series: Series, source: VmSource, program: Program): void {
  const makers = [
    {
      subject: "verifier",
      make: () => {
        const vm = load(source);
        const { verdict, message } = vm.verify(program);
        if (verdict === "reject") throw new BenchError("REFUSED", `rejected: ${message?.split("\n")[0]}`);
        const sample = calibrate((times) => {
          for (let time = 0; time < times; time++) vm.verify(program);
        }, session.method.round);
        return { subject: "verifier", sample, dispose: () => vm.dispose() };
      },
    },
  ];
  raceAndAdd(session, series, gather(session, series, makers));
}
