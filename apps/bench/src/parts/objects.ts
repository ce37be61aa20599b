import { isBpfkitError } from "@bpfkit/core";
import { parseObject } from "@bpfkit/elf";
import { load } from "@bpfkit/vm";
import { calibrate } from "../clock.js";
import { objectBytes } from "../files.js";
import { gather, raceAndAdd, type Session, skip } from "../session.js";
import { timeProgram } from "./sizes.js";

/** An object given by whoever runs the benchmark. */
export interface GivenObject {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Objects of the repository whose loading is timed. */
const OWN = ["programs/tail", "programs/maps", "programs/sites", "programs/large"];

/** Parsing, loading (parsing and making maps), and verifying and linking the largest program of each object. */
export function timeObjects(session: Session, given: readonly GivenObject[]): void {
  const own = OWN.map((name) => ({ name: `${name.split("/")[1]}.o`, bytes: objectBytes(name) }));
  for (const object of [...own, ...given]) timeObject(session, object);
}

function timeObject(session: Session, { name, bytes }: GivenObject): void {
  const facts = { group: "objects", workload: name } as const;
  const repeated = (act: () => void) => ({
    subject: "bpfkit",
    make: () => {
      act();
      const many = (times: number): void => {
        for (let time = 0; time < times; time++) act();
      };
      return { subject: "bpfkit", sample: calibrate(many, session.method.round) };
    },
  });
  const acts = { parse: () => parseObject(bytes), load: () => load(bytes).dispose() };
  for (const [measure, act] of Object.entries(acts)) {
    const series = { ...facts, measure: measure as "parse" | "load" };
    raceAndAdd(session, series, gather(session, series, [repeated(act)]));
  }
  try {
    const source = parseObject(bytes);
    const [largest] = source.programs.toSorted((a, b) => b.code.length - a.code.length);
    if (largest !== undefined) timeProgram(session, facts, source, largest);
  } catch (error) {
    if (!isBpfkitError(error)) throw error;
    skip(session, { ...facts, measure: "verify" }, "verifier", error.message);
  }
}
