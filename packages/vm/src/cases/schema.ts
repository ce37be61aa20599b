import * as v from "valibot";
import { VmError } from "../error.js";
import { cut, HEX_RULE, isHex } from "../hex.js";
import type { Case, ObjectCase, SingleCase } from "./case.js";

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
const hex = v.pipe(v.string(), v.check(isHex, HEX_RULE));
/** The number a test run returned, or what the kernel said instead. */
const retval = v.union([integer, v.pipe(v.string(), v.regex(/^error \d+$/, 'must be a number, or "error N"'))]);
/** A map is an index into the case's maps, or a name. */
const mapRef = v.union([index, v.string()]);

const verdict = {
  verdict: v.optional(v.picklist(["accept", "reject", "unknown"])),
  message: v.optional(v.string()),
  errno: v.optional(v.string()),
  stackDepth: v.optional(v.array(index)),
  insnsProcessed: v.optional(index),
  log: v.optional(v.string()),
  why: v.optional(v.string()),
};

/** C types that function information may name; see `functionBtf`. */
const signatureType = v.picklist(["void", "int", "u64", "int*", "ctx"]);

const functionInfo = v.strictObject({
  name: v.string(),
  off: index,
  linkage: v.optional(v.picklist(["static", "global"])),
  args: v.optional(v.array(signatureType)),
  ret: v.optional(signatureType),
});

const code = {
  asm: v.nullish(v.string()),
  insns: v.nullish(hex),
  insnsZ: v.nullish(v.string()),
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

const valueType = v.strictObject({
  struct: v.optional(v.string()),
  size: v.optional(index),
  fields: v.array(v.strictObject({ name: v.string(), type: v.string(), offset: index })),
});

const map = v.strictObject({
  name: v.optional(v.string()),
  ...innerMap,
  inner: v.optional(v.strictObject(innerMap)),
  init: v.optional(hex),
  frozen: v.optional(v.boolean()),
  kind: v.optional(v.string()),
  btf: v.optional(valueType),
  slots: v.optional(v.record(v.pipe(v.string(), v.regex(/^\d+$/, "must be an index")), v.string())),
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
  retval: v.optional(retval),
  r0: v.optional(wide),
  action: v.optional(v.string()),
  dataOut: v.optional(hex),
  ctx: v.optional(v.record(v.string(), wide)),
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

const read = v.pipe(
  v.strictObject({
    map: mapRef,
    key: v.optional(hex),
    expect: v.optional(v.nullable(v.union([v.string(), v.array(hex)]))),
    records: v.optional(v.array(hex)),
    items: v.optional(v.array(hex)),
    count: v.optional(index),
    after: v.optional(index),
    note,
  }),
  v.check(
    ({ key, expect, records, items, count }) =>
      (key === undefined) === (expect === undefined) && (key ?? records ?? items ?? count) !== undefined,
    'must have "key" with "expect" (null: no such entry), "records", "items" or "count"',
  ),
);

const common = { id: v.string(), title: v.optional(v.string()), note };

const caseOf: v.GenericSchema<unknown, Case> = v.strictObject({
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
  claims: v.optional(v.boolean()),
});

const single: v.GenericSchema<unknown, SingleCase> = v.strictObject({
  ...common,
  name: v.optional(v.string()),
  group: v.optional(v.string()),
  type: v.string(),
  ...code,
  attachTo: v.optional(v.string()),
  maps: v.optional(v.array(map), []),
  mapRefs: v.optional(v.record(v.pipe(v.string(), v.regex(/^\d+$/, "must be a slot")), index), {}),
  expect: v.strictObject({
    ...verdict,
    runs: v.optional(v.array(v.strictObject({ data: v.optional(hex), retval: v.optional(retval) })), []),
  }),
});

const ofObject: v.GenericSchema<unknown, ObjectCase> = v.strictObject({
  object: v.string(),
  section: v.string(),
  program: v.string(),
  type: v.string(),
  slots: index,
  typeGuessed: v.optional(v.boolean()),
  expect: v.strictObject(verdict),
  note,
});

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
  // Rules of this file say themselves what would be right.
  const rule = issue.kind === "validation" && (issue.type === "regex" || issue.type === "check");
  const what = rule ? issue.message : `must be ${issue.expected}`;
  return rule && typeof issue.input === "object" ? what : `${what}, not ${cut(issue.received)}`;
}
