import { readFileSync } from "node:fs";
import { DEFAULT_PROFILE } from "@bpfkit/abi";
import { type ObjectSpec, parseObject } from "@bpfkit/elf";
import { type Verdict, verify } from "@bpfkit/verifier";
import { expect, test } from "vitest";
import { hasShared, sharedLines, sharedPath } from "../src/shared.js";

/** One program of an object of another project, and what Linux said to it. */
interface ObjectCase {
  readonly object: string;
  readonly section: string;
  readonly program: string;
  readonly type: string;
  /** Whoever recorded it guessed the program type: not counted. */
  readonly typeGuessed?: boolean;
  readonly expect: {
    readonly verdict: string;
    readonly message?: string;
    readonly insnsProcessed?: number;
    readonly stackDepth?: readonly number[];
  };
}

/** Differences with a reason; everything else has to agree. */
const KNOWN = new Map([
  ["test_probe_write_user_kern", "the recording kernel was configured without the helper probe_write_user"],
  ["tracex7_kern", "the recording kernel was configured without the helper override_return"],
]);

const cases = sharedLines("truth/objects.jsonl") as ObjectCase[];
const objects = new Map<string, ObjectSpec>();

function objectOf(name: string): ObjectSpec {
  let object = objects.get(name);
  if (object === undefined) {
    object = parseObject(new Uint8Array(readFileSync(sharedPath(`objects/${name}`))));
    objects.set(name, object);
  }
  return object;
}

function verdictOf({ object, section, program, type }: ObjectCase): Verdict {
  const { programs, maps } = objectOf(object);
  const found = programs.find((each) => each.name === program && each.section === section);
  if (found === undefined) throw new Error(`${object} has no program ${program} in ${section}`);
  return verify(
    { ...found, type },
    { maps: new Map(maps.map((map) => [map.name, map])), profile: DEFAULT_PROFILE, facts: false },
  );
}

test.skipIf(!hasShared("truth/objects.jsonl") || !hasShared("objects"))(
  "programs of other projects (needs the shared objects)",
  { timeout: 300_000 },
  () => {
    const counted = cases.filter((each) => !each.typeGuessed && each.expect.verdict !== "unknown");
    const differing = counted.flatMap((each) => {
      const verdict = verdictOf(each);
      const { expect: wanted } = each;
      const same =
        verdict.verdict === wanted.verdict &&
        (wanted.insnsProcessed ?? verdict.insnsProcessed) === verdict.insnsProcessed &&
        (wanted.stackDepth ?? verdict.stackDepth).join() === verdict.stackDepth.join();
      if (same || [...KNOWN.keys()].some((name) => each.object.includes(name))) return [];
      return [`${each.object} ${each.program}: ${verdict.verdict} ${verdict.message ?? ""}, not ${wanted.verdict}`];
    });
    console.log(`objects: ${counted.length} programs, ${differing.length} differ besides ${KNOWN.size} known`);
    expect(differing).toEqual([]);
  },
);
