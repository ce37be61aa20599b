import { readdirSync } from "node:fs";
import { isBpfkitError, isProgramArray, type MapSpec, type Program, slotIndex } from "@bpfkit/core";
import { KernelSession, testRun } from "@bpfkit/kernel";
import { describe, expect, test } from "vitest";
import { kernelMissing } from "./here.js";
import { program } from "./programs.js";

const ARRAY: MapSpec = { name: "m0", type: "array", keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 };
const PROGRAMS: MapSpec = { name: "m1", type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 2, flags: 0 };
/** r1 = map value of m0; atomic += 1 through r2; r0 = 7; exit */
const COUNT = "18210000000000000000000000000000b702000001000000db21000000000000b7000000070000009500000000000000";
/** exit without r0 */
const WRONG = "9500000000000000";

const descriptors = (): number => readdirSync("/proc/self/fd").length;
const megabytes = (): number => process.memoryUsage().rss / 2 ** 20;

/** Loads a program over two maps, puts it into a slot, runs it, and gives all back. */
function once(count: number): void {
  const session = new KernelSession("built");
  session.addMaps([ARRAY, PROGRAMS]);
  try {
    const subject = program(COUNT, { name: `p${count}` });
    expect(testRun(session.descriptorOf(subject), { data: new Uint8Array(64) }, "p").retval).toBe(7);
    const array = session.maps.get("m1")!;
    if (isProgramArray(array)) array.setProgram(0, subject);
    if (count % 8 === 0) refuseAll(session, subject);
  } finally {
    for (const map of session.maps.values()) map.dispose?.();
  }
}

/** Every way to be refused between two descriptors. */
function refuseAll(session: KernelSession, subject: Program): void {
  const small = { ...ARRAY, name: "small", valueSize: 0 };
  const types = {
    types: Uint8Array.of(1, 2, 3),
    functions: [{ slot: slotIndex(0), typeId: 1 }],
    lines: new Uint32Array(),
  };
  refused(() => session.descriptorOf(program(WRONG)));
  refused(() => session.descriptorOf({ ...program(COUNT), btf: types }));
  refused(() => testRun(session.descriptorOf(subject), { data: new Uint8Array(3) }, "p"));
  refused(() => session.addMaps([{ ...ARRAY, name: "good" }, small]));
  session.verdict(subject);
}

function refused(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (isBpfkitError(error)) return;
    throw error;
  }
  throw new Error("it was not refused");
}

describe.skipIf(kernelMissing !== "")(`the kernel gets everything back${kernelMissing}`, () => {
  test("10,000 loads, runs and refusals leave no descriptor and no memory behind", { timeout: 120_000 }, () => {
    for (let i = 0; i < 500; i++) once(i);
    const before = { descriptors: descriptors(), megabytes: megabytes() };
    for (let i = 0; i < 10_000; i++) once(i);
    expect(descriptors()).toBe(before.descriptors);
    expect(megabytes() - before.megabytes).toBeLessThan(64);
  });

  test("a session over which a set is still linked keeps its programs until that is released", () => {
    const before = descriptors();
    const session = new KernelSession();
    session.addMaps([ARRAY]);
    session.retain();
    const descriptor = session.descriptorOf(program(COUNT));
    for (const map of session.maps.values()) map.dispose?.();
    expect(testRun(descriptor, { data: new Uint8Array(64) }, "p").retval).toBe(7);
    session.release();
    expect(descriptors()).toBe(before);
    expect(() => session.descriptorOf(program(COUNT))).toThrow(expect.objectContaining({ code: "CLOSED" }));
  });
});
