import type { Outcome } from "@bpfkit/vm";
import { expect, test } from "vitest";
import { type Compared, differencesOf } from "../src/compare/differences.js";
import type { Run } from "../src/run/report.js";

const outcome = (fields: Partial<Outcome>): Run => ({
  outcome: { program: "p", type: "xdp", engine: "e", r0: 2n, ...fields },
  ns: 1,
});
const one: Compared = { engine: "one", bits: 64, runs: [outcome({})], maps: {} };
const other: Compared = { ...one, engine: "other" };
const fault = { kind: "read", message: "read of 1 byte", place: {}, frames: [] } as const;

test.each([
  { name: "the same", right: {}, what: [] },
  { name: "counts and times", right: { runs: [outcome({ instructions: 7 })] }, what: [] },
  { name: "r0", right: { runs: [outcome({ r0: 3n })] }, what: ["r0 of run 1"] },
  { name: "the high half of r0", right: { runs: [outcome({ r0: 2n + 2n ** 32n })] }, what: ["r0 of run 1"] },
  {
    name: "the high half of r0, which is not told",
    right: { bits: 32, runs: [outcome({ r0: 2n + 2n ** 32n })] },
    what: [],
  },
  { name: "a fault", right: { runs: [outcome({ r0: 0n, fault })] }, what: ["fault of run 1", "r0 of run 1"] },
  { name: "a packet that only one tells", right: { runs: [outcome({ dataOut: Uint8Array.of(1) })] }, what: [] },
  { name: "a map", right: { maps: { m: [{ key: "00", value: "01" }] } }, what: ["map m"] },
  { name: "a packet that is refused", right: { runs: [{ refused: "EINVAL" }] }, what: ["acceptance of packet 1"] },
  { name: "a refusal", right: { refused: "no", runs: [] }, what: ["the program"] },
])("engines that differ in $name", ({ right, what }) => {
  expect(differencesOf(one, { ...other, ...right }).map((difference) => difference.what)).toEqual(what);
});

test("packets are compared byte by byte, values of CPUs in any order", () => {
  const left = {
    ...one,
    runs: [outcome({ dataOut: Uint8Array.of(1, 2) })],
    maps: { m: [{ key: "00", values: ["00", "01"] }] },
  };
  const right = {
    ...other,
    runs: [outcome({ dataOut: Uint8Array.of(1, 3) })],
    maps: { m: [{ key: "00", values: ["01", "00"] }] },
  };
  expect(differencesOf(left, right)).toEqual([
    { what: "packet after run 1", left: { engine: "one", value: "0102" }, right: { engine: "other", value: "0103" } },
  ]);
});
