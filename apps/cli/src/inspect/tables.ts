import type { Output, Style } from "../output.js";
import { plural } from "../run/report.js";
import { type Cell, printTable } from "../table.js";
import type { FileDescription } from "./object.js";

/** Draws a file's description for people. */
export function printDescription(about: FileDescription, output: Output): void {
  const { file, format, size, license } = about;
  const facts = [format, plural(size, "byte"), ...(license === undefined ? [] : [`license ${license}`])];
  output.line(`${output.style("strong", file)}: ${facts.join(", ")}`);
  printPrograms(about, output);
  printMaps(about, output);
  const { globals = [], sections = [], relocations = [], btf, problems } = about;
  const globalRows = globals.map((one): Cell[] => [
    one.name,
    one.section,
    one.offset,
    one.size,
    one.declaration ?? (one.static ? "static" : ""),
  ]);
  table(output, "Globals", ["name", "section", "offset", "bytes", "declaration"], globalRows);
  const named = sections.filter(({ type }) => type !== "NULL");
  const sectionRows = named.map((one): Cell[] => [one.name, one.type, one.offset, one.size]);
  table(output, "Sections", ["name", "type", "offset", "bytes"], sectionRows);
  printRelocations(relocations, output);
  if (btf !== undefined) {
    title(output, `BTF: ${plural(btf.types, "type")}`);
    for (const declaration of btf.functions) output.line(`  ${declaration}`);
  }
  if (problems.length > 0) title(output, "Problems", "bad");
  for (const { message } of problems) output.line(`  ${message}`);
}

/** Those of types and debug information are many and say little: they are counted. */
function printRelocations(relocations: NonNullable<FileDescription["relocations"]>, output: Output): void {
  const shown = relocations.filter(({ section }) => !/^\.(BTF|debug)/.test(section));
  const rows = shown.map((one): Cell[] => [one.section, one.offset, one.type, one.symbol]);
  table(output, "Relocations", ["section", "offset", "type", "symbol"], rows);
  const others = relocations.length - shown.length;
  if (others > 0) output.line(output.style("faint", `  and ${others} of types and debug information`));
}

function printPrograms({ programs, callGraph }: FileDescription, output: Output): void {
  table(
    output,
    "Programs",
    ["name", "section", "type", "slots", "bytes", "bytes if inlined, about"],
    programs.map((one) => [one.name, one.section, one.type, one.slots, one.bytes, one.inlined?.bytes]),
  );
  const rows = programs.flatMap(({ name, subprograms }) =>
    subprograms.map((one) => [
      name,
      one.name,
      one.start,
      one.slots,
      one.linkage,
      [...one.helpers, ...one.kfuncs].join(", "),
      one.maps.join(", "),
    ]),
  );
  table(output, "Subprograms", ["program", "subprogram", "start", "slots", "linkage", "helpers", "maps"], rows);
  if (callGraph.length > 0) title(output, "Calls");
  for (const { program, from, to, kind, sites } of callGraph) {
    const said = [...(kind === "call" ? [] : [kind]), ...(sites === 1 ? [] : [plural(sites, "site")])].join(", ");
    output.line(`  ${program}: ${from} ${kind === "tail call" ? "⇒" : `→ ${to}`}${said === "" ? "" : ` (${said})`}`);
  }
}

function printMaps({ maps }: FileDescription, output: Output): void {
  table(
    output,
    "Maps",
    ["name", "type", "key", "value", "entries", "flags", "holds"],
    maps.map((one) => [
      one.section ?? one.name,
      one.type,
      one.key === undefined ? one.keySize : `${one.key} (${one.keySize})`,
      one.value === undefined ? one.valueSize : `${one.value} (${one.valueSize})`,
      one.maxEntries,
      one.flags === 0 ? "" : `0x${one.flags.toString(16)}`,
      (one.slots ?? []).map(({ index, name }) => `${index}: ${name}`).join(", ") || (one.frozen ? "frozen" : ""),
    ]),
  );
}

function title(output: Output, text: string, style: Style = "strong"): void {
  output.line();
  output.line(output.style(style, text));
}

/** A titled table; nothing where there is no row. */
function table(output: Output, name: string, head: readonly string[], rows: readonly (readonly Cell[])[]): void {
  if (rows.length === 0) return;
  title(output, name);
  printTable(output, head, rows);
}
