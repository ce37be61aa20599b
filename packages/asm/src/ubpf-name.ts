import { type Operation, ROWS, type Row } from "@bpfkit/isa";
import { FETCHES } from "./operation.js";

const SIZE_LETTERS: { readonly [bits: number]: string } = { 8: "b", 16: "h", 32: "w", 64: "dw" };

/** Operations whose mnemonic is a stem and the letters of the access size. */
const STEMS: ReadonlyMap<Operation, string> = new Map<Operation, string>([
  ["load", "ldx"],
  ["loadSigned", "ldxs"],
  ["loadAcquire", "ldacq"],
  ["storeRelease", "strel"],
]);

/** Atomic operations behind `lock`, with `32` appended for 32 bits. */
const LOCKED: ReadonlyMap<Operation, string> = new Map<Operation, string>([
  ["atomicAdd", "add"],
  ["atomicOr", "or"],
  ["atomicAnd", "and"],
  ["atomicXor", "xor"],
  ["xchg", "xchg"],
  ["cmpxchg", "cmpxchg"],
  ...Array.from(FETCHES, ([operation, name]): [Operation, string] => [operation, `fetch ${name}`]),
]);

/**
 * What uBPF's syntax calls a row: `add`, `add32`, `ldxdw`, `lock fetch add32`, `jeq32`. The immediate and the register form
 * share it. What uBPF has no word for (address space casts, acquire and release, may_goto) has one of ours.
 */
export function ubpfMnemonic({ name, operation, width, form, from }: Row): string {
  const size = SIZE_LETTERS[width ?? 0] ?? "";
  const stem = STEMS.get(operation);
  if (stem !== undefined) return `${stem}${size}`;
  if (operation === "store") return `${form.endsWith("imm") ? "st" : "stx"}${size}`;
  if (operation === "loadPacket") return `${form === "skb[imm]" ? "ldabs" : "ldind"}${size}`;
  const locked = LOCKED.get(operation);
  if (locked !== undefined) return `lock ${locked}${width === 32 ? "32" : ""}`;
  if (operation === "movsx") return `movsx${from}${width}`;
  if (operation === "le" || operation === "be" || operation === "bswap") return `${operation}${width}`;
  if (operation === "addrSpaceCast") return name === "addrSpaceCastUser" ? "cast_user" : "cast_kernel";
  if (operation === "mayGoto") return "may_goto";
  if (name === "ja32") return "ja32";
  return `${operation}${width === 32 ? "32" : ""}`;
}

function byMnemonic(): ReadonlyMap<string, readonly Row[]> {
  const rows = new Map<string, Row[]>();
  const add = (mnemonic: string, row: Row): void => void rows.set(mnemonic, [...(rows.get(mnemonic) ?? []), row]);
  for (const row of ROWS) {
    add(ubpfMnemonic(row), row);
    if (row.operation === "bswap") add(`swap${row.width}`, row);
  }
  return rows;
}

/** The rows of each mnemonic: one, or an immediate and a register form. */
export const MNEMONICS: ReadonlyMap<string, readonly Row[]> = byMnemonic();
