import type { Row } from "./row.js";

/**
 * The field that holds the register an instruction writes (RFC 9669 §4, §5); undefined where it writes none. What calls,
 * `cmpxchg` and packet loads leave in r0 is in no field.
 */
export function writtenField({ operation, form, fields, target }: Row): "dst" | "src" | undefined {
  if (operation.startsWith("atomicFetch") || operation === "xchg") return "src";
  if (form.startsWith("[dst") || !fields.includes("dst")) return undefined;
  return target === undefined || operation === "lddw" ? "dst" : undefined;
}
