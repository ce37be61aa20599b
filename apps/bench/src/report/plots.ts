import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { Result, Results, Summary } from "../results.js";
import { netOf } from "../statistics.js";
import { subjectsOf } from "./format.js";

/** A chart as SVG text, with its size. */
export interface Chart {
  readonly title: string;
  readonly svg: string;
  readonly width: number;
  readonly height: number;
}

const WIDTH = 860;
const STYLE = { fontFamily: "system-ui, sans-serif", fontSize: "12px", background: "white" } as const;

const COLOURS: Readonly<Record<string, string>> = {
  interpreter: "#9c9c9c",
  "jit-x64 checked": "#f28e2b",
  "jit-x64 confined": "#4269d0",
  "jit-x64 unchecked": "#97bbf5",
  kernel: "#e15759",
  native: "#3ca951",
  verifier: "#4269d0",
};
const OTHERS = ["#a463f2", "#9c6b4e", "#ff8ab7", "#6cc5b0"];

/** Every chart there are figures for. */
export function chartsOf({ results }: Results): Chart[] {
  const of = (group: Result["group"], measure: Result["measure"]): Result[] =>
    results.filter((result) => result.group === group && result.measure === measure);
  const charts = [
    bars("Billion BPF instructions a second (more is better)", speeds(of("compute", "run"))),
    bars(
      "Time beside clang -O2, which is 1 (less is better; without the interpreter)",
      besideNative(of("compute", "run")),
    ),
    bars("Maps: ns for 100 operations (logarithmic)", logarithmic(timesOf(of("maps", "run")))),
    bars("Tail calls and calls: ns a run (logarithmic)", logarithmic(timesOf(of("tail-calls", "run")))),
    lines("Code inlined and called: bytes of machine code by call sites", "call sites", "bytes", of("sites", "code")),
    lines(
      "Code inlined and called: ns for 640 steps by call sites",
      "call sites",
      "ns",
      withoutInterpreter(of("sites", "run")),
    ),
    lines("Linking by program size (the kernel verifies, too)", "instructions", "ms", of("size", "link"), 1e6),
    lines(
      "Verifying by program size",
      "instructions",
      "ms",
      [...of("size", "verify"), ...kernelOf(of("size", "link"))],
      1e6,
    ),
    lines("ns a run by input size", "bytes", "ns", of("input", "run")),
    bars(
      "Runs a second by workers, with a VM each or shared (logarithmic)",
      logarithmic(throughputs(of("workers", "throughput"))),
    ),
    bars("The same C over raw memory: ns a run (logarithmic)", logarithmic(timesOf(of("raw", "run")))),
  ];
  return charts.filter((chart) => chart !== undefined);
}

/** A bar: where it ends, and from where to where samples lie. */
interface Bar {
  readonly facet: string;
  readonly subject: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

interface Bars {
  readonly logarithmic?: true;
  readonly bars: readonly Bar[];
}

const logarithmic = ({ bars }: Bars): Bars => ({ bars: bars.filter(({ value }) => value > 0), logarithmic: true });
const withoutInterpreter = (results: readonly Result[]): Result[] =>
  results.filter(({ subject }) => subject !== "interpreter");
const kernelOf = (results: Result[]): Result[] => results.filter(({ subject }) => subject === "kernel");

const facetOf = ({ workload, x }: Result): string => (x === undefined ? workload : `${workload}, ${x}`);

function timesOf(results: readonly Result[]): Bars {
  const bars = results
    .filter(({ workload }) => workload !== "empty")
    .map((result) => ({
      facet: facetOf(result),
      subject: result.subject,
      value: result.min,
      low: result.min,
      high: result.high,
    }));
  return { bars };
}

/** Each time as a multiple of native code's, both less their empty program. */
function besideNative(results: readonly Result[]): Bars {
  const net = (result: Result): Summary =>
    netOf(
      result,
      results.find(({ workload, subject }) => workload === "empty" && subject === result.subject),
    );
  const bars = withoutInterpreter(results).flatMap((result) => {
    const native = results.find(({ workload, subject }) => workload === result.workload && subject === "native");
    if (native === undefined || result.workload === "empty") return [];
    const { min } = net(native);
    const own = net(result);
    return [
      {
        facet: facetOf(result),
        subject: result.subject,
        value: own.min / min,
        low: own.min / min,
        high: own.high / min,
      },
    ];
  });
  return { bars };
}

function throughputs(results: readonly Result[]): Bars {
  const bars = results.map((result) => ({
    facet: `${result.workload.replace(", a VM a worker", "")}, ${result.x} worker${result.x === 1 ? "" : "s"}`,
    subject: result.subject,
    value: result.median,
    low: result.low,
    high: result.high,
  }));
  return { bars };
}

function speeds(results: readonly Result[]): Bars {
  const bars = results
    .filter(({ workload, instructions }) => workload !== "empty" && instructions !== undefined)
    .map((result) => {
      const empty = results.find(({ workload, subject }) => workload === "empty" && subject === result.subject);
      const { min, low, high } = netOf(result, empty);
      const speed = (time: number): number => result.instructions! / time;
      return { facet: facetOf(result), subject: result.subject, value: speed(min), low: speed(high), high: speed(low) };
    });
  return { bars };
}

const colours = (subjects: readonly string[]): { domain: string[]; range: string[] } => ({
  domain: [...subjects],
  range: subjects.map((subject, index) => COLOURS[subject] ?? OTHERS[index % OTHERS.length]!),
});

const orderOf = (bars: readonly Bar[]): string[] => subjectsOf(bars as unknown as readonly Result[]);

/** Pixels of a character of a label, at most on average. */
const CHARACTER = 7;

/** A facet for each workload, in it a bar for each subject with the spread of its samples. */
function bars(title: string, { bars, logarithmic }: Bars): Chart | undefined {
  if (bars.length === 0) return undefined;
  const subjects = orderOf(bars);
  const facets = [...new Set(bars.map(({ facet }) => facet))];
  const least = Math.min(...bars.map(({ value, low }) => Math.min(value, low)));
  // A bar on a logarithmic axis needs a beginning: the power of ten below everything.
  const from = logarithmic ? 10 ** Math.floor(Math.log10(least)) : 0;
  const height = 60 + facets.length * (subjects.length * 11 + 8);
  return draw(title, subjects, height, {
    marginLeft: 20 + CHARACTER * Math.max(...facets.map((facet) => facet.length)),
    marginRight: 30,
    x: {
      grid: true,
      label: null,
      axis: "both",
      ...(logarithmic ? { type: "log" as const, tickFormat: short } : { tickFormat: short }),
    },
    y: { axis: null, domain: subjects, padding: 0.1 },
    fy: { domain: facets, label: null, padding: 0.12, axis: "left" },
    marks: [
      Plot.barX(bars, { fy: "facet", y: "subject", x1: from, x2: "value", fill: "subject" }),
      Plot.ruleY(bars, { fy: "facet", y: "subject", x1: "low", x2: "high", stroke: "black", strokeWidth: 1.5 }),
      Plot.ruleX([from]),
    ],
  });
}

/** A line for each subject by size, both axes logarithmic; a facet for each workload, side by side. */
function lines(
  title: string,
  xLabel: string,
  yLabel: string,
  results: readonly Result[],
  scale = 1,
): Chart | undefined {
  const points = results.map((result) => ({
    ...result,
    y: result.min / scale,
    low: result.min / scale,
    high: result.high / scale,
  }));
  if (points.length === 0) return undefined;
  const subjects = subjectsOf(results);
  const workloads = [...new Set(points.map(({ workload }) => workload))];
  const ticks = [...new Set(points.map(({ x }) => x!))];
  return draw(title, subjects, 320, {
    marginLeft: 60,
    marginBottom: 40,
    x: { type: "log" },
    y: { type: "log", grid: true, label: yLabel, tickFormat: short },
    fx: { domain: workloads, label: null, ...(workloads.length > 1 ? {} : { axis: null }) },
    marks: [
      Plot.frame({ stroke: "#ccc" }),
      // Given as texts: a logarithmic axis would leave out some of them.
      Plot.axisX(ticks, { text: short, label: xLabel }),
      Plot.line(points, { fx: "workload", x: "x", y: "y", z: "subject", stroke: "subject", strokeWidth: 2 }),
      Plot.ruleX(points, { fx: "workload", x: "x", y1: "low", y2: "high", stroke: "subject" }),
      Plot.dot(points, { fx: "workload", x: "x", y: "y", fill: "subject", r: 3 }),
    ],
  });
}

/** A figure on an axis: thousands as k, millions as M, no thousandths as m. */
function short(value: number): string {
  if (value >= 1e6) return `${value / 1e6}M`;
  if (value >= 1000 && value % 100 === 0) return `${value / 1000}k`;
  return value >= 1000 ? String(value) : String(Number(value.toPrecision(3)));
}

/** Draws a plot below its title and the names of its colours. */
function draw(title: string, subjects: readonly string[], height: number, options: Plot.PlotOptions): Chart {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const color = colours(subjects);
  const plot = Plot.plot({
    ...options,
    width: WIDTH,
    height,
    style: STYLE,
    color,
    document: document as unknown as Document,
  });
  const top = 52;
  const legend = subjects.map((subject, index) => {
    const x = 10 + index * 140;
    return `<rect x="${x}" y="30" width="11" height="11" fill="${color.range[index]}"/><text x="${x + 16}" y="40">${escaped(subject)}</text>`;
  });
  const inner = (plot as unknown as { outerHTML: string }).outerHTML.replace(/^<svg /, `<svg y="${top}" `);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height + top}" font-family="system-ui, sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/><text x="10" y="18" font-size="15" font-weight="600">${escaped(title)}</text>${legend.join("")}${inner}</svg>`;
  return { title, svg, width: WIDTH, height: height + top };
}

/** Text for XML. */
export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
