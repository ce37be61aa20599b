import { readdirSync } from "node:fs";
import { load } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { SOURCES } from "../src/files.js";
import { prepare, runOnce } from "../src/prepare.js";
import { sizedProgram } from "../src/sized-program.js";
import { availableSubjects, SUBJECTS } from "../src/subjects.js";
import { RAW_WORKLOADS, rawMemory, WORKLOADS } from "../src/workloads.js";

const interpreter = SUBJECTS[0]!;
const { subjects, missing } = availableSubjects();
const idle = missing.map(({ subject, reason }) => `${subject} (${reason})`);

test("every C source is a workload", () => {
  const sources = readdirSync(SOURCES).filter((file) => file.endsWith(".c") && file !== "native.c");
  const native = new Set(WORKLOADS.map(({ native }) => `${native}.c`));
  expect(sources.filter((file) => !native.has(file))).toEqual([]);
});

describe(`all engines here come to the same${idle.length === 0 ? "" : `; not here: ${idle.join(", ")}`}`, () => {
  test.each(WORKLOADS.map((workload) => [`${workload.group} ${workload.name} ${workload.x ?? ""}`, workload] as const))(
    "%s",
    (_, workload) => {
      const results = subjects.map((subject) => {
        const ready = prepare(workload, subject);
        const { r0 } = runOnce(ready.runnable, { data: workload.packet });
        ready.vm.dispose();
        return [subject.name, BigInt.asUintN(32, r0)];
      });
      expect(results).toEqual(results.map(([name]) => [name, results[0]![1]]));
    },
  );
});

test.each(RAW_WORKLOADS.map((workload) => [workload.name, workload] as const))(
  "raw %s is its XDP entry",
  (name, raw) => {
    const xdp = prepare(
      WORKLOADS.find((workload) => workload.group === "compute" && workload.name === name)!,
      interpreter,
    );
    const own = prepare(raw, interpreter);
    const { r0 } = runOnce(xdp.runnable, { data: raw.packet });
    const once = runOnce(own.runnable, { data: rawMemory(raw.packet, 1) });
    const thrice = runOnce(own.runnable, { data: rawMemory(raw.packet, 3) });
    expect([once.r0, thrice.r0]).toEqual([BigInt.asUintN(32, r0), BigInt.asUintN(32, r0)]);
    expect(thrice.instructions).toBeGreaterThan(2 * once.instructions! - 20);
    xdp.vm.dispose();
    own.vm.dispose();
  },
);

describe("programs by size", () => {
  test.each([50, 100, 1000, 4000])("%d instructions, accepted", (slots) => {
    const program = sizedProgram(slots);
    expect(program.code.length).toBe(slots * 8);
    const vm = load({ programs: [program], maps: [] });
    expect(vm.verify(program).verdict).toBe("accept");
    expect(vm.runnable(program).run({ data: new Uint8Array(64) })).toMatchObject({ r0: 2n });
    vm.dispose();
  });
});

test("code that is called is smaller than code that is inlined", () => {
  const slots = (name: string): number => {
    const workload = WORKLOADS.find(({ group, name: one, x }) => group === "sites" && one === name && x === 64)!;
    const ready = prepare(workload, interpreter);
    ready.vm.dispose();
    return ready.runnable.program.code.length / 8;
  };
  expect(slots("called")).toBeLessThan(slots("inlined") / 4);
});
