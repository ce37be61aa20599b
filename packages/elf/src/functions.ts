import { SLOT_BYTES } from "@bpfkit/core";
import type { CodeSection } from "./code-section.js";
import { lastAtOrBefore } from "./search.js";
import { type ElfSymbol, STB_LOCAL, STT_FUNC } from "./symbols.js";

/** A function of a code section: what gets linked as an entry or a subprogram. */
export interface ElfFunction {
  readonly name: string;
  readonly code: CodeSection;
  /** Slots in the section. */
  readonly start: number;
  /** One past the last slot. */
  readonly end: number;
  /** Visible to the linker: an entry where the section holds programs. */
  readonly global: boolean;
  /** Global, but hidden from the kernel, which takes it as static. */
  readonly hidden: boolean;
}

/** A place where a function begins; `end` is known where its symbol has a size. */
interface Start {
  readonly name: string;
  readonly start: number;
  readonly end: number | undefined;
  readonly global: boolean;
  readonly hidden: boolean;
}

const STV_DEFAULT = 0;
const STV_PROTECTED = 3;

/** Names code at a byte of a section that no function symbol names. */
export type LabelAt = (section: number, offset: number) => string;

/** The functions of each code section, ascending by their start. */
export type FunctionTable = ReadonlyMap<number, readonly ElfFunction[]>;

/**
 * Divides each code section into functions. Symbols of type FUNC begin one; in a section without any, global symbols do
 * (old compilers, assembly). A call may also reach code that no sized symbol covers (a stripped static function); it
 * begins a function there. A function without a size ends where the next one begins.
 */
export function findFunctions(
  sections: readonly CodeSection[],
  symbols: ReadonlyMap<number, readonly ElfSymbol[]>,
  labelAt: LabelAt,
): FunctionTable {
  const table = new Map<number, ElfFunction[]>();
  const targets = callTargets(sections);
  for (const code of sections) {
    const { index } = code.section;
    const named = namedStarts(code, symbols.get(index) ?? []);
    const reached = [...(targets.get(index) ?? [])].filter((slot) => slot >= 0 && slot < code.slots);
    const starts = withTargets(code, named, reached, labelAt);
    table.set(index, toFunctions(code, starts));
  }
  return table;
}

/** Slots that calls and function addresses of all sections lead to, by section. */
function callTargets(sections: readonly CodeSection[]): ReadonlyMap<number, ReadonlySet<number>> {
  const targets = new Map<number, Set<number>>(sections.map(({ section }) => [section.index, new Set()]));
  for (const { sites } of sections) {
    for (const { target } of sites) {
      if (target.kind === "call" || target.kind === "code") targets.get(target.section)?.add(target.slot);
    }
  }
  return targets;
}

/** One start for each slot that a symbol names; a global symbol wins over a local alias. */
function namedStarts(code: CodeSection, symbols: readonly ElfSymbol[]): Start[] {
  const functions = symbols.filter(({ type }) => type === STT_FUNC);
  const starts = new Map<number, Start>();
  for (const symbol of functions.length > 0 ? functions : symbols) {
    const start = symbol.value / SLOT_BYTES;
    if (!Number.isInteger(start) || start >= code.slots || symbol.name === "") continue;
    const global = symbol.binding !== STB_LOCAL;
    const known = starts.get(start);
    if (known !== undefined && (known.global || !global)) continue;
    starts.set(start, {
      name: symbol.name,
      start,
      end: symbol.size === 0 ? undefined : Math.min(code.slots, start + Math.ceil(symbol.size / SLOT_BYTES)),
      global,
      hidden: symbol.visibility !== STV_DEFAULT && symbol.visibility !== STV_PROTECTED,
    });
  }
  return [...starts.values()].sort((a, b) => a.start - b.start);
}

/** Adds the called slots that no sized function covers; a section without any function begins with one of its name. */
function withTargets(
  code: CodeSection,
  named: readonly Start[],
  reached: readonly number[],
  labelAt: LabelAt,
): readonly Start[] {
  const { index, name } = code.section;
  const fresh: Start[] = named.length === 0 ? [{ name, start: 0, end: undefined, global: true, hidden: false }] : [];
  let covered = -1;
  let next = 0;
  for (const slot of reached.toSorted((a, b) => a - b)) {
    for (; next < named.length && named[next]!.start <= slot; next++) {
      covered = named[next]!.end ?? named[next]!.start + 1;
    }
    if (slot < covered || (slot === 0 && named.length === 0)) continue;
    fresh.push({ name: labelAt(index, slot * SLOT_BYTES), start: slot, end: undefined, global: false, hidden: false });
  }
  return fresh.length === 0 ? named : [...named, ...fresh].sort((a, b) => a.start - b.start);
}

function toFunctions(code: CodeSection, starts: readonly Start[]): ElfFunction[] {
  return starts.map(({ name, start, end, global, hidden }, i) => ({
    name,
    code,
    start,
    end: end ?? starts[i + 1]?.start ?? code.slots,
    global,
    hidden,
  }));
}

/** The last function that begins at or before a slot; undefined where none does. */
export function functionBefore(functions: readonly ElfFunction[], slot: number): ElfFunction | undefined {
  return lastAtOrBefore(functions, slot, ({ start }) => start);
}
