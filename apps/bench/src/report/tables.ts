import type { Result, Results } from "../results.js";
import { geometricMean, netOf, ratioOf } from "../statistics.js";
import { OPERATIONS } from "../workloads.js";
import { figure, subjectsOf, withSpread } from "./format.js";

/** A table as any output draws it. */
export interface Table {
  readonly title: string;
  readonly note?: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What the ratios of the first table compare. */
const RATIO_OF = "jit-x64 confined";
const RATIOS_TO = ["native", "kernel"];

/** Everything a run came to, in tables; those without rows are left out. */
export function tablesOf({ results }: Results): Table[] {
  const of = (group: Result["group"], measure: Result["measure"]): Result[] =>
    results.filter((result) => result.group === group && result.measure === measure);
  const tables = [
    computeTable(of("compute", "run")),
    speedTable(of("compute", "run")),
    codeTable(of("compute", "code")),
    pivot("Tail calls and calls, ns a run", of("tail-calls", "run")),
    perOperation("Maps, ns an operation", of("maps", "run")),
    pivot("Code inlined and called: ns for 640 steps, by call sites", of("sites", "run")),
    pivot("Code inlined and called: bytes of machine code, by call sites", of("sites", "code")),
    pivot("Linking (compiling, to machine code), ms by program size", of("size", "link"), {
      scale: 1e6,
      note: KERNEL_LINKS,
    }),
    pivot("Verifying, ms by program size", of("size", "verify"), { scale: 1e6 }),
    pivot("ns a run by input size, bytes", of("input", "run")),
    pivot("Objects: parsing and loading, ms", [...of("objects", "parse"), ...of("objects", "load")], {
      scale: 1e6,
      note: OBJECTS,
      measures: true,
    }),
    pivot(
      "Objects: verifying and linking the largest program, ms",
      [...of("objects", "verify"), ...of("objects", "link")],
      {
        scale: 1e6,
        note: KERNEL_LINKS,
        measures: true,
      },
    ),
    pivot("A run from JavaScript, ns", of("calls", "call")),
    pivot("Resident memory a VM, KiB", of("calls", "memory"), { scale: 1024 }),
    throughputTable(of("workers", "throughput")),
    pivot("The same C over raw memory, without a verdict, ns a run", of("raw", "run"), {
      note: "Outside VMs are timed as processes by the clock on the wall, less a process that runs nothing.",
    }),
  ];
  return tables.filter((table) => table !== undefined);
}

const LEAST = "Least of all rounds, and how far the third quartile lies above it.";
const OBJECTS = "Objects are those in apps/bench/workloads/objects/programs; any others were given with --object.";
const KERNEL_LINKS = "Of the kernel it is its load: verifying and compiling.";

interface PivotOptions {
  readonly scale?: number;
  readonly note?: string;
  /** Rows also say what is measured. */
  readonly measures?: boolean;
}

const rowNameOf = ({ workload, x, measure }: Result, measures: boolean): string =>
  `${measures ? `${measure} ` : ""}${workload}${x === undefined ? "" : `, ${figure(x)}`}`;

/** A row for each workload, a column for each subject. */
function pivot(title: string, results: readonly Result[], options: PivotOptions = {}): Table | undefined {
  if (results.length === 0) return undefined;
  const { scale = 1, note, measures = false } = options;
  const subjects = subjectsOf(results);
  const names = [...new Set(results.map((result) => rowNameOf(result, measures)))];
  const rows = names.map((name) => {
    const row = results.filter((result) => rowNameOf(result, measures) === name);
    return [
      name,
      ...subjects.map((subject) =>
        cell(
          row.find((result) => result.subject === subject),
          scale,
        ),
      ),
    ];
  });
  return { title, ...(note === undefined ? {} : { note }), head: ["", ...subjects], rows };
}

const cell = (result: Result | undefined, scale: number): string =>
  result === undefined ? "" : withSpread(result, scale);

/** Times, and what the confined JIT's are of clang's and of the kernel's. */
function computeTable(results: readonly Result[]): Table | undefined {
  const base = pivot("ns a run", results);
  if (base === undefined) return undefined;
  const ratios = ratiosOf(results);
  const others = RATIOS_TO.filter((other) => ratios.has(other));
  if (others.length === 0) return { ...base, note: LEAST };
  const rows = base.rows.map((row) => [
    ...row,
    ...others.map((other) => {
      const ratio = ratios.get(other)!.get(row[0]!);
      return ratio === undefined ? "" : ratio.toFixed(2);
    }),
  ]);
  const means = others.map((other) => geometricMean([...ratios.get(other)!.values()])?.toFixed(2) ?? "");
  return {
    ...base,
    note: `${LEAST} The last columns are ${RATIO_OF} by ${others.join(" and by ")}, each less its empty program; where samples are too far apart there is none.`,
    head: [...base.head, ...others.map((other) => `÷ ${other}`)],
    rows: [...rows, ["geometric mean", ...subjectsOf(results).map(() => ""), ...means]],
  };
}

/** For each other subject, the ratio of each workload but the empty one; those that mean nothing are left out. */
export function ratiosOf(results: readonly Result[]): Map<string, Map<string, number>> {
  const find = (workload: string, subject: string): Result | undefined =>
    results.find((result) => result.workload === workload && result.subject === subject);
  const ratios = new Map<string, Map<string, number>>();
  const names = [...new Set(results.map(({ workload }) => workload))].filter((name) => name !== "empty");
  for (const other of RATIOS_TO) {
    for (const name of names) {
      const [own, theirs] = [find(name, RATIO_OF), find(name, other)];
      if (own === undefined || theirs === undefined) continue;
      const ratio = ratioOf(netOf(own, find("empty", RATIO_OF)), netOf(theirs, find("empty", other)));
      if (ratio === undefined) continue;
      ratios.set(other, (ratios.get(other) ?? new Map<string, number>()).set(name, ratio));
    }
  }
  return ratios;
}

function speedTable(results: readonly Result[]): Table | undefined {
  const counted = results.filter(({ instructions, workload }) => instructions !== undefined && workload !== "empty");
  const table = pivot("Million BPF instructions a second", counted);
  if (table === undefined) return undefined;
  const rows = table.rows.map(([name, ...cells]) => [
    name!,
    ...cells.map((_, column) => {
      const found = counted.find(({ workload, subject }) => workload === name && subject === table.head[column + 1]);
      return found === undefined ? "" : figure((found.instructions! / found.min) * 1000);
    }),
  ]);
  return {
    ...table,
    note: "Instructions as the interpreter counts them; of native code, those the same C has in BPF.",
    rows,
  };
}

function codeTable(results: readonly Result[]): Table | undefined {
  const table = pivot("Bytes of machine code, and for each BPF instruction", results);
  if (table === undefined) return undefined;
  const rows = table.rows.map(([name, ...cells]) => [
    name!,
    ...cells.map((text, column) => {
      const found = results.find(({ workload, subject }) => workload === name && subject === table.head[column + 1]);
      return found?.slots === undefined ? text : `${text} (${(found.min / found.slots).toFixed(1)})`;
    }),
  ]);
  return { ...table, rows };
}

function perOperation(title: string, results: readonly Result[]): Table | undefined {
  const each = results.map((result) => {
    const operations = OPERATIONS.get(`${result.group} ${result.workload}`) ?? 1;
    const { min, low, median, high } = result;
    return {
      ...result,
      min: min / operations,
      low: low / operations,
      median: median / operations,
      high: high / operations,
    };
  });
  return pivot(title, each);
}

function throughputTable(results: readonly Result[]): Table | undefined {
  const most = results.map((result) => ({ ...result, min: result.median }));
  return pivot("Runs a second by workers (last figure), median, thousands", most, {
    scale: 1000,
    note: "`shared`: all workers run the same machine code on the same maps; else each has a VM of its own.",
  });
}
