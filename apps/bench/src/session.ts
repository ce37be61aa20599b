import { isBpfkitError } from "@bpfkit/core";
import type { Contender } from "./clock.js";
import { race } from "./clock.js";
import type { Native } from "./native.js";
import type { Peer } from "./peers.js";
import type { Group, Measure, Method, Result, Skipped, Summary } from "./results.js";
import type { Subject } from "./subjects.js";

/** What the parts of the benchmark share: what is timed, how, and where results go. */
export interface Session {
  readonly subjects: readonly Subject[];
  readonly native: Native | undefined;
  readonly peers: readonly Peer[];
  readonly method: Method;
  readonly results: Result[];
  readonly skipped: Skipped[];
  /** Says what is done now. */
  progress(text: string): void;
}

/** What a series of results has in common. */
export interface Series {
  readonly group: Group;
  readonly workload: string;
  readonly measure: Measure;
  readonly unit?: Result["unit"];
  readonly x?: number | undefined;
  readonly instructions?: number | undefined;
  readonly slots?: number | undefined;
}

/** Adds a result. */
export function add(session: Session, series: Series, subject: string, summary: Summary): void {
  const { group, workload, measure, unit = "ns", x, instructions, slots } = series;
  session.results.push({
    kind: "result",
    group,
    workload,
    subject,
    measure,
    unit,
    ...(x === undefined ? {} : { x }),
    ...(instructions === undefined ? {} : { instructions }),
    ...(slots === undefined ? {} : { slots }),
    ...summary,
  });
}

/** A summary of what does not vary. */
export function exactly(value: number): Summary {
  return { min: value, low: value, median: value, high: value, samples: 1 };
}

export function skip(session: Session, { group, workload }: Series, subject: string, reason: string): void {
  const known = session.skipped.some(
    (one) => one.group === group && one.workload === workload && one.subject === subject && one.reason === reason,
  );
  if (!known) session.skipped.push({ kind: "skipped", group, workload, subject, reason });
}

/** Makes contenders one by one; what cannot be made is skipped with its reason. */
export function gather(
  session: Session,
  series: Series,
  makers: readonly { readonly subject: string; make(): Contender }[],
): Contender[] {
  return makers.flatMap(({ subject, make }) => {
    try {
      return [make()];
    } catch (error) {
      if (!isBpfkitError(error)) throw error;
      skip(session, series, subject, error.message);
      return [];
    }
  });
}

/** Times contenders against each other, and adds what they came to. */
export function raceAndAdd(session: Session, series: Series, contenders: readonly Contender[]): void {
  const what = series.x === undefined ? series.workload : `${series.workload}, ${series.x}`;
  session.progress(`${series.group}: ${what}, ${series.measure}`);
  const summaries = race(what, contenders, session.method);
  for (const [index, { subject }] of contenders.entries()) add(session, series, subject, summaries[index]!);
}
