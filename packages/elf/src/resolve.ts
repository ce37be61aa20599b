import { type Btf, kindOf, typeById } from "@bpfkit/btf";
import { SLOT_BYTES } from "@bpfkit/core";
import { isCode, type ResolveSymbol } from "./code-section.js";
import type { ElfFile } from "./elf-file.js";
import { ElfError } from "./error.js";
import type { MapDefinition } from "./map-definition.js";
import { type RelocationIndex, relocationsOf } from "./relocations.js";
import { lastAtOrBefore } from "./search.js";
import type { SiteTarget } from "./site.js";
import { type ElfSymbol, SHN_UNDEF, STB_WEAK, STT_SECTION, type SymbolTable, symbolAt } from "./symbols.js";

/** Definitions of maps by section, ascending by offset. */
export type MapPlaces = ReadonlyMap<number, readonly MapDefinition[]>;

export function placesOf(definitions: readonly MapDefinition[]): MapPlaces {
  const places = new Map<number, MapDefinition[]>();
  for (const definition of definitions) {
    const list = places.get(definition.section);
    if (list === undefined) places.set(definition.section, [definition]);
    else list.push(definition);
  }
  for (const list of places.values()) list.sort((a, b) => a.offset - b.offset);
  return places;
}

/** The definition that covers a byte of a section; undefined where none does. */
export function definitionAt(places: MapPlaces, section: number, offset: number): MapDefinition | undefined {
  const found = lastAtOrBefore(places.get(section) ?? [], offset, (definition) => definition.offset);
  return found !== undefined && offset < found.offset + Math.max(found.size, 1) ? found : undefined;
}

/** Resolves what relocations of code refer to. */
export class Resolver {
  readonly #elf: ElfFile;
  readonly #table: SymbolTable;
  readonly #places: MapPlaces;
  readonly #relocations: RelocationIndex;
  readonly #defined: ReadonlyMap<number, readonly ElfSymbol[]>;
  readonly #btf: Btf | undefined;
  /** Symbols already decoded: many relocations share one. */
  readonly #symbols = new Map<number, ElfSymbol>();
  /** Byte offsets in a data section where addresses would have to be put, ascending. */
  readonly #addresses = new Map<number, readonly number[]>();
  /** Symbols of a data section, ascending by offset. */
  readonly #variables = new Map<number, readonly ElfSymbol[]>();
  #functions: ReadonlySet<string> | undefined;

  constructor(
    elf: ElfFile,
    table: SymbolTable,
    places: MapPlaces,
    relocations: RelocationIndex,
    defined: ReadonlyMap<number, readonly ElfSymbol[]>,
    btf: Btf | undefined,
  ) {
    this.#elf = elf;
    this.#table = table;
    this.#places = places;
    this.#relocations = relocations;
    this.#defined = defined;
    this.#btf = btf;
  }

  symbol(index: number): ElfSymbol {
    return remember(this.#symbols, index, () => symbolAt(this.#table, index));
  }

  /** What a relocation of an instruction stands for; `addend` is the instruction's immediate. */
  readonly target: ResolveSymbol = (index, addend, use) => {
    if (index >= this.#table.count) return problem("DAMAGED", `symbol ${index} does not exist`);
    const symbol = this.symbol(index);
    if (symbol.section === SHN_UNDEF) return this.#extern(symbol, use);
    const section = this.#elf.sections[symbol.section];
    if (section === undefined) {
      return problem("UNRESOLVED", `symbol ${symbol.name} is in no section of the object (${symbol.section})`);
    }
    if (isCode(section)) return codeTarget(symbol, addend, use);
    if (use === "call") return problem("UNRESOLVED", `a call of ${symbol.name}, which is in section ${section.name}`);
    const offset = symbol.value + addend;
    const definition = definitionAt(this.#places, symbol.section, offset);
    if (definition !== undefined) return this.#mapTarget(definition, symbol, offset);
    const what = symbol.type === STT_SECTION ? `byte ${offset}` : `symbol ${symbol.name}`;
    const kinds = "a map or global data (maps, .maps, .data, .rodata, .bss)";
    return problem("UNRESOLVED", `${what} of section ${section.name} is in no function and not in ${kinds}`);
  };

  #extern(symbol: ElfSymbol, use: "call" | "address"): SiteTarget {
    if (symbol.name === "") return problem("UNRESOLVED", "the symbol has neither a name nor a section");
    const isFunction = use === "call" || this.#functionNames().has(symbol.name);
    return {
      kind: "extern",
      symbol: symbol.name,
      of: isFunction ? "function" : "variable",
      weak: symbol.binding === STB_WEAK,
    };
  }

  #mapTarget(definition: MapDefinition, symbol: ElfSymbol, offset: number): SiteTarget {
    const { spec, name } = definition;
    if (spec instanceof ElfError) return problem(spec.code, spec.message);
    if (spec.section === undefined) {
      if (offset === definition.offset) return { kind: "map", map: name };
      return problem("UNRESOLVED", `an address ${offset - definition.offset} bytes into the definition of map ${name}`);
    }
    const address = this.#addressIn(symbol, offset);
    if (address === undefined) return { kind: "mapValue", map: name, offset };
    return problem(
      "UNRESOLVED",
      `data at ${spec.section}+${offset} holds an address (at +${address}), which nothing can fill in; use indices or a switch`,
    );
  }

  /** The first address that the data referred to would have to hold: within its variable, or behind where that is unknown. */
  #addressIn(symbol: ElfSymbol, offset: number): number | undefined {
    const addresses = this.#addressesOf(symbol.section);
    if (addresses.length === 0) return undefined;
    const variable = lastAtOrBefore(this.#variablesOf(symbol.section), offset, ({ value }) => value);
    const known = variable !== undefined && offset < variable.value + variable.size ? variable : undefined;
    const last = lastAtOrBefore(addresses, known === undefined ? Infinity : known.value + known.size - 1, (at) => at);
    return last !== undefined && last >= (known?.value ?? offset) ? last : undefined;
  }

  #addressesOf(section: number): readonly number[] {
    return remember(this.#addresses, section, () =>
      relocationsOf(this.#elf, this.#relocations, section).map(({ offset }) => offset),
    );
  }

  #variablesOf(section: number): readonly ElfSymbol[] {
    return remember(this.#variables, section, () =>
      (this.#defined.get(section) ?? []).toSorted((a, b) => a.value - b.value),
    );
  }

  /** Names of all functions in the BTF. */
  #functionNames(): ReadonlySet<string> {
    this.#functions ??= functionNames(this.#elf, this.#btf);
    return this.#functions;
  }
}

function functionNames(elf: ElfFile, btf: Btf | undefined): ReadonlySet<string> {
  const names = new Set<string>();
  for (let id = 1; btf !== undefined && id < btf.typeCount; id++) {
    if (kindOf(btf, id) !== "func") continue;
    const { name } = typeById(btf, id);
    elf.budget.charge(name.length);
    names.add(name);
  }
  return names;
}

function remember<Key, Value>(cache: Map<Key, Value>, key: Key, make: () => Value): Value {
  const value = cache.get(key) ?? make();
  cache.set(key, value);
  return value;
}

/** Calls count slots from the next one, in the immediate too; addresses count bytes (Documentation/bpf/llvm_reloc.rst). */
function codeTarget(symbol: ElfSymbol, addend: number, use: "call" | "address"): SiteTarget {
  const slot = use === "call" ? symbol.value / SLOT_BYTES + addend + 1 : (symbol.value + addend) / SLOT_BYTES;
  if (!Number.isInteger(slot) || slot < 0) {
    return problem("UNRESOLVED", `symbol ${symbol.name} + ${addend} is not the first byte of a slot`);
  }
  return { kind: use === "call" ? "call" : "code", section: symbol.section, slot };
}

const problem = (code: ElfError["code"], what: string): SiteTarget => ({ kind: "problem", code, what });
