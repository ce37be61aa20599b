import { type Program, type ProgramBtf, type Reference, SLOT_BYTES, type Subprogram, slotIndex } from "@bpfkit/core";
import { ROW } from "@bpfkit/isa";
import type { ElfFile } from "./elf-file.js";
import { ElfError } from "./error.js";
import { type ElfFunction, type FunctionTable, functionBefore } from "./functions.js";
import { firstRow, LINE_BYTES, type SectionLines } from "./object-btf.js";
import { lowerBound } from "./search.js";
import type { Site, SiteTarget } from "./site.js";

/** All that linking one program needs of its object. */
export interface Linker {
  readonly elf: ElfFile;
  readonly functions: FunctionTable;
  readonly lines: ReadonlyMap<string, SectionLines>;
  /** The object's BTF, data sections filled in. */
  readonly types: Uint8Array | undefined;
}

/** What linking adds to an entry's name and type. */
export type LinkedCode = Pick<Program, "code" | "subprograms" | "references"> & { readonly btf?: ProgramBtf };

/** A function's copy in the program being linked. */
interface Placed {
  readonly func: ElfFunction;
  /** Slot in the program. */
  readonly start: number;
  readonly sites: readonly Site[];
}

/** Bytes a reference or a subprogram takes as data, about. */
const OBJECT_BYTES = 64;

/**
 * Links an entry with the subprograms it uses, as libbpf does (`bpf_object__reloc_code`): each is appended at its first
 * use, before the uses inside it are looked at; one never used is left out.
 * @throws {ElfError} for what the program cannot hold, `TOO_LARGE` where the object's programs get out of proportion.
 */
export function link(linker: Linker, entry: ElfFunction): LinkedCode {
  const placed = place(linker, entry);
  const last = [...placed.values()].at(-1)!;
  const code = new Uint8Array((last.start + last.func.end - last.func.start) * SLOT_BYTES);
  const view = new DataView(code.buffer);
  const references: Reference[] = [];
  for (const { func, start, sites } of placed.values()) {
    code.set(func.code.code.subarray(func.start * SLOT_BYTES, func.end * SLOT_BYTES), start * SLOT_BYTES);
    for (const { slot, target } of sites) {
      const at = start + slot - func.start;
      if (target.kind === "call" || target.kind === "code") {
        const callee = placed.get(calleeOf(linker, entry, func, slot, target))!;
        patch(view, at, target.kind === "call" ? ROW.callLocal : ROW.lddwCode, callee.start - at - 1);
      } else references.push(refer(view, at, target as Referring));
    }
  }
  const btf = linkBtf(linker, [...placed.values()]);
  return {
    code,
    subprograms: [...placed.values()].map(toSubprogram),
    references,
    ...(btf === undefined ? {} : { btf }),
  };
}

/** Walks uses depth first and gives each function its slot. A stack of its own, since chains can be long. */
function place(linker: Linker, entry: ElfFunction): ReadonlyMap<ElfFunction, Placed> {
  const placed = new Map<ElfFunction, Placed>();
  let end = 0;
  const add = (func: ElfFunction): { func: ElfFunction; sites: readonly Site[]; next: number } => {
    const sites = sitesOf(func);
    linker.elf.budget.charge((func.end - func.start) * SLOT_BYTES + (sites.length + 1) * OBJECT_BYTES);
    placed.set(func, { func, start: end, sites });
    end += func.end - func.start;
    return { func, sites, next: 0 };
  };
  const stack = [add(entry)];
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    const site = top.sites[top.next++];
    if (site === undefined) {
      stack.pop();
      continue;
    }
    const { slot, width, target } = site;
    if (slot + width > top.func.end) {
      throw failure(linker, entry, top.func, slot, "DAMAGED", "the function ends within a 64-bit load");
    }
    if (target.kind === "problem") throw failure(linker, entry, top.func, slot, target.code, target.what);
    if (target.kind !== "call" && target.kind !== "code") continue;
    const callee = calleeOf(linker, entry, top.func, slot, target);
    if (!placed.has(callee)) stack.push(add(callee));
  }
  return placed;
}

/** The sites within a function; its section has them in order of their slots. */
function sitesOf({ code, start, end }: ElfFunction): readonly Site[] {
  const slot = (site: Site): number => site.slot;
  return code.sites.slice(lowerBound(code.sites, start, slot), lowerBound(code.sites, end, slot));
}

/** The function that a call or address leads to. @throws {ElfError} unless it leads to a function's first slot. */
function calleeOf(
  linker: Linker,
  entry: ElfFunction,
  func: ElfFunction,
  slot: number,
  target: Extract<SiteTarget, { kind: "call" | "code" }>,
): ElfFunction {
  const callee = functionBefore(linker.functions.get(target.section) ?? [], target.slot);
  if (callee?.start === target.slot) return callee;
  const { name } = linker.elf.sections[target.section]!;
  const where = callee === undefined ? "no function" : `the middle of function ${callee.name}`;
  const what = `a call or address of ${where} (section ${name}, slot ${target.slot}); it must be a function's first slot`;
  throw failure(linker, entry, func, slot, "UNRESOLVED", what);
}

function failure(
  { elf }: Linker,
  entry: ElfFunction,
  func: ElfFunction,
  slot: number,
  code: ElfError["code"],
  what: string,
): ElfError {
  return new ElfError(code, what, {
    ...(elf.file === undefined ? {} : { file: elf.file }),
    section: func.code.section.name,
    program: entry.name,
    subprogram: func.name,
    offset: slot * SLOT_BYTES,
  });
}

type Form = { readonly opcode: number; readonly select: { readonly src?: number } };

/** Makes a slot the form given, with an immediate; the destination register stays, the rest becomes 0. */
function patch(view: DataView, slot: number, form: Form, imm: number): void {
  const at = slot * SLOT_BYTES;
  const dst = form.opcode === ROW.callLocal.opcode ? 0 : view.getUint8(at + 1) & 15;
  view.setUint8(at + 1, dst | ((form.select.src ?? 0) << 4));
  view.setInt16(at + 2, 0, true);
  view.setInt32(at + 4, imm, true);
  if (form.opcode === ROW.lddw.opcode) view.setInt32(at + 12, 0, true);
}

type Referring = Extract<SiteTarget, { kind: "map" | "mapValue" | "extern" }>;

/** Makes a slot a reference: what its immediates held is in the reference now. */
function refer(view: DataView, at: number, target: Referring): Reference {
  const slot = slotIndex(at);
  switch (target.kind) {
    case "map":
      patch(view, at, ROW.lddwMap, 0);
      return { kind: "map", slot, map: target.map };
    case "mapValue":
      patch(view, at, ROW.lddwMapValue, 0);
      return { kind: "mapValue", slot, map: target.map, offset: target.offset };
    case "extern": {
      const call = view.getUint8(at * SLOT_BYTES) === ROW.callKfunc.opcode;
      patch(view, at, call ? ROW.callKfunc : ROW.lddw, 0);
      return { kind: "extern", slot, symbol: target.symbol, of: target.of, weak: target.weak };
    }
  }
}

function toSubprogram({ func, start }: Placed): Subprogram {
  return { name: func.name, start: slotIndex(start), linkage: func.global && !func.hidden ? "global" : "static" };
}

/** The rows of `.BTF.ext` that belong to the program's functions, moved along with them. */
function linkBtf(linker: Linker, placed: readonly Placed[]): ProgramBtf | undefined {
  if (linker.types === undefined) return undefined;
  const parts = placed.map(({ func }) => {
    const lines = linker.lines.get(func.code.section.name)?.lines ?? new Uint32Array(0);
    return lines.subarray(firstRow(lines, func.start) * 4, firstRow(lines, func.end) * 4);
  });
  const total = parts.reduce((sum, { length }) => sum + length, 0);
  linker.elf.budget.charge((total / 4) * LINE_BYTES);
  const lines = new Uint32Array(total);
  let at = 0;
  parts.forEach((part, i) => {
    lines.set(part, at);
    const { func, start } = placed[i]!;
    for (let row = at; row < at + part.length; row += 4) lines[row] = lines[row]! - func.start + start;
    at += part.length;
  });
  return { types: linker.types, functions: functionRows(linker, placed), lines };
}

/** A row for each subprogram, or none at all: the kernel takes function information only whole. */
function functionRows(linker: Linker, placed: readonly Placed[]): ProgramBtf["functions"] {
  const rows = placed.flatMap(({ func, start }) => {
    const typeId = linker.lines.get(func.code.section.name)?.functions.get(func.start);
    return typeId === undefined ? [] : [{ slot: slotIndex(start), typeId }];
  });
  return rows.length === placed.length ? rows : [];
}
