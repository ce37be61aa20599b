import { existsSync, readFileSync } from "node:fs";
import { ATTACH_TYPES } from "@bpfkit/abi";
import type { FunctionSignature } from "@bpfkit/btf";
import type { MapSpec, Program } from "@bpfkit/core";
import { isBpfkitError, isProgramArray } from "@bpfkit/core";
import { KernelSession, testRun } from "@bpfkit/kernel";
import { describe, expect, test } from "vitest";
import { kernelMissing } from "./here.js";
import { program } from "./programs.js";

const FILE = new URL("../../../../shared/truth/scenarios.jsonl", import.meta.url);
const missing = kernelMissing || (existsSync(FILE) ? "" : " (the recorded answers are not here)");

interface Expected {
  readonly verdict: "accept" | "reject";
  readonly errno?: string;
  readonly message?: string;
  readonly stackDepth?: number[];
  readonly insnsProcessed?: number;
  readonly log?: string;
}

const untimed = (log: string): string => log.replace(/\d+ usec/, "N usec");

interface Scenario {
  readonly id: string;
  readonly title: string;
  readonly note?: string;
  readonly maps?: Omit<MapSpec, "name" | "flags">[];
  readonly programs: {
    readonly name: string;
    readonly type: string;
    readonly insns: string;
    readonly btfFuncs?: { name: string; off: number; linkage?: "static" | "global"; args?: []; ret?: "int" }[];
    readonly expectedAttachType?: number;
    readonly flags?: number;
    readonly license?: string;
    readonly expect: Expected;
  }[];
  readonly slots?: { map: number; index: number; program?: string; delete?: boolean; flags?: number; expect: string }[];
  readonly runs?: {
    program: string;
    init?: { map: number; key: string; value: string }[];
    expect: { retval: number };
  }[];
  readonly reads?: { map: number; key: string; expect: string }[];
}

const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
const hex = (data: Uint8Array | undefined): string | undefined => data && Buffer.from(data).toString("hex");

function programOf(row: Scenario["programs"][number]): Program {
  const functions = row.btfFuncs?.map(({ off, ...rest }): FunctionSignature => ({ slot: off, ...rest }));
  const { name, type, expectedAttachType, flags, license } = row;
  const attach = expectedAttachType === undefined ? undefined : ATTACH_TYPES[expectedAttachType];
  const fields = {
    name,
    type,
    ...(attach && { expectedAttachType: attach }),
    ...(flags && { flags }),
    ...(license && { license }),
  };
  return program(row.insns, fields, functions);
}

/** "ok", or the code of what was thrown. */
function outcome(action: () => void): string {
  try {
    action();
    return "ok";
  } catch (error) {
    if (isBpfkitError(error)) return error.code;
    throw error;
  }
}

/** Carries a scenario out and gives what the kernel said, in the shape the file has it. */
function play(scenario: Scenario): unknown {
  const specs = (scenario.maps ?? []).map((map, i) => ({ ...map, flags: 0, name: `m${i}` }));
  const session = new KernelSession();
  session.retain();
  try {
    session.addMaps(specs);
    const programs = new Map(scenario.programs.map((row) => [row.name, programOf(row)]));
    const verdicts = scenario.programs.map(({ name, expect: expected }) => {
      const { log, ...answer } = session.verdict(programs.get(name)!, expected.log === undefined ? 0 : 2);
      const verdict = { ...answer, log: untimed(log) };
      if (verdict.verdict === "accept") session.descriptorOf(programs.get(name)!);
      return Object.fromEntries(Object.entries(verdict).filter(([field]) => field in comparable(expected)));
    });
    const slots = (scenario.slots ?? []).map((slot) => {
      const array = session.maps.get(`m${slot.map}`)!;
      if (!isProgramArray(array)) throw new Error(`map ${slot.map} is no program array`);
      return outcome(() =>
        slot.program === undefined
          ? array.deleteProgram(slot.index)
          : array.setProgram(slot.index, programs.get(slot.program)!, slot.flags),
      );
    });
    const runs = (scenario.runs ?? []).map((run) => {
      for (const { map, key, value } of run.init ?? []) session.maps.get(`m${map}`)!.set(bytes(key), bytes(value));
      const descriptor = session.descriptorOf(programs.get(run.program)!);
      return testRun(descriptor, { data: new Uint8Array(64) }, run.program).retval;
    });
    const reads = (scenario.reads ?? []).map(({ map, key }) => hex(session.maps.get(`m${map}`)!.get(bytes(key))));
    return { verdicts, slots, runs, reads };
  } finally {
    for (const map of session.maps.values()) map.dispose?.();
    session.release();
  }
}

/**
 * What of a recorded answer is the verdict's: states are printed with a reason but are no part of it, and ENOSPC says that
 * the recorder's log was full, not why the program was rejected.
 */
function comparable({ message, errno, log, ...rest }: Expected): Expected {
  const lines = message?.split("\n").filter((line) => !/^(cur|old) state:/.test(line));
  return {
    ...rest,
    ...(log === undefined ? {} : { log: untimed(log) }),
    ...(lines === undefined ? {} : { message: lines.join("\n") }),
    ...(errno === undefined || errno === "ENOSPC" ? {} : { errno }),
  };
}

function expected(scenario: Scenario): unknown {
  return {
    verdicts: scenario.programs.map((row) => comparable(row.expect)),
    slots: (scenario.slots ?? []).map((slot) => slot.expect),
    runs: (scenario.runs ?? []).map((run) => run.expect.retval),
    reads: (scenario.reads ?? []).map((read) => read.expect),
  };
}

describe.skipIf(missing !== "")(`the running kernel answers as recorded${missing}`, () => {
  const scenarios =
    missing === ""
      ? readFileSync(FILE, "utf8")
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line) as Scenario)
      : [];

  test.each(scenarios.filter(({ id }) => id !== "F21"))("$id: $title", (scenario) => {
    expect(play(scenario)).toEqual(expected(scenario));
  });

  test("F21: a program array with values of 8 bytes is refused", () => {
    const scenario = scenarios.find(({ id }) => id === "F21")!;
    expect(outcome(() => play(scenario))).toBe("EINVAL");
  });
});
