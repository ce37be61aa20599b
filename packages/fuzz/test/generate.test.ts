import { CLASSES, Coverage, DEFAULT_HELPERS, generateCase, instructionCount, layOut, programSeed } from "@bpfkit/fuzz";
import { decode, ROWS, rowOf, validate } from "@bpfkit/isa";
import { describe, expect, test } from "vitest";

const seeds = (count: number): number[] => Array.from({ length: count }, (_, i) => programSeed(2024, i));

describe.each(CLASSES)("class $name", ({ name, types, subprograms, members }) => {
  test("the same seed makes the same case", () => {
    for (const seed of seeds(20)) expect(generateCase(seed, name)).toEqual(generateCase(seed, name));
  });

  test("every program is instructions of the table, of a type of the class, and ends", () => {
    for (const seed of seeds(60)) {
      const subject = generateCase(seed, name);
      for (const program of subject.programs) {
        validate(program.code);
        expect(types).toContain(program.type);
        expect(rowOf(decode(program.code).at(-1)!).operation).toMatch(/exit|ja/);
      }
    }
  });

  test("what runs and slots name is there", () => {
    for (const seed of seeds(60)) {
      const { programs, runs, slots, maps } = generateCase(seed, name);
      const names = [...programs.map((program) => program.name), null];
      for (const { program } of [...slots, ...runs, ...runs.flatMap((run) => run.slots ?? [])]) {
        expect(names).toContain(program);
      }
      for (const reference of programs.flatMap((program) => program.references)) {
        if (reference.kind !== "extern") expect(maps.map((map) => map.name)).toContain(reference.map);
      }
    }
  });

  test("it has the subprograms and members it is to have", () => {
    const cases = seeds(60).map((seed) => generateCase(seed, name));
    const depths = cases.map(
      ({ programs }) => programs[0]!.subprograms.filter((one) => one.name.startsWith("sub")).length,
    );
    const [least, most] = subprograms ?? [0, 0];
    expect(Math.min(...depths)).toBe(least);
    expect(Math.max(...depths)).toBe(most);
    const others = cases.map(({ programs }) => programs.length - 1);
    expect([Math.min(...others), Math.max(...others)]).toEqual(members ?? [0, 0]);
  });
});

test("helpers that engines do not have are not called", () => {
  for (const seed of seeds(200)) {
    const { programs } = generateCase(seed, "packet", { helpers: [] });
    for (const program of programs) {
      const called = decode(program.code).filter((one) => rowOf(one).name === "call");
      expect(called.filter(({ imm }) => DEFAULT_HELPERS.includes(imm))).toEqual([]);
    }
  }
});

test("an unknown class is refused by name", () => {
  expect(() => generateCase(1, "loops")).toThrow(/loops is no class of programs; there are alu, branches/);
});

test("over all classes it reaches what it is for", () => {
  const coverage = new Coverage();
  for (const [i, seed] of seeds(2000).entries()) {
    coverage.add(generateCase(seed, CLASSES[i % CLASSES.length]!.name), true);
  }
  const table = coverage.table();
  expect(table.missingOpcodes).toEqual([]);
  // These need an arena, a function or variable of the kernel, or an array of descriptors.
  expect(table.missing).toEqual([
    "addrSpaceCastKernel",
    "addrSpaceCastUser",
    "callKfunc",
    "lddwVariable",
    "lddwMapIndex",
    "lddwMapIndexValue",
  ]);
  expect(Object.keys(table.instructions)).toHaveLength(ROWS.length - table.missing.length);
  expect(table.medianInstructions).toBeGreaterThanOrEqual(40);
  expect(table.branchesAndPacket).toBeGreaterThan(0.3);
  expect(table.subprograms).toBeGreaterThan(0.2);
  expect(table.tailCallsInSubprograms).toBeGreaterThan(0.1);
  expect(table.helpers).toHaveProperty("tail_call");
});

test("laying out is repeatable, and a case counts its instructions", () => {
  const subject = generateCase(programSeed(1, 1), "subprograms");
  expect(subject.sources.map(layOut)).toEqual(subject.programs);
  const counted = subject.programs.reduce((sum, program) => sum + decode(program.code).length, 0);
  expect(instructionCount(subject)).toBe(counted);
});
