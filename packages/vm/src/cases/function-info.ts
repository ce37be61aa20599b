import { type BtfType, encodeBtf } from "@bpfkit/btf";
import { type ProgramBtf, slotIndex } from "@bpfkit/core";
import type { CaseFunction } from "./case.js";

/** Types a case's functions may take and return, with their ids in the BTF made here. */
const TYPES: readonly BtfType[] = [
  { kind: "int", name: "int", size: 4, bits: 32, offset: 0, encoding: 1 },
  { kind: "struct", name: "__sk_buff", size: 4, members: [{ name: "len", type: 1, bitOffset: 0, bitSize: 0 }] },
  { kind: "ptr", name: "", type: 2 },
  { kind: "ptr", name: "", type: 1 },
];
const IDS: Readonly<Record<string, number>> = { void: 0, int: 1, ctx: 3, "int*": 4 };

/** Makes BTF function info of what a case says: `args` and `ret` are `int`, `ctx`, `int*` or `void`; the entry takes `ctx`. */
export function functionInfo(functions: readonly CaseFunction[]): ProgramBtf {
  const types = [...TYPES];
  const idOf = (word: unknown): number => IDS[String(word)] ?? 1;
  const rows = functions.map(({ name, off, args = ["ctx"], ret = "int", linkage = "global" }) => {
    const params = args.map((word, index) => ({ name: `a${index}`, type: idOf(word) }));
    types.push({ kind: "func_proto", name: "", returns: idOf(ret), params });
    types.push({ kind: "func", name, type: types.length, linkage });
    return { slot: slotIndex(off), typeId: types.length };
  });
  return { types: encodeBtf(types), functions: rows, lines: new Uint32Array(0) };
}
