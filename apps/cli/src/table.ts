import Table from "cli-table3";
import type { Output } from "./output.js";

/** What a table shows in one place; undefined: nothing. */
export type Cell = string | number | undefined;

/** Prints columns without lines around them; numbers stand to the right. */
export function printTable(output: Output, head: readonly string[], rows: readonly (readonly Cell[])[]): void {
  const drawn = new Table({
    head: head.map((cell) => output.style("faint", cell)),
    chars: NO_LINES,
    style: { head: [], border: [], "padding-left": 2, "padding-right": 0 },
    colAligns: head.map((_, column) => (isNumeric(rows, column) ? "right" : "left")),
  });
  drawn.push(...rows.map((row) => row.map((cell) => String(cell ?? ""))));
  output.line(drawn.toString().replace(/[ ]+$/gm, ""));
}

/** Whether a column holds numbers, and nothing else. */
function isNumeric(rows: readonly (readonly Cell[])[], column: number): boolean {
  const cells = rows.map((row) => row[column]).filter((cell) => cell !== undefined);
  return cells.length > 0 && cells.every((cell) => typeof cell === "number");
}

const NO_LINES = Object.fromEntries(
  [
    "top",
    "top-mid",
    "top-left",
    "top-right",
    "bottom",
    "bottom-mid",
    "bottom-left",
    "bottom-right",
    "left",
    "left-mid",
    "mid",
    "mid-mid",
    "right",
    "right-mid",
    "middle",
  ].map((part) => [part, ""]),
);
