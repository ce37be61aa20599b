import * as v from "valibot";
import { VmError } from "../error.js";

/*
 * The format of declarative tests, one schema a shape. Unknown fields are refused everywhere: a misspelt expectation
 * that is silently ignored would be a test that cannot fail. `note` is free text.
 */

const note = v.optional(v.string());
const index = v.pipe(v.number(), v.integer(), v.minValue(0));
const integer = v.pipe(v.number(), v.integer());
/** Decimal or 0x text, or a number where 53 bits are enough. */
const wide = v.union([
  integer,
  v.pipe(v.string(), v.regex(/^-?(0x[0-9a-fA-F]+|\d+)$/, "must be a decimal or 0x number")),
]);
const hex = v.string();
/** A map is an index into the case's maps, or a name. */
const mapRef = v.union([index, v.string()]);

const verdict = {
  verdict: v.optional(v.picklist(["accept", "reject", "unknown"])),
  message: v.optional(v.string()),
  errno: v.optional(v.string()),
  stackDepth: v.optional(v.array(index)),
  insnsProcessed: v.optional(index),
  /** The verifier's whole log, level 1; kept for reading, not compared. */
  log: v.optional(v.string()),
  /** Why the recorded answer is no verdict. */
  why: v.optional(v.string()),
};

const functionInfo = v.strictObject({
  name: v.string(),
  off: index,
  linkage: v.optional(v.picklist(["static", "global"])),
  args: v.optional(v.array(v.unknown())),
  ret: v.optional(v.string()),
});

const code = {
  asm: v.nullish(v.string()),
  insns: v.nullish(hex),
  /** The same as base64 of zlib, for huge programs. */
  insnsZ: v.nullish(v.string()),
  /** A name, or the kernel's number. */
  expectedAttachType: v.optional(v.union([v.string(), index])),
  flags: v.optional(index),
  license: v.optional(v.string()),
};

const program = v.strictObject({
  name: v.string(),
  type: v.string(),
  ...code,
  btfFuncs: v.optional(v.array(functionInfo)),
  expect: v.optional(v.strictObject(verdict)),
  note,
});

const innerMap = { type: v.string(), keySize: index, valueSize: index, maxEntries: index, flags: v.optional(index) };

const map = v.strictObject({
  name: v.optional(v.string()),
  ...innerMap,
  inner: v.optional(v.strictObject(innerMap)),
  /** The value of key 0. */
  init: v.optional(hex),
  frozen: v.optional(v.boolean()),
  /** Which fixture of a suite a recorded map is. */
  kind: v.optional(v.string()),
  /** The type of its value, which no map here looks at. */
  btf: v.optional(v.unknown()),
  /** By index: `ret N`, a program that returns N, or `loop pN`, one that tail-calls slot 1 of the same array. */
  slots: v.optional(v.record(v.string(), v.string())),
  note,
});

const slot = v.strictObject({
  map: mapRef,
  index: wide,
  program: v.optional(v.nullable(v.string())),
  delete: v.optional(v.boolean()),
  flags: v.optional(index),
  expect: v.optional(v.string()),
  note,
});

const init = v.strictObject({ map: mapRef, key: hex, value: v.optional(hex), values: v.optional(v.array(hex)), note });

const outcome = v.strictObject({
  /** The low 32 bits of r0; or what the kernel answered instead, `error 524`. */
  retval: v.optional(v.union([integer, v.string()])),
  r0: v.optional(wide),
  action: v.optional(v.string()),
  dataOut: v.optional(hex),
  ctx: v.optional(v.record(v.string(), wide)),
  /** A kind of fault, or true for any. */
  fault: v.optional(v.union([v.string(), v.boolean()])),
});

const run = v.strictObject({
  program: v.optional(v.string()),
  data: v.optional(hex),
  repeat: v.optional(index),
  ctx: v.optional(v.record(v.string(), wide)),
  slots: v.optional(v.array(slot)),
  init: v.optional(v.array(init)),
  expect: v.optional(outcome),
  note,
});

const read = v.strictObject({
  map: mapRef,
  key: v.optional(hex),
  expect: v.optional(v.nullable(v.union([hex, v.array(hex)]))),
  records: v.optional(v.array(hex)),
  items: v.optional(v.array(hex)),
  count: v.optional(index),
  /** Read after this run (0-based); after all of them where left out. */
  after: v.optional(index),
  note,
});

const common = { id: v.string(), title: v.optional(v.string()), note };

const caseOf = v.strictObject({
  ...common,
  object: v.optional(v.string()),
  profile: v.optional(
    v.strictObject({ version: v.optional(v.string()), arch: v.optional(v.string()), tailCallLimit: v.optional(index) }),
  ),
  programs: v.optional(v.array(program), []),
  maps: v.optional(v.array(map), []),
  slots: v.optional(v.array(slot), []),
  init: v.optional(v.array(init), []),
  runs: v.optional(v.array(run), []),
  reads: v.optional(v.array(read), []),
});

/** One program with its expectation at the top: the shape of recorded verifier cases. */
const single = v.strictObject({
  ...common,
  name: v.optional(v.string()),
  group: v.optional(v.string()),
  type: v.string(),
  ...code,
  attachTo: v.optional(v.unknown()),
  maps: v.optional(v.array(map), []),
  /** By slot: which map a 64-bit load names. */
  mapRefs: v.optional(v.record(v.string(), index), {}),
  expect: v.strictObject({
    ...verdict,
    runs: v.optional(
      v.array(v.strictObject({ data: v.optional(hex), retval: v.optional(v.union([integer, v.string()])) })),
      [],
    ),
  }),
});

/** One program of an object with its recorded verdict. */
const ofObject = v.strictObject({
  object: v.string(),
  section: v.string(),
  program: v.string(),
  type: v.string(),
  slots: index,
  typeGuessed: v.optional(v.boolean()),
  expect: v.strictObject(verdict),
  note,
});

export type Case = v.InferOutput<typeof caseOf>;
export type SingleCase = v.InferOutput<typeof single>;
export type ObjectCase = v.InferOutput<typeof ofObject>;
export type CaseProgram = v.InferOutput<typeof program>;
export type CaseMap = v.InferOutput<typeof map>;
export type CaseSlot = v.InferOutput<typeof slot>;
export type CaseInit = v.InferOutput<typeof init>;
export type CaseRun = v.InferOutput<typeof run>;
export type CaseRead = v.InferOutput<typeof read>;
export type CaseVerdict = v.InferOutput<v.StrictObjectSchema<typeof verdict, undefined>>;

/** A case of any of the three shapes. */
export type AnyCase =
  | { readonly shape: "case"; readonly case: Case }
  | { readonly shape: "single"; readonly case: SingleCase }
  | { readonly shape: "object"; readonly case: ObjectCase };

/**
 * Checks a parsed JSON or YAML value to be a declarative test.
 * @throws {VmError} `BAD_CASE`: which field is wrong, and what would be right.
 */
export function parseCase(value: unknown, where: string): AnyCase {
  const has = (field: string): boolean => typeof value === "object" && value !== null && field in value;
  if (has("section") && has("object")) return { shape: "object", case: check(ofObject, value, where) };
  if (has("expect") && !has("programs")) return { shape: "single", case: check(single, value, where) };
  return { shape: "case", case: check(caseOf, value, where) };
}

function check<S extends v.GenericSchema>(schema: S, value: unknown, where: string): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  throw new VmError("BAD_CASE", `${where}: ${path === null ? "" : `${path}: `}${wordIssue(issue)}`);
}

function wordIssue(issue: v.BaseIssue<unknown>): string {
  if (issue.expected === "never") return "there is no such field";
  return issue.expected === null ? issue.message : `must be ${issue.expected}, not ${issue.received}`;
}
