import type { ProgramReport, StackReport } from "../report.js";
import { certaintyWord, plural, targetWords } from "./panels.js";
import { reportPicture } from "./picture.js";
import { escapeXml, panelHeight, panelShapes, pictureStyle } from "./svg.js";
import { chainText, programText, setText, targetNames } from "./text.js";

/** Pixels of a panel on a page; they stand side by side as the page has room. */
const PANEL_WIDTH = 300;
/** Programs that are open on a page; more are folded. */
const OPEN_PROGRAMS = 6;
/** Rows of a table; more are folded. */
const MOST_ROWS = 40;

const STYLE = `:root{color-scheme:light dark}
body{margin:0;padding:16px;background:var(--page);color:var(--ink);font:14px/1.45 ui-sans-serif,system-ui,sans-serif}
h1{font-size:20px}h2{font-size:16px;display:inline}summary{cursor:pointer;padding:8px 0}
.reject{color:var(--limit)}.panels{display:flex;flex-wrap:wrap;gap:20px;align-items:flex-start}
.table{overflow-x:auto;margin:12px 0}table{border-collapse:collapse}caption{text-align:left;white-space:nowrap;font-weight:600;padding:4px 0}
th,td{text-align:left;padding:3px 12px 3px 0;border-bottom:1px solid var(--edge);vertical-align:top}
td.number{text-align:right}code,pre{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:12px;overflow-wrap:anywhere}
pre{overflow-x:auto}`;

/** One page of a set under one or several profiles: verdicts, tables, pictures, and all of it again in words. */
export function drawHtml(reports: readonly StackReport[], title: string): string {
  const programs = reports.flatMap((report) => report.programs);
  const notes = reports.slice(0, 1).flatMap(setText);
  return [
    "<!doctype html>",
    '<html lang="en">',
    `<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeXml(title)}</title>`,
    `<style>${pictureStyle(":root")}\n${STYLE}</style></head>`,
    `<body><h1>${escapeXml(title)}</h1>`,
    ...notes.map((note) => `<p>${escapeXml(note)}</p>`),
    ...programs.map((report, at) => programSection(report, at, at < OPEN_PROGRAMS)),
    "</body></html>",
    "",
  ].join("\n");
}

function programSection(report: ProgramReport, number: number, open: boolean): string {
  const { program, type, profile, verdict, message, change, worst } = report;
  const says = message === undefined ? verdict : `${verdict}: ${message}`;
  return [
    `<details${open ? " open" : ""}><summary><h2>${escapeXml(`${program} (${type}), Linux ${profile.version} on ${profile.arch}`)}: <span class="${verdict}">${escapeXml(says)}</span></h2></summary>`,
    change === undefined ? "" : `<p>Would pass: ${escapeXml(change.text)}</p>`,
    `<p>Worst moment: ${worst.bytes} bytes, ${certaintyWord(worst.certainty)}, after ${plural(worst.tailCalls, "tail call")}; ${escapeXml(worst.why)}.</p>`,
    panels(report, number),
    frameTable(report),
    chainTable(report),
    report.tailCalls.length === 0 ? "" : tailCallTable(report),
    `<details><summary>All of it as text</summary><pre>${escapeXml(programText(report).join("\n"))}</pre></details>`,
    "</details>",
  ].join("\n");
}

function panels(report: ProgramReport, number: number): string {
  const picture = reportPicture([report]);
  const drawn = picture.panels.map((panel, at) => {
    const height = panelHeight(panel);
    const id = `panel-${number}-${at}`;
    const words = `${panel.subtitles.join(", ")}. ${panel.blocks.map(({ label, detail, kind }) => `${label} ${detail} ${kind}`).join("; ")}`;
    return `<svg class="panel" width="${PANEL_WIDTH}" height="${height}" viewBox="0 0 ${PANEL_WIDTH} ${height}" role="img" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${escapeXml(panel.title)}</title><desc id="${id}-d">${escapeXml(words)}</desc>${panelShapes(panel, PANEL_WIDTH)}</svg>`;
  });
  const note = picture.note === undefined ? "" : `<p>${escapeXml(picture.note)}</p>`;
  return `<div class="panels">${drawn.join("\n")}</div>${note}`;
}

/** `numbers`: columns that stand to the right. */
function table(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numbers: readonly number[],
): string {
  const cell = (text: string, at: number): string =>
    `<td${numbers.includes(at) ? ' class="number"' : ""}>${escapeXml(text)}</td>`;
  const shown = rows.slice(0, MOST_ROWS).map((row) => `<tr>${row.map(cell).join("")}</tr>`);
  const rest = rows.length - shown.length;
  const more = rest === 0 ? "" : `<tr><td colspan="${head.length}">${rest} more are not shown</td></tr>`;
  const titles = head.map((text) => `<th scope="col">${escapeXml(text)}</th>`).join("");
  return `<div class="table"><table><caption>${escapeXml(caption)}</caption><tr>${titles}</tr>${shown.join("\n")}${more}</table></div>`;
}

function frameTable({ frames }: ProgramReport): string {
  const estimated = frames.some((frame) => frame.estimated);
  const rows = frames.map(({ subprogram, bytes, rounded, privateStack }) => [
    subprogram,
    `${bytes}`,
    `${rounded}`,
    privateStack ? "on a stack of its own" : "",
  ]);
  const caption = `Frames in bytes${estimated ? ", estimated from the code" : ""}`;
  return table(caption, ["subprogram", "used", "rounded", ""], rows, [1, 2]);
}

function chainTable({ chains, chainsFolded, limit }: ProgramReport): string {
  const rows = chains.map(({ frames, bytes }) => [`${bytes}`, `${frames.length}`, chainText(frames)]);
  const more = chainsFolded === 0 ? "" : `, ${chainsFolded} more folded`;
  return table(`Call chains, limit ${limit} bytes${more}`, ["bytes", "frames", "chain"], rows, [0, 1]);
}

function tailCallTable({ tailCalls }: ProgramReport): string {
  const rows = tailCalls.map((tailCall) => [
    `${tailCall.slot}`,
    tailCall.source ?? "",
    tailCall.subprogram,
    targetWords(tailCall),
    `${tailCall.kept}`,
    targetNames(tailCall),
  ]);
  return table("Tail calls", ["slot", "source", "in", "through", "keeps", "to"], rows, [0, 4]);
}
