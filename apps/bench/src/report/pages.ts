import type { Results } from "../results.js";
import { type Chart, chartsOf, escaped } from "./plots.js";
import { tablesOf } from "./tables.js";
import { machineLines, skippedLines } from "./text.js";

/** All plots below one another, as one picture. */
export function svgOf(results: Results): string {
  const charts = chartsOf(results);
  let top = 0;
  const placed = charts.map((chart) => {
    const text = chart.svg.replace(/^<svg /, `<svg y="${top}" `);
    top += chart.height + 16;
    return text;
  });
  const width = Math.max(...charts.map((chart) => chart.width), 0);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top}" width="${width}" height="${top}"><rect width="100%" height="100%" fill="white"/>${placed.join("")}</svg>\n`;
}

const STYLE = `body{font:14px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;font-size:12px;font-variant-numeric:tabular-nums}td,th{padding:2px 8px;border-bottom:1px solid #ddd;text-align:right}
td:first-child,th:first-child{text-align:left}h2{margin-top:2.5rem}svg{max-width:100%;height:auto}`;

/** A page with plots and tables, whole in itself. */
export function htmlOf(results: Results): string {
  const list = (lines: readonly string[]): string =>
    `<ul>${lines.map((line) => `<li>${escaped(line)}</li>`).join("")}</ul>`;
  const charts = chartsOf(results).map(({ svg, width, height }: Chart) =>
    svg.replace(/^<svg /, `<svg viewBox="0 0 ${width} ${height}" `),
  );
  const skipped = skippedLines(results);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>bpfkit bench</title><style>${STYLE}</style></head><body>
<h1>bpfkit bench</h1>
${list(machineLines(results.machine))}
${charts.join("\n")}
${tablesOf(results).map(tableOf).join("\n")}
${skipped.length === 0 ? "" : `<h2>Not measured</h2>${list(skipped)}`}
</body></html>
`;
}

function tableOf({ title, note, head, rows }: ReturnType<typeof tablesOf>[number]): string {
  const row = (tag: string, cells: readonly string[]): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join("")}</tr>`;
  return `<h2>${escaped(title)}</h2>${note === undefined ? "" : `<p>${escaped(note)}</p>`}<table>${row("th", head)}${rows.map((cells) => row("td", cells)).join("")}</table>`;
}
