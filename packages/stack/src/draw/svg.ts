import type { Panel, PanelBlock } from "./panels.js";

/** Pixels. */
const AXIS = 52;
const GUTTER = 72;
const BLOCK_MIN = 38;
const PIXELS_A_BYTE = 0.45;
const HEADER = 64;
const FOOTER = 16;
const GAP = 16;
const MARGIN = 16;
const PANEL_MIN = 272;
const PANEL_MAX = 380;
/** A character of the names, of the small text, of a title. */
const NAME_CHAR = 7.4;
const SMALL_CHAR = 6.5;
const TITLE_CHAR = 8.6;

/** Widths a picture may have. */
export const MIN_WIDTH = 600;
export const MAX_WIDTH = 1600;

/** Makes text safe inside XML and HTML, attribute values in double quotes too. */
export function escapeXml(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  // What XML 1.0 cannot hold at all becomes the replacement character.
  return text.replace(/[&<>"']/g, (one) => entities[one]!).replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD]/g, "\uFFFD");
}

/** Cuts text to a width, with an ellipsis where something is missing. */
function fit(text: string, pixels: number, character: number): string {
  const room = Math.max(1, Math.floor(pixels / character));
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}

/** Colours of both schemes, and how text looks. `scope`: the selector they hang on. */
export function pictureStyle(scope: string): string {
  return `${scope}{--page:#fff;--ink:#1b1f24;--dim:#57606a;--edge:#8c959f;--stays:#d0e2ff;--replaced:#fff;--runs:#c4ecd0;--folded:#eaeef2;--limit:#b42318}
@media (prefers-color-scheme:dark){${scope}{--page:#0f1318;--ink:#e6edf3;--dim:#a5b0bb;--edge:#6e7a86;--stays:#1d3b66;--replaced:#0f1318;--runs:#1c4a2f;--folded:#2a313a;--limit:#ff8a7a}}
${scope} text{font-family:ui-sans-serif,system-ui,sans-serif;font-size:11px;fill:var(--dim)}
${scope} .title{font-size:13px;font-weight:600;fill:var(--ink)}
${scope} .name{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:12px;fill:var(--ink)}
${scope} .frame{stroke:var(--edge);stroke-width:1}
${scope} .stays{fill:var(--stays)}${scope} .runs{fill:var(--runs)}${scope} .folded{fill:var(--folded);stroke-dasharray:2 3}
${scope} .replaced{fill:var(--replaced);stroke-dasharray:5 4}
${scope} .free{fill:none;stroke:var(--edge);stroke-dasharray:1 4}
${scope} .begins{stroke:var(--ink);stroke-width:2}
${scope} .limit{stroke:var(--limit);stroke-width:1.5;stroke-dasharray:6 3}
${scope} .limit-text{fill:var(--limit)}`;
}

interface Laid {
  readonly block: PanelBlock;
  readonly top: number;
  readonly height: number;
  /** Bytes above its lower edge. */
  readonly end: number;
}

function layOut({ blocks }: Panel): Laid[] {
  let top = HEADER;
  let end = 0;
  return blocks.map((block) => {
    const height = block.kind === "folded" ? 44 : Math.max(BLOCK_MIN, Math.round(block.bytes * PIXELS_A_BYTE));
    const laid = { block, top, height, end: end + block.bytes };
    top += height;
    end = laid.end;
    return laid;
  });
}

/** Where a number of bytes lies: along the blocks, and below them in free space. */
function heightOf(bytes: number, laid: readonly Laid[]): number {
  let start = 0;
  for (const { top, height, end } of laid) {
    if (bytes <= end && end > start) return top + (height * (bytes - start)) / (end - start);
    start = end;
  }
  const last = laid.at(-1);
  return (last === undefined ? HEADER : last.top + last.height) + (bytes - start) * PIXELS_A_BYTE;
}

/** The height one panel needs, in pixels. */
export function panelHeight(panel: Panel): number {
  const laid = layOut(panel);
  const last = laid.at(-1);
  const bottom = last === undefined ? HEADER : last.top + last.height;
  return Math.ceil(Math.max(bottom, ...panel.limits.map(({ bytes }) => heightOf(bytes, laid))) + FOOTER);
}

/** The shapes of one panel, at 0, 0. */
export function panelShapes(panel: Panel, width: number): string {
  const laid = layOut(panel);
  const right = width - GUTTER;
  const [first, second] = panel.subtitles.map((text) => escapeXml(fit(text, width, SMALL_CHAR)));
  const parts = [
    `<text class="title" x="0" y="16">${escapeXml(fit(panel.title, width, TITLE_CHAR))}<title>${escapeXml(panel.title)}</title></text>`,
    `<text x="0" y="32">${first}</text>`,
    `<text${panel.refused ? ' class="limit-text"' : ""} x="0" y="47">${second}</text>`,
  ];
  const free = panel.limits.at(-1);
  const last = laid.at(-1);
  const bottom = last === undefined ? HEADER : last.top + last.height;
  if (free !== undefined && heightOf(free.bytes, laid) > bottom) {
    const height = heightOf(free.bytes, laid) - bottom;
    parts.push(`<rect class="free" x="${AXIS}" y="${bottom}" width="${right - AXIS}" height="${round(height)}"/>`);
  }
  parts.push(`<text x="${AXIS - 6}" y="${HEADER + 4}" text-anchor="end">0</text>`);
  for (const one of laid) parts.push(rectangle(one, right));
  const lines = panel.limits.map(({ bytes }) => heightOf(bytes, laid));
  for (const [at, { label }] of panel.limits.entries()) parts.push(limitLine(lines[at]!, label, right));
  for (const one of laid) parts.push(words(one, right, lines));
  return parts.join("\n");
}

const round = (value: number): number => Math.round(value * 10) / 10;

function rectangle({ block, top, height, end }: Laid, right: number): string {
  const title = `${block.label}: ${block.detail}`;
  const shape = `<rect class="frame ${block.kind}" x="${AXIS}" y="${top}" width="${right - AXIS}" height="${height}"><title>${escapeXml(title)}</title></rect>`;
  const begins = block.begins ? `<path class="begins" d="M${AXIS - 4} ${top}H${right + 4}"/>` : "";
  return `${shape}${begins}<text x="${AXIS - 6}" y="${top + height + 4}" text-anchor="end">${end}</text>`;
}

function limitLine(at: number, label: string, right: number): string {
  const y = round(at);
  return `<path class="limit" d="M${AXIS} ${y}H${right + 6}"/><text class="limit-text" x="${right + 9}" y="${round(at + 4)}">${escapeXml(label)}</text>`;
}

/** Half the height of a block's two lines of text. */
const TEXT_HALF = 18;

/** Where a block's text has its middle: off the lines across it, where there is room. */
function textMiddle({ top, height }: Laid, lines: readonly number[]): number {
  const middle = top + height / 2;
  const near = lines.find((line) => Math.abs(line - middle) < TEXT_HALF);
  if (near === undefined) return middle;
  const [above, below] = [near - TEXT_HALF, near + TEXT_HALF];
  if (above - TEXT_HALF >= top) return above;
  return below + TEXT_HALF <= top + height ? below : middle;
}

/** Text stands on its block's colour, so that a line there is no room beside does not run through it. */
function words(one: Laid, right: number, lines: readonly number[]): string {
  const { block } = one;
  const room = right - AXIS - 16;
  const middle = textMiddle(one, lines);
  const halo = `style="paint-order:stroke;stroke:var(--${block.kind});stroke-width:5px"`;
  return (
    `<text class="name" ${halo} x="${AXIS + 8}" y="${round(middle - 3)}">${escapeXml(fit(block.label, room, NAME_CHAR))}</text>` +
    `<text ${halo} x="${AXIS + 8}" y="${round(middle + 12)}">${escapeXml(fit(block.detail, room, SMALL_CHAR))}</text>`
  );
}

const LEGEND: readonly (readonly [kind: string, words: string])[] = [
  ["stays", "stays on the stack"],
  ["replaced", "replaced by the tail call"],
  ["runs", "runs"],
  ["folded", "folded"],
];

function legend(y: number): string {
  let x = 0;
  return LEGEND.map(([kind, text]) => {
    const part = `<rect class="frame ${kind}" x="${x}" y="${y}" width="14" height="14"/><text x="${x + 20}" y="${y + 11}">${text}</text>`;
    x += 36 + Math.ceil(text.length * SMALL_CHAR);
    return part;
  }).join("");
}

/** A picture of some panels, side by side as far as the width goes. */
export interface Picture {
  readonly title: string;
  /** The same in words, for those who cannot see it. */
  readonly description: string;
  readonly panels: readonly Panel[];
  /** A line below: what was folded. */
  readonly note?: string | undefined;
}

/** Draws a picture as a standalone SVG; `width` in pixels is held between 600 and 1,600. */
export function drawSvg(picture: Picture, width = 960): string {
  const total = Math.round(Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, width)));
  const inner = total - 2 * MARGIN;
  const columns = Math.max(1, Math.min(picture.panels.length, Math.floor((inner + GAP) / (PANEL_MIN + GAP))));
  const panelWidth = Math.min(PANEL_MAX, Math.floor((inner - GAP * (columns - 1)) / columns));
  let y = MARGIN + 32;
  const parts: string[] = [];
  for (let row = 0; row < picture.panels.length; row += columns) {
    const panels = picture.panels.slice(row, row + columns);
    for (const [at, panel] of panels.entries()) {
      const x = MARGIN + at * (panelWidth + GAP);
      parts.push(`<g transform="translate(${x} ${y})">\n${panelShapes(panel, panelWidth)}\n</g>`);
    }
    y += Math.max(...panels.map(panelHeight)) + GAP;
  }
  if (picture.note !== undefined) {
    parts.push(`<text x="${MARGIN}" y="${y + 8}">${escapeXml(fit(picture.note, inner, SMALL_CHAR))}</text>`);
    y += 24;
  }
  parts.push(`<g transform="translate(${MARGIN} 0)">${legend(y)}</g>`);
  const height = y + 14 + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="bpf-stack" width="${total}" height="${height}" viewBox="0 0 ${total} ${height}" role="img" aria-labelledby="title description">`,
    `<title id="title">${escapeXml(picture.title)}</title>`,
    `<desc id="description">${escapeXml(picture.description)}</desc>`,
    `<style>${pictureStyle(".bpf-stack")}</style>`,
    `<rect width="${total}" height="${height}" fill="var(--page)"/>`,
    `<text class="title" x="${MARGIN}" y="${MARGIN + 12}">${escapeXml(fit(picture.title, inner, TITLE_CHAR))}</text>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}
