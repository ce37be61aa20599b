import { profileFor } from "@bpfkit/abi";
import type { FrameInfo, TraceEvent } from "@bpfkit/core";
import { countTailCalls } from "@bpfkit/tailcall";
import type { Outcome, Vm } from "@bpfkit/vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { vmOf } from "../src/assembled.js";
import { modelOf, programsOf, type Step, textOf } from "../src/call-trees.js";

/*
 * Laws over random programs that call, tail-call and loop. Frames of a program may run out (a call tree is 4 deep, so they
 * do not), tail calls do; the limit is small, because by value the runs double with each.
 */

const LIMIT = 4;
const versions = fc.constantFrom("6.12", "6.11");
const runs = Number(process.env["FC_NUM_RUNS"] ?? 60);

function using<T>(programs: readonly (readonly Step[])[], version: string, what: (vm: Vm) => T): T {
  const texts = Object.fromEntries(programs.map((steps, index) => [`p${index}`, textOf(steps, index)]));
  const slots = Object.fromEntries(programs.map((_, index) => [index, `p${index}`]));
  const vm = vmOf(texts, slots, { profile: { ...profileFor(version), tailCallLimit: LIMIT } });
  try {
    return what(vm);
  } finally {
    vm.dispose();
  }
}

const place = ({ program, subprogram, stack }: FrameInfo): string => `${program}/${subprogram}@${stack}`;

/** Carries frame events out on a list of frames, outermost first, and fails where one does not fit. */
function follow(frames: FrameInfo[], event: TraceEvent): void {
  if (event.kind === "push") {
    expect(event.depth).toBe(frames.length + 1);
    frames.push(event.frame);
  } else if (event.kind === "pop") {
    expect([event.depth, place(event.frame)]).toEqual([frames.length, place(frames.pop()!)]);
  } else if (event.kind === "tail-call") {
    expect([event.depth, place(event.from)]).toEqual([frames.length, place(frames.pop()!)]);
    expect(event.to.slot).toBe(0);
    frames.push(event.to);
  } else if (event.kind === "missed-tail-call") {
    expect(place(event.frame)).toBe(place(frames.at(-1)!));
  } else {
    expect(event.program).toBe(frames.at(-1)!.program);
  }
}

describe("law", () => {
  test("pushes, pops and tail calls always fit the frames there are, and leave none", () => {
    fc.assert(
      fc.property(programsOf(true), versions, (programs, version) => {
        using(programs, version, (vm) => {
          const frames: FrameInfo[] = [];
          const counts: Record<TraceEvent["kind"], number> = {
            instruction: 0,
            push: 0,
            pop: 0,
            "tail-call": 0,
            "missed-tail-call": 0,
          };
          const listen = (event: TraceEvent): void => {
            counts[event.kind]++;
            follow(frames, event);
          };
          const traced = vm.program("p0").run({}, { onFrame: listen, onInstruction: listen });
          expect(frames).toEqual([]);
          expect(counts.push).toBe(counts.pop);
          expect([traced.instructions, traced.tailCalls, traced.missedTailCalls]).toEqual([
            counts.instruction,
            counts["tail-call"],
            counts["missed-tail-call"],
          ]);
          // Listening changes nothing, and neither does what ran before.
          expect(vm.program("p0").run()).toEqual(traced);
        });
      }),
      { numRuns: runs },
    );
  });

  test("stepping is running: the same outcome, events and frames at every instruction", () => {
    fc.assert(
      fc.property(programsOf(true), versions, (programs, version) => {
        using(programs, version, (vm) => {
          const [ran, stepped]: TraceEvent[][] = [[], []];
          const outcome = vm.program("p0").run({}, { onFrame: (event) => ran!.push(event) });
          const frames: FrameInfo[] = [];
          const stepper = vm.program("p0").step(
            {},
            {
              onFrame: (event) => {
                stepped!.push(event);
                follow(frames, event);
              },
            },
          );
          let steps = 0;
          while (stepper.step() === undefined) {
            steps++;
            expect(stepper.frames.map(place)).toEqual(frames.map(place).reverse());
            expect(stepper.frame).toEqual(stepper.frames[0]);
          }
          expect(outcome).toMatchObject(stepper.result!);
          expect(stepper.instructions).toBe(steps + 1);
          expect(stepped).toEqual(ran);
        });
      }),
      { numRuns: runs / 2 },
    );
  });

  test("tail calls made and missed are the model's", () => {
    fc.assert(
      fc.property(programsOf(false), versions, (programs, version) => {
        const profile = { ...profileFor(version), tailCallLimit: LIMIT };
        const model = countTailCalls(modelOf(programs), "p0", profile);
        using(programs, version, (vm) => {
          const runsOf: Record<string, number> = { p0: 1 };
          let missed = 0;
          const onFrame = (event: TraceEvent): void => {
            if (event.kind === "tail-call") runsOf[event.to.program] = (runsOf[event.to.program] ?? 0) + 1;
            if (event.kind === "missed-tail-call" && event.reason === "count") missed++;
          };
          const { tailCalls } = vm.program("p0").run({}, { onFrame });
          // The last slot is empty; the model has no such, but with the count used up it is the count that misses.
          const empty = JSON.stringify(programs).includes('"tail":3');
          expect([runsOf, tailCalls]).toEqual([model.runs, model.made]);
          if (!empty) expect(missed).toBe(model.missed);
        });
      }),
      { numRuns: runs },
    );
  });

  test("a budget that is enough changes nothing, one less faults before the last instruction", () => {
    fc.assert(
      fc.property(programsOf(true), fc.double({ min: 0, max: 1, noNaN: true }), (programs, part) => {
        using(programs, "6.12", (vm) => {
          const whole = vm.program("p0").run();
          const cut = (budget: number): Outcome => vm.program("p0").run({}, { budget });
          expect(cut(whole.instructions!)).toEqual(whole);
          for (const budget of [whole.instructions! - 1, Math.floor(part * (whole.instructions! - 1))]) {
            const { fault, instructions } = cut(budget);
            expect([fault?.kind, instructions]).toEqual(["budget", budget]);
          }
        });
      }),
      { numRuns: runs },
    );
  });
});
