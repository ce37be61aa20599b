import type { LabelAt } from "./functions.js";
import { STB_LOCAL, STT_NOTYPE, type SymbolTable, symbolAt } from "./symbols.js";

/** Names code by the local label at its place, where assembly left one, else by section and offset: `.text+0x40`. */
export function labeller(table: SymbolTable): LabelAt {
  const { elf } = table;
  let labels: Map<string, number> | undefined;
  return (section, offset) => {
    labels ??= indexLabels(table);
    const symbol = labels.get(`${section}:${offset}`);
    const label = symbol === undefined ? "" : symbolAt(table, symbol).name;
    const name = label === "" ? `${elf.sections[section]!.name}+0x${offset.toString(16)}` : label;
    elf.budget.charge(name.length);
    return name;
  };
}

/** Index of the first local label at each place of a section. */
function indexLabels(table: SymbolTable): Map<string, number> {
  const labels = new Map<string, number>();
  for (let index = 1; index < table.count; index++) {
    const symbol = symbolAt(table, index);
    if (symbol.type !== STT_NOTYPE || symbol.binding !== STB_LOCAL) continue;
    const key = `${symbol.section}:${symbol.value}`;
    if (!labels.has(key)) labels.set(key, index);
  }
  return labels;
}
