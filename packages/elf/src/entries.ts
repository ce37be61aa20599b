import type { CodeSection } from "./code-section.js";
import type { ElfFunction, FunctionTable } from "./functions.js";
import type { MapDefinition } from "./map-definition.js";

/** Where subprograms lie that are no entries; `.text.unlikely.` and its like too. */
const SUBPROGRAM_SECTION = /^\.text(\.|$)/;

/**
 * The functions that are programs: the global functions of each program section, or all functions where none is global.
 * `.text` holds subprograms only, unless it is all there is: objects for user-space machines have their entries there.
 */
export function findEntries(sections: readonly CodeSection[], functions: FunctionTable): ElfFunction[] {
  const own = sections.filter(({ section }) => !SUBPROGRAM_SECTION.test(section.name));
  return (own.length > 0 ? own : sections).flatMap(({ section }) => {
    const all = functions.get(section.index) ?? [];
    const globals = all.filter(({ global }) => global);
    return globals.length > 0 ? globals : all;
  });
}

/** A slot of a map that the object fills. */
export interface FilledSlot {
  readonly index: number;
  readonly of: "program" | "map";
  readonly name: string;
}

/**
 * The slot that a section name like `2/1` fills, as iproute2 reads it: the number of a program array and an index.
 * Undefined for any other name.
 */
export function slotOfSection(name: string): { readonly id: number; readonly index: number } | undefined {
  const match = /^(\d{1,9}|0x[0-9a-f]{1,8})\/(\d{1,9}|0x[0-9a-f]{1,8})$/i.exec(name);
  return match === null ? undefined : { id: Number(match[1]), index: Number(match[2]) };
}

/** Slots that section names fill, by the name of the map. */
export function slotsBySection(
  entries: readonly ElfFunction[],
  definitions: readonly MapDefinition[],
): ReadonlyMap<string, readonly FilledSlot[]> {
  const byId = new Map(definitions.flatMap(({ id, name }) => (id === undefined ? [] : [[id, name] as const])));
  const slots = new Map<string, FilledSlot[]>();
  for (const { name, code } of entries) {
    const place = slotOfSection(code.section.name);
    const map = place && byId.get(place.id);
    if (map === undefined) continue;
    const list = slots.get(map) ?? [];
    list.push({ index: place!.index, of: "program", name });
    slots.set(map, list);
  }
  return slots;
}
